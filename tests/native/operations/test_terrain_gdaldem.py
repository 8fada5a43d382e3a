"""Terrain of Build covariate stack against the program gdaldem, and its parameters against their effect."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

np = pytest.importorskip("numpy")
gdal = pytest.importorskip("osgeo.gdal")
osr = pytest.importorskip("osgeo.osr")
gdal.UseExceptions()

REPO = Path(__file__).parents[3]
BUILD = Path(os.environ.get("SALINA_BUILD", REPO / "build" / "release"))
SALINA = BUILD / "bin" / "salina"
ROWS, COLUMNS = 700, 610

pytestmark = [pytest.mark.skipif(not SALINA.exists(), reason=f"no salina in {BUILD}"),
              pytest.mark.skipif(not shutil.which("gdaldem"), reason="no gdaldem")]


def salina(*arguments):
    return subprocess.run([SALINA, "covariates", *map(str, arguments), "--json"], capture_output=True, text=True, timeout=120)


def build(dem, output, *arguments):
    smoothing = [] if "--smooth_dem" in arguments else ["--smooth_dem", 0]
    done = salina("--dem", dem, "--output", output, *smoothing, *arguments)
    assert done.returncode == 0, done.stderr
    stack = gdal.Open(str(output))
    bands = {stack.GetRasterBand(i + 1).GetDescription(): stack.GetRasterBand(i + 1).ReadAsArray() for i in range(stack.RasterCount)}
    return bands, json.loads(done.stdout), json.loads(stack.GetMetadata("SALINA").get("TERRAIN", "{}"))


@pytest.fixture(scope="module")
def dem(tmp_path_factory):
    path = tmp_path_factory.mktemp("gdaldem") / "dem.tif"
    y, x = np.mgrid[:ROWS, :COLUMNS]
    # gdaldem adds in float32, which allows 1e-5 degrees only where elevations are small
    z = 8 + 6 * np.sin(x / 31) * np.cos(y / 47) + .4 * np.sin(x / 5 + y / 3) + .005 * x
    crs = osr.SpatialReference()
    crs.ImportFromEPSG(32650)
    raster = gdal.GetDriverByName("GTiff").Create(str(path), COLUMNS, ROWS, 1, gdal.GDT_Float32)
    raster.SetProjection(crs.ExportToWkt())
    raster.SetGeoTransform((500000, 30, 0, 4200000, 0, -30))
    raster.GetRasterBand(1).WriteArray(z.astype(np.float32))
    return path


@pytest.mark.parametrize("method, option", [("horn", []), ("zevenbergen_thorne", ["-alg", "ZevenbergenThorne"])])
def test_slope_and_aspect_equal_gdaldem(dem, tmp_path, method, option):
    bands, _, about = build(dem, tmp_path / "stack.tif", "--terrain", "SLOPE,ASPECT", "--terrain_method", method)
    assert about["method"] == method and about["smoothing_sigma_m"] == 0
    for id, mode, limit in (("SLOPE", "slope", 1e-5), ("ASPECT", "aspect", 2e-3)):
        subprocess.run(["gdaldem", mode, dem, tmp_path / "theirs.tif", "-q", *option], check=True)
        theirs = gdal.Open(str(tmp_path / "theirs.tif")).ReadAsArray()
        theirs = np.where(theirs == -9999, np.nan, theirs)
        assert np.array_equal(np.isnan(theirs), np.isnan(bands[id]))
        difference = np.where(bands["SLOPE"] > 1, np.abs(theirs - bands[id]), 0) if id == "ASPECT" else np.abs(theirs - bands[id])
        assert np.nanmax(np.minimum(difference, 360 - difference)) < limit


def test_a_stack_with_every_terrain_covariate_says_how_it_was_made(dem, tmp_path):
    bands, result, about = build(dem, tmp_path / "stack.tif", "--terrain", "all", "--tpi_radii", "150,600", "--terrain_method", "evans",
                                 "--terrain_window", 7)
    assert {"SLOPE", "PROFILE_CURV", "PLAN_CURV", "TANG_CURV", "ASPECT", "REL_ELEV", "TWI", "TPI_150", "TPI_600"} < set(bands)
    assert about == result["terrain"] == {"tpi_radii_m": [150, 600], "method": "evans", "window_pixels": 7, "smoothing_sigma_m": 0,
                                          "rel_elev_radius_m": 325}
    z = bands["DEM"].astype(float)
    mean = np.lib.stride_tricks.sliding_window_view(z, (11, 11)).mean(axis=(2, 3))
    assert np.abs(bands["TPI_150"][5:-5, 5:-5] - (z[5:-5, 5:-5] - mean)).max() < 1e-4
    low, high = np.quantile(bands["TPI_600"], [.05, .95])
    wet, dry = bands["TWI"][bands["TPI_600"] < low], bands["TWI"][bands["TPI_600"] > high]
    assert np.nanmedian(wet) > np.nanmedian(dry) + 1  # valleys gather water
    assert np.isfinite(bands["TWI"][3:-3, 3:-3]).all()


def test_smoothing_in_metres_is_smoothing_in_pixels(dem, tmp_path):
    a, _, about = build(dem, tmp_path / "a.tif", "--smooth_dem", 45, "--smooth_unit", "metres")
    b, *_ = build(dem, tmp_path / "b.tif", "--smooth_dem", 1.5)
    assert about["smoothing_sigma_m"] == 45
    assert all(np.array_equal(a[id], b[id], equal_nan=True) for id in a)


@pytest.mark.parametrize("arguments, words", [
    (["--terrain_window", 6], "terrain_window is 6; give an odd number such as 7"),
    (["--terrain_window", 5], "set terrain_method to evans"),
    (["--tpi_radii", "150,80.5"], 'tpi_radii has "80.5"'),
    (["--tpi_radii", "150,150"], "tpi_radii has 150 twice"),
    (["--smooth_dem", 9000, "--smooth_unit", "metres"], "300 pixels of 30 m"),
    (["--terrain", "TWI", "--max_memory", "110MiB"], "the topographic wetness index (TWI) and a terrain window of "),
])
def test_what_cannot_be_is_refused_in_one_sentence(dem, tmp_path, arguments, words):
    done = salina("--dem", dem, "--output", tmp_path / "stack.tif", *arguments)
    assert done.returncode in (1, 2) and words in done.stderr
    assert not list(tmp_path.glob("stack*"))
