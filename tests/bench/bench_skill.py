#!/usr/bin/python3
"""Skill of single networks on pixels they never saw, of three made deltas: what the issue "Spine" asks of training.

Every network learns from the 806 samples of a delta and is judged on 15,000 pixels, raster edges included, whose true salinity is known. Forests on
the ten bands and on the true drivers (python3-sklearn) stand beside it. Takes about ten minutes on 2 cores, most of them for making the deltas.
SALINA_BUILD: build folder; SALINA_BENCH_DELTAS: folder in which deltas are kept and found again (default: a temporary one).
"""
import csv
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from osgeo import gdal, ogr, osr

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "demo"))
import skill  # noqa: E402

gdal.UseExceptions()
ogr.UseExceptions()
BUILD = Path(os.environ.get("SALINA_BUILD", ROOT / "build" / "release"))
PIXELS = 2500  # of each campaign


def salina(*arguments):
    done = subprocess.run([BUILD / "bin" / "salina", *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)


def make(folder, seed):
    if not (folder / "truth" / "samples_drivers.csv").exists():
        salina("demo", "--output", folder, "--seed", seed)
    for scene in sorted(folder.glob("scene_*.tif")):
        campaign = scene.stem[len("scene_"):].rsplit("-", 1)[0]
        stack = folder / "stacks" / f"{campaign}.tif"
        stack.parent.mkdir(exist_ok=True)
        if not stack.exists():
            salina("covariates", "--scene", scene, "--dem", folder / "dem.tif", "--extra", folder / f"phenology_{campaign}.tif", "--output", stack)


def points(folder):
    """Samples and unseen pixels as one layer, samples first; what the forests need of both."""
    rows = list(csv.DictReader(open(folder / "truth" / "samples_drivers.csv", encoding="utf-8")))
    campaigns = sorted({row["campaign"] for row in rows})
    drivers, part = skill.driver_table(rows, campaigns)
    rng = np.random.default_rng(20261120)
    bands, true_drivers, observed, sample_bands = [], [], [], np.empty((len(rows), len(skill.BANDS)))
    path = folder / "unseen.gpkg"
    path.unlink(missing_ok=True)
    layer, source = None, ogr.GetDriverByName("GPKG").CreateDataSource(str(path))
    todo = [(float(row["x"]), float(row["y"]), float(row["salinity"]), row["campaign"]) for row in rows]
    for campaign in campaigns:
        data = gdal.Open(str(folder / "truth" / f"salinity_{campaign}.tif"))
        truth, nodata, to = data.ReadAsArray().astype(float), data.GetRasterBand(1).GetNoDataValue(), data.GetGeoTransform()
        truth[truth == nodata] = np.nan
        here = [i for i, row in enumerate(rows) if row["campaign"] == campaign]
        at = np.array([(int(rows[i]["row"]), int(rows[i]["column"])) for i in here])
        y, x = skill.unseen(truth, at, rng)
        y, x = y[:PIXELS], x[:PIXELS]
        stack = str(folder / "stacks" / f"{campaign}.tif")
        bands.append(skill.read(stack, skill.BANDS, y, x))
        sample_bands[here] = skill.read(stack, skill.BANDS, at[:, 0], at[:, 1])
        known = skill.read(str(folder / "truth" / "drivers.tif"), skill.DRIVERS[:-1], y, x)
        true_drivers.append(np.column_stack([known, np.full(len(y), part[campaign])]))
        observed.append(truth[y, x])
        todo += [(to[0] + (c + 0.5) * to[1], to[3] + (r + 0.5) * to[5], float(truth[r, c]), campaign) for r, c in zip(y, x)]
        projection = data.GetProjection()
    layer = source.CreateLayer("points", osr.SpatialReference(projection), ogr.wkbPoint)
    layer.CreateField(ogr.FieldDefn("salinity", ogr.OFTReal))
    layer.CreateField(ogr.FieldDefn("date", ogr.OFTString))
    layer.StartTransaction()
    for east, north, value, campaign in todo:
        feature = ogr.Feature(layer.GetLayerDefn())
        feature["salinity"], feature["date"] = value, campaign
        feature.SetGeometry(ogr.CreateGeometryFromWkt(f"POINT ({east!r} {north!r})"))
        layer.CreateFeature(feature)
    layer.CommitTransaction()
    values = np.array([float(row["salinity"]) for row in rows])
    forests = {name: skill.forest(a, values, np.concatenate(b)) for name, a, b in (("bands", sample_bands, bands), ("drivers", drivers, true_drivers))}
    return path, len(rows), {name: skill.scores(np.concatenate(observed), p) for name, p in forests.items() if p is not None}


def networks(folder, layer, count, system, seeds):
    stacks = sorted((folder / "stacks").glob("*.tif"))
    done = subprocess.run([BUILD / "bench" / "skill_networks", layer, str(count), system, str(seeds), *stacks], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr or "skill_networks failed")
    return json.loads(done.stdout)


def figure(name, value, goal, detail):
    print(json.dumps({"name": name, "value": round(float(value), 4), "goal": goal, "unit": "", "detail": detail}), flush=True)


def main():
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(os.environ.get("SALINA_BENCH_DELTAS", temporary))
        for seed in (1, 2, 3):
            folder = place / f"delta{seed}"
            make(folder, seed)
            layer, count, forests = points(folder)
            ours = networks(folder, layer, count, "ss_soilnet", 3 if seed == 1 else 1)
            single = [n["r2"] for n in ours[:-1]]
            if seed > 1:
                figure(f"R2 on unseen pixels of delta {seed}", single[0], 0.60, {"networks": ours, "forests": forests})
                continue
            stack = networks(folder, layer, count, "ss_stack", 3)
            alone = [n["r2"] for n in stack[:-1]]
            figure("R2 on unseen pixels, least of 3 seeds", min(single), 0.65, {"networks": ours, "forests": forests})
            figure("R2 on unseen pixels, mean of 3 seeds", np.mean(single), 0.68, {})
            figure("R2 less that of SS-Stack", np.mean(single) - np.mean(alone), 0.03, {"ss_stack": stack})
            if forests:
                log = np.mean([n["log_r2"] for n in ours[:-1]])
                figure("R2 less that of a forest on 10 bands", np.mean(single) - forests["bands"]["r2"], 0.12, {})
                figure("log R2 below the forest on true drivers", forests["drivers"]["log_r2"] - log, 0, {"drivers": forests["drivers"], "ours": round(float(log), 4)})


if __name__ == "__main__":
    main()
