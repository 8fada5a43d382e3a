"""Seconds of numpy over seconds of libsalina for the 37 indices and 4 terrain covariates of SS-SoilNet on 1000 x 1000 pixels.

Same formulas, same guard against division by zero, same values. Reflectance is float32, (pixels, bands) on our side as a
raster is read, one array a band for numpy, which is what suits it best; terrain is float64 inside on both sides, with
scipy.ndimage's filters. Prints one JSON object.
"""
import json
import os
import pathlib
import re
import subprocess
import tempfile
import time

import numpy as np
from scipy import ndimage

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = pathlib.Path(os.environ.get("SALINA_BUILD", ROOT / "build/release")) / "bench"
ROLES = ["B", "G", "R", "RE1", "RE2", "RE3", "NIR", "SWIR1", "SWIR2"]
GOAL, SIDE, HALO = 10, 1000, 32


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


def run(program, *arguments):
    command = [PROGRAMS / program, *map(str, arguments)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def indices(folder):
    rng = np.random.default_rng(1)
    pixels = rng.uniform(0.02, 0.6, (SIDE * SIDE, len(ROLES))).astype(np.float32)
    table = formulas()
    names = {role: np.ascontiguousarray(pixels[:, i]) for i, role in enumerate(ROLES)}
    names.update(sqrt=np.sqrt, fabs=np.abs, where=np.where, nan=np.float32(np.nan))
    with np.errstate(all="ignore"):
        seconds, expected = best(lambda: [eval(code, names) for code in table.values()], 5)
    pixels.tofile(f"{folder}/in.raw")
    ours = {threads: run("index_speed", f"{folder}/in.raw", f"{folder}/out.raw", threads, *table) for threads in (1, 2)}
    got = np.fromfile(f"{folder}/out.raw", np.float32).reshape(-1, len(table))
    worst = 0.0
    for k, values in enumerate(expected):
        same = np.isfinite(values)
        if not np.array_equal(same, np.isfinite(got[:, k])):
            raise SystemExit(f"{list(table)[k]}: numpy and libsalina disagree on which pixels have a value")
        worst = max(worst, float(np.max(np.abs(values - got[:, k])[same] / np.maximum(1, np.abs(values[same])))))
    return seconds, ours, worst


def derive(z, h):
    """Slope, profile and plan curvature and relative elevation of float64 elevations, as one writes them with numpy."""
    s = ndimage.gaussian_filter(z, 2, truncate=3)
    z1, z2, z3, z4, z5, z6, z7, z8, z9 = (s[1 + y : s.shape[0] - 1 + y, 1 + x : s.shape[1] - 1 + x] for y in (-1, 0, 1) for x in (-1, 0, 1))
    p = ((z3 + 2 * z6 + z9) - (z1 + 2 * z4 + z7)) / (8 * h)
    q = ((z1 + 2 * z2 + z3) - (z7 + 2 * z8 + z9)) / (8 * h)
    slope = np.degrees(np.arctan(np.sqrt(p * p + q * q)))
    gx, gy = (z6 - z4) / (2 * h), (z2 - z8) / (2 * h)
    r, t, m = (z4 + z6 - 2 * z5) / h**2, (z2 + z8 - 2 * z5) / h**2, (z3 + z7 - z1 - z9) / (4 * h**2)
    g = gx * gx + gy * gy
    flat = g < 1e-12
    profile = np.where(flat, 0, -(r * gx * gx + 2 * m * gx * gy + t * gy * gy) / (g * (1 + g) * np.sqrt(1 + g)))
    plan = np.where(flat, 0, np.clip(-(r * gy * gy - 2 * m * gx * gy + t * gx * gx) / (g * np.sqrt(g)), -1, 1))
    relief = z - ndimage.uniform_filter(z, 65)
    cut = HALO - 1
    return [a[cut:-cut, cut:-cut] for a in (slope, profile, plan)] + [relief[HALO:-HALO, HALO:-HALO]]


def terrain(folder):
    rng = np.random.default_rng(2)
    z = ndimage.gaussian_filter(rng.standard_normal((SIDE + 2 * HALO,) * 2), 9, mode="wrap").astype(np.float32) * 40 + 5
    z.tofile(f"{folder}/in.raw")
    with np.errstate(all="ignore"):
        seconds, expected = best(lambda: derive(z.astype(np.float64), 10.0), 5)
    ours = {threads: run("terrain_speed", f"{folder}/in.raw", f"{folder}/out.raw", threads, SIDE) for threads in (1, 2)}
    got = np.fromfile(f"{folder}/out.raw", np.float32).reshape(SIDE, SIDE, 4)
    worst = max(float(np.max(np.abs(values - got[..., k]))) for k, values in enumerate(expected))
    return seconds, ours, worst


def main():
    with tempfile.TemporaryDirectory() as folder:
        index_numpy, index_ours, index_worst = indices(folder)
        terrain_numpy, terrain_ours, terrain_worst = terrain(folder)
    value = (index_numpy + terrain_numpy) / (index_ours[2] + terrain_ours[2])
    detail = {"megapixels": SIDE * SIDE / 1e6, "index_numpy_s": round(index_numpy, 4), "index_1_thread_s": index_ours[1],
              "index_2_threads_s": index_ours[2], "index_difference": index_worst, "terrain_numpy_s": round(terrain_numpy, 4),
              "terrain_1_thread_s": terrain_ours[1], "terrain_2_threads_s": terrain_ours[2], "terrain_difference": terrain_worst}
    print(json.dumps({"name": "indices", "value": round(value, 2), "goal": GOAL, "detail": detail}))


if __name__ == "__main__":
    main()
