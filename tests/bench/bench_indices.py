"""Seconds of numpy over seconds of libsalina for the 37 indices of SS-SoilNet on 1000 x 1000 pixels: same formulas, same
guard against division by zero, same values.

Both get float32 reflectance, (pixels, bands) on our side as a raster is read, one array a band for numpy, which is what suits it best.
Prints one JSON object.
"""
import json
import os
import pathlib
import re
import subprocess
import tempfile
import time

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("SALINA_BUILD", ROOT / "build/release")) / "bench/index_speed"
ROLES = ["B", "G", "R", "RE1", "RE2", "RE3", "NIR", "SWIR1", "SWIR2"]
GOAL = 10


def split(text):
    parts, depth = [""], 0
    for c in text:
        depth += (c == "(") - (c == ")")
        if c == "," and depth == 0 and parts[-1].count('"') % 2 == 0:
            parts.append("")
        else:
            parts[-1] += c
    return [part.strip() for part in parts]


def formulas():
    rows = re.findall(r"^SAL_INDEX\((.*)\)$", (ROOT / "native/features/indices.def").read_text(), re.M)
    table = {}
    for id, group, _, formula, divisor, *_ in map(split, rows):
        guarded = formula if divisor == "1" else f"where(fabs({divisor}) < 1e-6, nan, {formula})"
        table[id] = (group.strip('"'), re.sub(r"(\d)f\b", r"\1", guarded))
    wanted = [id for id, (group, _) in table.items() if group in ("salinity", "vegetation") or id in ("LSWI", "NDWI")]
    return {id: compile(table[id][1], id, "eval") for id in wanted}


def best(function, runs):
    seconds = []
    for _ in range(runs):
        begin = time.perf_counter()
        result = function()
        seconds.append(time.perf_counter() - begin)
    return min(seconds), result


def main():
    rng = np.random.default_rng(1)
    pixels = rng.uniform(0.02, 0.6, (1000 * 1000, len(ROLES))).astype(np.float32)
    table = formulas()
    names = {role: np.ascontiguousarray(pixels[:, i]) for i, role in enumerate(ROLES)}
    names.update(sqrt=np.sqrt, fabs=np.abs, where=np.where, nan=np.float32(np.nan))
    with np.errstate(all="ignore"):
        numpy_seconds, expected = best(lambda: [eval(code, names) for code in table.values()], 5)
    seconds, worst = {}, 0.0
    with tempfile.TemporaryDirectory() as folder:
        pixels.tofile(f"{folder}/in.raw")
        for threads in (1, 2):
            command = [PROGRAM, f"{folder}/in.raw", f"{folder}/out.raw", str(threads), *table]
            seconds[threads] = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        ours = np.fromfile(f"{folder}/out.raw", np.float32).reshape(-1, len(table))
    for k, values in enumerate(expected):
        same = np.isfinite(values)
        if not np.array_equal(same, np.isfinite(ours[:, k])):
            raise SystemExit(f"{list(table)[k]}: numpy and libsalina disagree on which pixels have a value")
        worst = max(worst, float(np.max(np.abs(values - ours[:, k])[same] / np.maximum(1, np.abs(values[same])))))
    written = 4e-9 * pixels.shape[0] * (len(table) + len(ROLES)) / seconds[2]
    detail = {"indices": len(table), "megapixels": 1, "numpy_s": round(numpy_seconds, 4), "salina_1_thread_s": seconds[1],
              "salina_2_threads_s": seconds[2], "gigabytes_per_second": round(written, 2), "largest_difference": worst}
    print(json.dumps({"name": "indices", "value": round(numpy_seconds / seconds[2], 2), "goal": GOAL, "detail": detail}))


if __name__ == "__main__":
    main()
