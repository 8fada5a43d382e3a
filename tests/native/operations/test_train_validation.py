"""Every way to validate Train model, on a small delta: folds, distances, bounds and weights in result and report; what is refused."""

import json
import os
import subprocess
from pathlib import Path

import pytest

ogr = pytest.importorskip("osgeo.ogr")
ogr.UseExceptions()

REPO = Path(__file__).parents[3]
BUILD = Path(os.environ.get("SALINA_BUILD", REPO / "build" / "release"))
SALINA = BUILD / "bin" / "salina"
CAMPAIGNS = ("2019-07", "2020-03")
METHODS = ("random", "blocks", "kmeans", "campaign", "campaign_location", "knndm", "nndm", "bloo")

pytestmark = pytest.mark.skipif(not SALINA.exists(), reason=f"no salina in {BUILD}")


def salina(*arguments):
    return subprocess.run([SALINA, *map(str, arguments)], capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def delta(tmp_path_factory):
    folder = tmp_path_factory.mktemp("validation") / "delta"
    done = salina("demo", "--output", folder, "--size", 384, "--campaigns", 2, "--samples", 260)
    assert done.returncode == 0, done.stderr
    for campaign in CAMPAIGNS:
        scene = next(folder.glob(f"scene_{campaign}*.tif"))
        done = salina("covariates", "--scene", scene, "--dem", folder / "dem.tif", "--extra", folder / f"phenology_{campaign}.tif", "--campaign", campaign,
                      "--output", folder / f"{campaign}.tif")
        assert done.returncode == 0, done.stderr
    return folder


def train(delta, output, **changes):
    arguments = {"stacks": [delta / f"{c}.tif" for c in CAMPAIGNS], "samples": delta / "samples.gpkg", "target": "salinity", "unit": "g/kg", "date_field": "campaign",
                 "system": "index", "epochs": 1, "folds": 3, "output": output / "model.safetensors", "report": output / "report.html",
                 "predictions": output / "predictions.gpkg"}
    arguments.update(changes)
    line = ["train", "--json"]
    for key, value in arguments.items():
        for one in value if isinstance(value, list) else [value]:
            line += [f"--{key}", one]
    return salina(*line)


def few(delta, folder, n=50):
    """The first n samples of each campaign."""
    opened = ogr.Open(str(delta / "samples.gpkg"))  # a layer does not keep its file alive
    source = opened.GetLayer(0)
    taken = {c: 0 for c in CAMPAIGNS}
    target = ogr.GetDriverByName("GPKG").CreateDataSource(str(folder / "few.gpkg"))
    layer = target.CreateLayer("few", source.GetSpatialRef(), ogr.wkbPoint)
    for name in ("salinity", "campaign"):
        layer.CreateField(source.GetLayerDefn().GetFieldDefn(source.GetLayerDefn().GetFieldIndex(name)))
    for feature in source:
        taken[feature["campaign"]] += 1
        if taken[feature["campaign"]] > n:
            continue
        new = ogr.Feature(layer.GetLayerDefn())
        new.SetGeometry(feature.GetGeometryRef())
        new["salinity"], new["campaign"] = feature["salinity"], feature["campaign"]
        layer.CreateFeature(new)
    target = None
    return folder / "few.gpkg"


@pytest.mark.parametrize("method", METHODS)
def test_every_validation_gives_folds_distances_and_bounds(delta, tmp_path, method):
    done = train(delta, tmp_path, validation=method, samples=few(delta, tmp_path))
    assert done.returncode == 0, done.stderr
    assert "NaN" not in done.stdout
    result = json.loads(done.stdout)
    folds, bounds = result["folds"], result["scores"]["bounds"]
    predictions = ogr.Open(str(tmp_path / "predictions.gpkg"))
    rows = [(f["fold"], f["campaign"]) for f in predictions.GetLayer(0)]
    assert folds["method"] == method and len(rows) == 100 and sum(folds["tested"]) == 100
    assert sorted({fold for fold, _ in rows}) == list(range(1, folds["count"] + 1))
    assert folds["count"] == {"campaign": 2, "nndm": folds["places"], "bloo": folds["places"]}.get(method, folds["count"] if method == "campaign_location" else 3)
    assert 3 <= folds["count"] <= 6 or method != "campaign_location"
    if method == "campaign":
        assert len(set(rows)) == 2
    if method in ("blocks", "kmeans", "campaign_location", "bloo"):
        assert folds["buffer_m"] >= 10 and folds["min_distance_m"] >= 10
    for key in ("gj_m", "gj_star_m", "gij_m"):
        assert len(folds[key]) == 51 and folds[key] == sorted(folds[key])
    assert folds["w_m"] >= 0 and folds["variogram"]["cutoff_m"] > 0
    low, high = bounds["natural"]["rmse"]
    assert bounds["level"] == 0.95 and bounds["units"] >= 5 and low < result["rmse"] < high
    aoa = result["applicability"]
    assert aoa["threshold"] > 0 and aoa["mean_distance"] > 0 and len(aoa["importance"]) == 35
    page = (tmp_path / "report.html").read_text()
    assert "Area of applicability" in page and "95 % bounds" in page and "W = " in page and "Gj*" in page


def test_weighted_scores_stand_beside_the_plain_ones(delta, tmp_path):
    done = train(delta, tmp_path, weighting="sampling_intensity", validation="knndm")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    weighted = result["scores"]["weighted"]
    assert 1 < weighted["effective_n"] <= 260 and weighted["natural"]["rmse"] != result["rmse"]
    low, high = result["scores"]["bounds"]["weighted"]["natural"]["rmse"]
    assert low < weighted["natural"]["rmse"] < high
    assert "inverse sampling intensity" in (tmp_path / "report.html").read_text()


def test_grouping_overlapping_windows_leaves_no_overlap(delta, tmp_path):
    plain = json.loads(train(delta, tmp_path, system="ss_soilnet", window=17, samples=few(delta, tmp_path, 30), folds=2).stdout)
    (tmp_path / "b").mkdir()
    done = train(delta, tmp_path / "b", system="ss_soilnet", window=17, samples=tmp_path / "few.gpkg", folds=2, group_windows="true")
    assert done.returncode == 0, done.stderr
    grouped = json.loads(done.stdout)
    assert plain["folds"]["overlap_share"] > 0 and grouped["folds"]["overlap_share"] == 0
    assert grouped["folds"]["places"] < plain["folds"]["places"]


@pytest.mark.parametrize("changes, words", [
    ({"validation": "nndm"}, ["at most 200 folds", "knndm"]),
    ({"validation": "bloo"}, ["at most 200 folds", "networks"]),
    ({"validation": "bloo", "block_size": 100000}, ["has no training sample left", "radius"]),
    ({"validation": "blocks", "block_size": 50000}, ["1 block of 50000 m", "smaller block"]),
    ({"validation": "campaign", "one": True}, ["all", "of one campaign", "blocks or knndm"]),
])
def test_impossible_validations_are_refused_in_one_sentence(delta, tmp_path, changes, words):
    if changes.pop("one", False):
        changes = {**changes, "stacks": [delta / f"{CAMPAIGNS[0]}.tif"]}
    done = train(delta, tmp_path, **changes)
    assert done.returncode != 0
    assert all(word in done.stderr for word in words), done.stderr
    assert not list(tmp_path.iterdir())
