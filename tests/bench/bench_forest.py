#!/usr/bin/python3
"""Mapping with a random forest of 500 trees, and what the area of applicability costs.

A forest fitted to 800 samples of a simulated delta maps a stack of about a megapixel from file to file with `salina retrieve`; the goal is a full tile of
10980 x 10980 pixels in 20 minutes, as megapixels a second. The same map without di, with di and with lpd says what these cost. The index alone, of 800
samples and 40 covariates, is compared with looking at every sample in turn (nearness_speed). Runs take turns and the best of each counts, since
whoever else uses the machine only slows them; by_processor_time is what the clock would say if nobody did. Prints JSON lines. SALINA_BUILD: build folder (default build/release); SALINA_BENCH_SIDE: pixels on a side.
"""
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.pop("OPENBLAS_CORETYPE", None)  # some machines pin it to an older core
ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("SALINA_BUILD", ROOT / "build" / "release"))
SIDE, SAMPLES, TILE, MINUTES, RUNS = int(os.environ.get("SALINA_BENCH_SIDE", 1024)), 800, 10980, 20, 2
WAYS = {"without": ["--aoa", "false"], "di": [], "di_lpd": ["--lpd", "true"]}


def salina(*arguments):
    done = subprocess.run([BUILD / "bin" / "salina", *map(str, arguments), "--json"], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def prepare(folder):
    salina("demo", "--output", folder / "delta", "--size", SIDE, "--campaigns", 1, "--samples", SAMPLES)
    salina("covariates", "--scene", next((folder / "delta").glob("scene_*.tif")), "--dem", folder / "delta" / "dem.tif",
           "--extra", next((folder / "delta").glob("phenology_*.tif")), "--output", folder / "stack.tif")
    return salina("train", "--stacks", folder / "stack.tif", "--samples", folder / "delta" / "samples.gpkg", "--target", "salinity", "--unit", "g/kg",
                  "--system", "random_forest", "--folds", 2, "--output", folder / "model.safetensors")


def processor_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def retrieve(folder, way):
    before = processor_seconds()
    result = salina("retrieve", "--stack", folder / "stack.tif", "--model", folder / "model.safetensors", "--output", folder / "map.tif", *WAYS[way])
    return result | {"processor_seconds": processor_seconds() - before}


def minutes(rate):
    return round(TILE * TILE / 1e6 / rate / 60, 1)


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        trained = prepare(folder)
        runs = {way: [] for way in WAYS}
        for _ in range(RUNS):
            for way in WAYS:
                runs[way].append(retrieve(folder, way))
        size = (folder / "model.safetensors").stat().st_size
    rate = {way: max(run["megapixels_per_second"] for run in runs[way]) for way in WAYS}
    seconds = {way: min(run["processor_seconds"] for run in runs[way]) for way in WAYS}
    one = runs["di"][0]
    alone = {way: round(minutes(one["pixels"] / 1e6 * one["workers"] / value), 1) for way, value in seconds.items()}
    rates = {way: round(value, 4) for way, value in rate.items()}
    print(json.dumps({"name": "forest of 500 trees over a map", "value": round(rate["di"], 4), "goal": round(TILE * TILE / 1e6 / (60 * MINUTES), 3), "unit": "Mpx/s",
                      "detail": {"megapixels": one["pixels"] / 1e6, "samples": trained["samples"], "full_tile_minutes": {way: minutes(value) for way, value in rate.items()}, "by_processor_time": alone, "goal_minutes": MINUTES,
                                 "mpx_s": rates, "threads": one["workers"], "memory_mib": one["memory_bytes"] >> 20, "model_mib": round(size / 2**20, 1)}}))
    done = subprocess.run([BUILD / "bench" / "nearness_speed", str(SAMPLES), "40", str(os.cpu_count())], capture_output=True, text=True, check=True)
    near = json.loads(done.stdout)
    share = {way: round(seconds[way] / seconds["without"] - 1, 3) for way in ("di", "di_lpd")}
    print(json.dumps({"name": "dissimilarity index against every sample in turn", "value": near["ratio"], "goal": 10,
                      "detail": near | {"processor_time_added_to_a_forest": share, "mpx_s": rates}}))


if __name__ == "__main__":
    main()
