"""Seconds of numpy over seconds of libsalina for the 37 indices and 6 terrain covariates of a scene of 5000 x 5000 pixels.

Same formulas, same guard against division by zero, same values. Reflectance is float32, (pixels, bands) on our side as a
raster is read, one array a band for numpy, which is what suits it best; terrain is float64 inside on both sides, with
scipy.ndimage's filters. Slope alone is compared with GDAL's own, from memory to memory, on one thread. Wall-clock suffers from
whoever else uses the machine, so ratios of processor time stand beside it. Prints one JSON object.
"""
import json
import os
import pathlib
import re
import subprocess
import tempfile
import time

import numpy as np
from osgeo import gdal
from scipy import ndimage

gdal.UseExceptions()

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = pathlib.Path(os.environ.get("SALINA_BUILD", ROOT / "build/release")) / "bench"
ROLES = ["B", "G", "R", "RE1", "RE2", "RE3", "NIR", "SWIR1", "SWIR2"]
GOAL, SIDE, HALO, KEEP = 10, int(os.environ.get("SALINA_BENCH_SIDE", 5000)), 32, 50
TERRAIN = ["SLOPE", "PROFILE_CURV", "PLAN_CURV", "TANG_CURV", "ASPECT", "REL_ELEV"]


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
    wall, processor = [], []
    for _ in range(runs):
        result = None  # the arrays of the last run make room for those of this one
        begin, spent = time.perf_counter(), time.process_time()
        result = function()
        wall.append(time.perf_counter() - begin)
        processor.append(time.process_time() - spent)
    return (min(wall), min(processor)), result


def run(program, *arguments):
    command = [PROGRAMS / program, *map(str, arguments)]
    return tuple(map(float, subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()))


