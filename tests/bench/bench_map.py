#!/usr/bin/python3
"""Mapping with SS-SoilNet: `salina retrieve` against PyTorch running the same network window by window.

One run, same weights, same pixels, all cores for both; both start from rasters in memory and end with predictions. PyTorch gets the rasters
standardised, the indices computed and the bands of every pixel laid out, cuts its windows of neighbouring pixels (a view, copied once by the network)
and runs in the batch size that suits it best. Salina is timed from the decoded rows of the stack to the finished rows of the map: indices,
scaling, network, intervals, quality. The detail also has the ratio from file to file (decoding, overviews, writing on our side, nothing of that on
PyTorch's) and the one against PyTorch with its windows ready in memory. cpu_ratio compares seconds of processors, file to file.
Prints JSON lines. SALINA_BUILD: build folder (default build/release); SALINA_BENCH_SIDE: pixels on a side.
"""
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.pop("OPENBLAS_CORETYPE", None)  # some machines pin it to an older core
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "oracle"))
import numpy as np  # noqa: E402
import torch  # noqa: E402
from osgeo import gdal  # noqa: E402

from ss_soilnet_stack import Stack, inputs, standardised  # noqa: E402
from ss_soilnet_torch import from_model  # noqa: E402

gdal.UseExceptions()
GOAL, SIDE, WINDOWS = 300, int(os.environ.get("SALINA_BENCH_SIDE", 1024)), 512
SALINA = Path(os.environ.get("SALINA_BUILD", ROOT / "build" / "release")) / "bin" / "salina"


