"""The whole chain on real ground: Ardakan, Iran, Landsat-8 and a DEM at 90 m, 183 samples of EC (../shared/data/ardakan).

Scores stay in the range that is honest here: a forest reaches 0.14-0.31 in log R2, 0.26 in spatial blocks; above 0.5 something leaks.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest

np = pytest.importorskip("numpy")
gdal = pytest.importorskip("osgeo.gdal")
gdal.UseExceptions()

REPO = Path(__file__).parents[3]
BUILD = Path(os.environ.get("SALINA_BUILD", REPO / "build" / "release"))
SALINA = BUILD / "bin" / "salina"
DATA = Path(os.environ.get("SALINA_SHARED", REPO.parent / "shared")) / "data" / "ardakan"

pytestmark = [pytest.mark.skipif(not SALINA.exists(), reason=f"no salina in {BUILD}"),
              pytest.mark.skipif(not DATA.exists(), reason=f"no {DATA}")]


def salina(*arguments):
    done = subprocess.run([SALINA, *map(str, arguments), "--json"], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    path = tmp_path_factory.mktemp("ardakan") / "stack.tif"
    result = salina("covariates", "--scene", DATA / "landsat8_reflectance_90m.tif", "--dem", DATA / "dem_30m.tif", "--sensor", "Landsat 8", "--output", path)
    assert result["pixel"] == 90 and (result["width"], result["height"]) == (434, 292)
    assert {"R", "NIR", "SWIR2", "DEM", "SLOPE", "REL_ELEV"} <= set(result["bands"])
    return path


@pytest.fixture(scope="module")
def trained(stack):
    model = stack.parent / "model.safetensors"
    return model, train(stack, model, "blocks", 2)


def train(stack, model, validation, seeds=1):
    return salina("train", "--stacks", stack, "--samples", DATA / "soil_ec.gpkg", "--target", "EC", "--unit", "dS/m", "--extract", "ECe", "--window", 17,
                  "--validation", validation, "--seeds", seeds, "--output", model, "--report", model.with_suffix(".html"))


def test_scores_in_blocks_are_honest(trained):
    result = trained[1]
    assert result["samples"] == 183 and result["overlap_share"] == 0
    assert result["scores"]["scheme"] == "fao_ece_dsm"
    assert 0.1 < result["log_r2"] < 0.5
    assert 0.8 < result["coverage_90"] <= 1


def test_random_folds_say_that_windows_overlap(stack, tmp_path):
    result = train(stack, tmp_path / "model.safetensors", "random")
    assert result["overlap_share"] > 0.5
    assert 0 < result["log_r2"] < 0.5
    assert "optimistic reference" in (tmp_path / "model.html").read_text()


def test_shuffled_targets_have_no_skill(stack, tmp_path):
    """What a leak would show first."""
    ogr = pytest.importorskip("osgeo.ogr")
    path = tmp_path / "shuffled.gpkg"
    gdal.VectorTranslate(str(path), str(DATA / "soil_ec.gpkg"))
    source = ogr.Open(str(path), 1)
    layer = source.GetLayer(0)
    values = np.random.default_rng(1).permutation([f["EC"] for f in layer])
    layer.ResetReading()
    features = [f for f in layer]
    for feature, value in zip(features, values):
        feature["EC"] = float(value)
        layer.SetFeature(feature)
    features = feature = layer = source = None
    result = salina("train", "--stacks", stack, "--samples", path, "--target", "EC", "--unit", "dS/m", "--window", 17, "--output", tmp_path / "m.safetensors")
    assert result["log_r2"] < 0.1


def test_map_has_plausible_values(stack, trained, tmp_path):
    if "retrieve" not in {entry["id"] for entry in json.loads(subprocess.run([SALINA, "operations", "--json"], capture_output=True, text=True).stdout)}:
        pytest.skip("operation retrieve is not in this build")
    out = tmp_path / "map.tif"
    salina("retrieve", "--stack", stack, "--model", trained[0], "--output", out)
    raster = gdal.Open(str(out))
    assert (raster.RasterXSize, raster.RasterYSize) == (434, 292)
    names = [raster.GetRasterBand(b + 1).GetDescription() for b in range(raster.RasterCount)]
    bands = {name: raster.GetRasterBand(b + 1) for b, name in enumerate(names)}
    values = {}
    for name in ("salinity", "lower", "upper"):
        array = bands[name].ReadAsArray().astype(float)
        nodata = bands[name].GetNoDataValue()
        values[name] = np.where(array == nodata, np.nan, array) if nodata is not None and not np.isnan(nodata) else array
    good = np.isfinite(values["salinity"])
    assert 0.8 < good.mean() < 0.9  # the scene is empty on 11 % of the ground
    assert (values["salinity"][good] >= 0).all() and np.median(values["salinity"][good]) < 100
    assert (values["lower"][good] <= values["salinity"][good] + 1e-3).all() and (values["salinity"][good] <= values["upper"][good] + 1e-3).all()