def indices(folder):
    rng = np.random.default_rng(1)
    copies = max(1, SIDE // 200)
    pixels = rng.uniform(0.02, 0.6, (SIDE * SIDE // copies, len(ROLES))).astype(np.float32)
    table = formulas()
    names = {role: np.tile(pixels[:, i], copies) for i, role in enumerate(ROLES)}
    names.update(sqrt=np.sqrt, fabs=np.abs, where=np.where, nan=np.float32(np.nan))
    with np.errstate(all="ignore"):
        theirs, expected = best(lambda: [eval(code, names) for code in table.values()], 2)
    expected = [values[-len(pixels):].copy() for values in expected]
    names.clear()
    pixels.tofile(f"{folder}/in.raw")
    ours = {threads: run("index_speed", f"{folder}/in.raw", f"{folder}/out.raw", threads, copies, *table) for threads in (1, 2)}
    got = np.fromfile(f"{folder}/out.raw", np.float32).reshape(-1, len(table))
    worst = 0.0
    for k, values in enumerate(expected):
        same = np.isfinite(values)
        if not np.array_equal(same, np.isfinite(got[:, k])):
            raise SystemExit(f"{list(table)[k]}: numpy and libsalina disagree on which pixels have a value")
        worst = max(worst, float(np.max(np.abs(values - got[:, k])[same] / np.maximum(1, np.abs(values[same])))))
    return theirs, ours, worst


def derive(z, h):
    """The covariates TERRAIN of float64 elevations, as one writes them with numpy."""
    s = ndimage.gaussian_filter(z, 2, truncate=3)
    z1, z2, z3, z4, z5, z6, z7, z8, z9 = (s[1 + y : s.shape[0] - 1 + y, 1 + x : s.shape[1] - 1 + x] for y in (-1, 0, 1) for x in (-1, 0, 1))
    p = ((z3 + 2 * z6 + z9) - (z1 + 2 * z4 + z7)) / (8 * h)
    q = ((z1 + 2 * z2 + z3) - (z7 + 2 * z8 + z9)) / (8 * h)
    slope = np.degrees(np.arctan(np.sqrt(p * p + q * q)))
    gx, gy = (z6 - z4) / (2 * h), (z2 - z8) / (2 * h)
    r, t, m = (z4 + z6 - 2 * z5) / h**2, (z2 + z8 - 2 * z5) / h**2, (z3 + z7 - z1 - z9) / (4 * h**2)
    g = gx * gx + gy * gy
    flat = g < 1e-12
    aspect = np.where((p == 0) & (q == 0), np.nan, np.degrees(np.arctan2(-p, -q)) % 360)
    profile = np.where(flat, 0, -(r * gx * gx + 2 * m * gx * gy + t * gy * gy) / (g * (1 + g) * np.sqrt(1 + g)))
    plan = np.where(flat, 0, np.clip(-(r * gy * gy - 2 * m * gx * gy + t * gx * gx) / (g * np.sqrt(g)), -1, 1))
    tangential = np.where(flat, 0, -(r * gy * gy - 2 * m * gx * gy + t * gx * gx) / (g * np.sqrt(1 + g)))
    relief = z - ndimage.uniform_filter(z, 65)
    cut = HALO - 1
    return [a[cut:-cut, cut:-cut] for a in (slope, profile, plan, tangential, aspect)] + [relief[HALO:-HALO, HALO:-HALO]]


def terrain(folder):
    rng = np.random.default_rng(2)
    z = ndimage.gaussian_filter(rng.standard_normal((SIDE + 2 * HALO,) * 2).astype(np.float32), 9, mode="wrap") * 40 + 5
    z.tofile(f"{folder}/in.raw")
    with np.errstate(all="ignore"):
        theirs, expected = best(lambda: derive(z.astype(np.float64), 10.0), 2)
    ours = {threads: run("terrain_speed", f"{folder}/in.raw", f"{folder}/out.raw", threads, SIDE, 2, *TERRAIN) for threads in (1, 2)}
    got = np.fromfile(f"{folder}/out.raw", np.float32).reshape(len(TERRAIN), -1, SIDE)
    worst = 0.0
    for k, values in enumerate(expected):
        difference = np.abs(values[::KEEP] - got[k])
        worst = max(worst, float(np.nanmax(np.minimum(difference, 360 - difference) if TERRAIN[k] == "ASPECT" else difference)))
    return theirs, ours, worst, slope(folder, z)


def slope(folder, z):
    """Seconds of GDAL and of libsalina, one thread each, memory to memory."""
    source = gdal.GetDriverByName("MEM").Create("", SIDE, SIDE, 1, gdal.GDT_Float32)
    source.SetGeoTransform((0, 10, 0, 0, 0, -10))
    source.GetRasterBand(1).WriteArray(z[HALO:-HALO, HALO:-HALO])
    theirs, _ = best(lambda: gdal.DEMProcessing("", source, "slope", format="MEM"), 3)
    return theirs, run("terrain_speed", f"{folder}/in.raw", f"{folder}/out.raw", 1, SIDE, 0, "SLOPE")


def main():
    with tempfile.TemporaryDirectory() as folder:
        index_numpy, index_ours, index_worst = indices(folder)
        terrain_numpy, terrain_ours, terrain_worst, (slope_gdal, slope_ours) = terrain(folder)
    wall = [(index_numpy[0] + terrain_numpy[0]) / (index_ours[n][0] + terrain_ours[n][0]) for n in (1, 2)]
    processor = (index_numpy[1] + terrain_numpy[1]) / (index_ours[1][1] + terrain_ours[1][1])
    detail = {"megapixels": SIDE * SIDE / 1e6, "one_thread": round(wall[0], 2), "processor_time": round(processor, 2),
              "index_numpy_s": round(index_numpy[0], 4), "index_1_thread_s": index_ours[1][0], "index_2_threads_s": index_ours[2][0],
              "index_difference": index_worst, "terrain_numpy_s": round(terrain_numpy[0], 4), "terrain_1_thread_s": terrain_ours[1][0],
              "terrain_2_threads_s": terrain_ours[2][0], "terrain_difference": terrain_worst,
              "slope_gdal_over_ours": round(slope_gdal[1] / slope_ours[1], 2), "slope_gdal_s": round(slope_gdal[1], 4), "slope_s": slope_ours[1]}
    print(json.dumps({"name": "indices", "value": round(wall[1], 2), "goal": GOAL, "detail": detail}))


if __name__ == "__main__":
    main()