def salina(*arguments):
    done = subprocess.run([SALINA, *map(str, arguments), "--json"], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def prepare(folder):
    """A stack as a user has it, one that holds its indices for the twin, and a model; two epochs are as fast to map as fifty."""
    salina("demo", "--output", folder / "delta", "--size", SIDE, "--campaigns", 1, "--samples", 120)
    sources = ["--scene", next((folder / "delta").glob("scene_*.tif")), "--dem", folder / "delta" / "dem.tif", "--extra", next((folder / "delta").glob("phenology_*.tif"))]
    salina("covariates", *sources, "--output", folder / "stack.tif")
    salina("covariates", *sources, "--indices", "all", "--output", folder / "indices.tif")
    salina("train", "--stacks", folder / "stack.tif", "--samples", folder / "delta" / "samples.gpkg", "--target", "salinity", "--unit", "g/kg",
           "--epochs", 2, "--folds", 2, "--output", folder / "model.safetensors")


def windows_per_second(network, batch):
    """Best rates by the clock and by processor time."""
    with torch.inference_mode():
        network(**{name: value[:32] for name, value in batch.items()})
        best, best_cpu = 0, 0
        for size in (32, 128, 512):
            for _ in range(2):
                begun, cpu = time.perf_counter(), time.process_time()
                for first in range(0, WINDOWS, size):
                    network(**{name: value[first:first + size] for name, value in batch.items()})
                best, best_cpu = max(best, WINDOWS / (time.perf_counter() - begun)), max(best_cpu, WINDOWS / (time.process_time() - cpu))
    return best, best_cpu


def neighbours(stack, about):
    """The first WINDOWS pixels of a row, windows as a view of the standardised raster."""
    row = SIDE // 2
    batch = {key: value for key, value in inputs(stack, about, np.arange(WINDOWS), np.full(WINDOWS, row)).items() if value is not None}
    half = about["window"] // 2
    rows = torch.from_numpy(standardised(stack, about)[row:row + 2 * half + 1, :WINDOWS + 2 * half].copy())  # (window, columns, covariates)
    batch["window"] = rows.unfold(1, 2 * half + 1, 1).permute(1, 0, 3, 2)  # (pixel, window row, window column, covariate)
    return batch


def processor_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def lay_out_twice(folder):
    """The stack beside and below itself, stored as the stack is: four times the pixels with the same content."""
    one = gdal.Open(str(folder / "stack.tif"))
    options = ["TILED=YES", "BLOCKXSIZE=512", "BLOCKYSIZE=512", "COMPRESS=DEFLATE", "ZLEVEL=1", "PREDICTOR=3", "INTERLEAVE=BAND", "BIGTIFF=IF_SAFER"]
    four = gdal.GetDriverByName("GTiff").Create(str(folder / "four.tif"), 2 * SIDE, 2 * SIDE, one.RasterCount, one.GetRasterBand(1).DataType, options)
    four.SetProjection(one.GetProjection())
    four.SetGeoTransform(one.GetGeoTransform())
    four.SetMetadata(one.GetMetadata("SALINA"), "SALINA")
    for k in range(1, one.RasterCount + 1):
        a, b = one.GetRasterBand(k), four.GetRasterBand(k)
        b.SetDescription(a.GetDescription())
        b.SetUnitType(a.GetUnitType())
        b.SetNoDataValue(a.GetNoDataValue())
        b.WriteArray(np.tile(a.ReadAsArray(), (2, 2)))


def retrieve(folder, threads, stack="stack.tif"):
    before = processor_seconds()
    result = salina("retrieve", "--stack", folder / stack, "--model", folder / "model.safetensors", "--output", folder / f"map_of_{stack}", "--threads", threads, "--aoa", "false")  # PyTorch knows no applicability
    return result | {"cpu_rate": result["pixels"] / (processor_seconds() - before)}


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder)
        network, about = from_model(folder / "model.safetensors")
        stack = Stack(folder / "indices.tif")
        columns, rows = np.random.default_rng(1).integers(0, SIDE, (2, WINDOWS))
        batch = {key: value for key, value in inputs(stack, about, columns, rows).items() if value is not None}
        row = neighbours(stack, about)
        before = windows_per_second(network, row), windows_per_second(network, batch)
        best = {}
        for threads in (1, os.cpu_count()):
            runs = [retrieve(folder, threads) for _ in range(3)]
            best[threads] = min(runs, key=lambda run: run["seconds_computing"])
        lay_out_twice(folder)
        four = retrieve(folder, os.cpu_count(), "four.tif")
        with torch.inference_mode():
            expected = network(**batch)[:, 1].numpy() * about["hyper"]["target_sd"] + about["hyper"]["target_mean"]
        got = Stack(folder / "map_of_stack.tif").bands["salinity"][rows, columns]
        torch_rate, torch_cpu = map(max, zip(before[0], windows_per_second(network, row)))
        ready_rate, _ = map(max, zip(before[1], windows_per_second(network, batch)))
    cpu_ratio = max(run["cpu_rate"] for run in best.values()) / torch_cpu
    all_cores = best[os.cpu_count()]
    whole, by_thread = all_cores["megapixels_per_second"], {n: run["pixels"] / 1e6 / run["seconds_computing"] for n, run in best.items()}
    alone, whole_four = by_thread[os.cpu_count()], four["megapixels_per_second"]
    detail = {"megapixels": SIDE * SIDE / 1e6, "salina_mpx_s": round(alone, 4), "torch_windows_s": round(torch_rate, 1), "file_to_file_mpx_s": round(whole, 4),
              "file_to_file_ratio": round(whole * 1e6 / torch_rate, 1), "torch_ready_windows_s": round(ready_rate, 1), "ready_windows_ratio": round(alone * 1e6 / ready_rate, 1),
              "cpu_ratio": round(cpu_ratio, 1), "threads": os.cpu_count(), "memory_mib": all_cores["memory_bytes"] >> 20,
              "seconds_reading": round(all_cores["seconds_reading"], 3), "seconds_writing": round(all_cores["seconds_writing"], 3),
              "difference": float(np.abs(np.log1p(got) - np.maximum(expected, 0)).max())}
    print(json.dumps({"name": "map with all cores against one thread", "value": round(alone / by_thread[1], 3), "goal": 1.8,
                      "detail": {"threads": os.cpu_count(), "mpx_s": {str(n): round(rate, 4) for n, rate in by_thread.items()},
                                 "file_to_file": round(whole / best[1]["megapixels_per_second"], 3)}}))
    print(json.dumps({"name": "map, rate on 4 times the pixels against 1", "value": round(whole_four / whole, 3), "goal": 0.9,
                      "detail": {"megapixels": [SIDE * SIDE / 1e6, 4 * SIDE * SIDE / 1e6], "mpx_s": [round(whole, 4), round(whole_four, 4)],
                                 "by_processor_time": round(four["cpu_rate"] / all_cores["cpu_rate"], 3), "memory_mib": four["memory_bytes"] >> 20}}))
    print(json.dumps({"name": "map against window-by-window PyTorch", "value": round(alone * 1e6 / torch_rate, 1), "goal": GOAL, "detail": detail}))


if __name__ == "__main__":
    main()
