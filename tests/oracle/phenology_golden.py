"""Writes tests/golden/phenology.txt: Whittaker's smoother by a dense solution in numpy, for dates on and between the nodes.

    python3 tests/oracle/phenology_golden.py > tests/golden/phenology.txt
"""
import numpy as np

print("# Whittaker curves of dense solutions: CASE step lambda dates nodes; days after 1 January, values (nan: missing), curve at the nodes")
random = np.random.default_rng(3)
for step, every, penalty, missing in ((1, 1, 30.0, 0), (1, 3, 1000.0, 0.3), (5, 5, 1000.0, 0.3), (5, 4, 300.0, 0.5)):
    days = np.arange(0, 160, every) + (random.integers(0, 2, len(range(0, 160, every))) if every == 4 else 0)
    values = 0.2 + 0.5 * np.exp(-(((days - 80) / 30) ** 2)) + 0.03 * random.standard_normal(len(days))
    values[1:-1][random.random(len(days) - 2) < missing] = np.nan
    at = (days - days[0]) / step
    nodes = int(np.ceil(at[-1] - 1e-9)) + 1
    hat = np.maximum(0, 1 - np.abs(at[:, None] - np.arange(nodes)))
    weight = np.isfinite(values).astype(float)
    bend = np.diff(np.eye(nodes), 2, axis=0)
    curve = np.linalg.solve(hat.T @ (weight[:, None] * hat) + penalty / step**3 * bend.T @ bend, hat.T @ (weight * np.float32(np.nan_to_num(values))))
    print("CASE", step, penalty, len(days), nodes)
    print(*days)
    print(*(f"{v:.9g}" for v in np.float32(values)))
    print(*(f"{v:.12g}" for v in curve))
