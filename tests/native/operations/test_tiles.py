"""Neighbouring scenes of one day on one grid: Sentinel-2 tiles, Landsat rows, plain rasters; which pixel wins, masks, zones, and what is refused."""

import numpy as np
import pytest

pytest.importorskip("osgeo.gdal")
from products import BANDS, covariates, needs_jpeg2000, needs_program, read, refused, run, safe, said, scl, write
from test_landsat import landsat

pytestmark = needs_program


def flat(value):
    return lambda band, size: np.full((size, size), 1000 + value + BANDS.index(band), "uint16")


def reflectance(value, band):
    return (value + BANDS.index(band)) / 10000


@needs_jpeg2000
def test_two_tiles_of_a_day_become_one_stack(tmp_path):
    """60 pixels each, 20 of them shared: the first tile goes before the second, its clouds do not."""
    def clouds(size):
        classes = scl(size)
        classes[0:5, -5:] = 9  # 10 x 10 pixels of the overlap
        classes[20:25, 0:5] = 9  # and as many where only this tile is
        return classes

    west, east = safe(tmp_path, images=flat(2000), classes=clouds), safe(tmp_path, images=flat(4000), tile="31UGS", x0=600400)
    result = covariates(tmp_path / "a.tif", product=[west, east])
    bands, data = read(tmp_path / "a.tif")
    assert list(bands) == BANDS and data.RasterXSize == 100 and data.RasterYSize == 60 and data.GetGeoTransform()[0] == 600000
    for band in BANDS:
        expected = np.full((60, 100), reflectance(2000, band))
        expected[:, 60:] = reflectance(4000, band)
        expected[0:10, 50:60] = reflectance(4000, band)
        expected[40:50, 0:10] = np.nan
        assert np.allclose(bands[band], expected, atol=1e-9, equal_nan=True), band
    assert [s["tile"] for s in said(tmp_path / "a.tif", "SCENES")] == ["31UFS", "31UGS"]
    assert said(tmp_path / "a.tif", "MOSAIC") == result["mosaic"] and result["mosaic"]["order"] == ["31UFS", "31UGS"]
    assert result["cloud_share"] == pytest.approx(200 / 7200) and [m["tile"] for m in result["masks"]] == ["31UFS", "31UGS"]
    covariates(tmp_path / "b.tif", product=[east, west])  # the other way round the east covers the overlap
    turned, data = read(tmp_path / "b.tif")
    assert data.GetGeoTransform()[0] == 600000 and np.allclose(turned["B04"][:, 40:], reflectance(4000, "B04"))
    files = {entry["path"] for entry in said(tmp_path / "a.tif", "SOURCES")}
    assert len(files) == 22 and any("T31UGS" in path and "SCL" in path for path in files)


@needs_jpeg2000
def test_blocks_and_a_small_grid_see_the_same_mosaic(tmp_path):
    west, east = safe(tmp_path, size=400), safe(tmp_path, size=400, tile="31UGS", x0=603000)
    covariates(tmp_path / "a.tif", product=[west, east], indices="NDVI")
    covariates(tmp_path / "b.tif", product=[west, east], indices="NDVI", max_memory="345MiB")
    a, b = read(tmp_path / "a.tif")[0], read(tmp_path / "b.tif")[0]
    assert all(np.array_equal(a[k], b[k], equal_nan=True) for k in a) and a["NDVI"].shape == (400, 700)
    small = write(tmp_path / "small.tif", np.zeros((20, 20), "uint8"), x0=600100)
    result = covariates(tmp_path / "c.tif", product=[west, east], reference_grid=small)  # the east lies elsewhere
    assert "does not overlap the grid and is left out" in str(result["log"]) and np.allclose(read(tmp_path / "c.tif")[0]["B08"], read(tmp_path / "a.tif")[0]["B08"][:20, 10:30], atol=1e-5)


@needs_jpeg2000
def test_a_tile_of_the_next_zone_is_warped_beside_the_first(tmp_path):
    """The other tile lies in EPSG:32632; its reflectance is the same everywhere, so that warping must not change it."""
    from osgeo import osr

    crs = [osr.SpatialReference(), osr.SpatialReference()]
    for reference, code in zip(crs, (32631, 32632)):
        reference.ImportFromEPSG(code)
    x, y, _ = osr.CoordinateTransformation(*crs).TransformPoint(600500, 5700000)
    first = write(tmp_path / "S2A_20200615_T31UFS.tif", np.full((2, 60, 60), 0.2, "float32"), nodata=np.nan, names=["B04", "B08"])
    other = write(tmp_path / "S2A_20200615_T32ULB.tif", np.full((2, 60, 60), 0.3, "float32"), x0=round(x), y0=round(y), epsg=32632, nodata=np.nan, names=["B04", "B08"])
    result = covariates(tmp_path / "a.tif", scene=[first, other])
    bands, data = read(tmp_path / "a.tif")
    assert result["mosaic"]["order"] == ["31UFS", "32ULB"] and data.RasterXSize > 100
    seen = bands["B08"][np.isfinite(bands["B08"])]
    assert set(np.round(seen, 4)) == {0.2, 0.3} and (np.round(seen, 4) == 0.2).sum() == 3600 and 3000 < (np.round(seen, 4) == 0.3).sum() < 3700


def test_adjacent_rows_of_landsat(tmp_path):
    from test_landsat import SIZE, numbers

    north = landsat(tmp_path / "north")
    south = landsat(tmp_path / "south", name="LC08_L2SP_193025_20200615_20200823_02_T1")
    for path in south.glob("*.TIF"):  # 30 of 40 rows further south
        from osgeo import gdal

        gdal.Open(str(path), gdal.GA_Update).SetGeoTransform((600000, 30, 0, 5700000 - 900, 0, -30))
    result = covariates(tmp_path / "a.tif", product=[north, south])
    bands, _ = read(tmp_path / "a.tif")
    assert result["mosaic"]["order"] == ["193024", "193025"] and bands["SR_B4"].shape == (SIZE + 30, SIZE)
    top, low = numbers(4) * 2.75e-05 - 0.2, numbers(4) * 2.75e-05 - 0.2
    got = bands["SR_B4"]
    assert np.abs(got[5, 5] - top[5, 5]) <= 5.001e-5 and np.abs(got[35, 5] - top[35, 5]) <= 5.001e-5
    assert np.nanmax(np.abs(got[41:] - low[11:])) <= 5.001e-5
    assert np.isnan(got[20, 20]) and np.isfinite(got[30:40, 1:]).all()  # the overlap is whole


def test_plain_rasters_are_told_apart_by_the_ground_they_cover(tmp_path):
    names = ["B04", "B08"]
    west = write(tmp_path / "west_20200615.tif", np.full((2, 30, 30), 0.2, "float32"), nodata=np.nan, names=names)
    east_values = np.full((2, 30, 30), 0.3, "float32")
    east_values[0, 5, 12] = np.nan  # incomplete here: no pixel mixes two views
    east = write(tmp_path / "east_20200615.tif", east_values, x0=600200, nodata=np.nan, names=names)
    clouds = np.full((30, 30), 4, "uint8")
    clouds[9] = 9
    mask = write(tmp_path / "SCL_20200615.tif", clouds, x0=600200)
    covariates(tmp_path / "a.tif", scene=[west, east, mask], sensor="Sentinel-2")
    bands, _ = read(tmp_path / "a.tif")
    assert bands["B04"].shape == (30, 50) and np.allclose(bands["B04"][:, :30], 0.2) and np.isnan(bands["B04"][9, 30:]).all()
    assert np.isnan(bands["B04"][5, 32]) and bands["B08"][5, 32] == pytest.approx(0.3)
    again = write(tmp_path / "again_20200615.tif", np.full((2, 30, 30), 0.4, "float32"), x0=600050, nodata=np.nan, names=names)
    refused(tmp_path / "no.tif", "two scenes of 2020-06-15 hold band B04", "the same ground", "again", scene=[west, again])
    far = write(tmp_path / "SCL_far_20200615.tif", clouds, x0=800000)
    refused(tmp_path / "no.tif", "masks none of the scenes", "SCL_far", scene=[west, east, far], sensor="Sentinel-2")
    other = write(tmp_path / "LC08_L2SP_193024_20200615_20200823_02_T1_SR_B4.TIF", np.full((30, 30), 0.2, "float32"), x0=600200, nodata=np.nan)
    own = write(tmp_path / "S2A_20200615.tif", np.full((2, 30, 30), 0.2, "float32"), nodata=np.nan, names=names)
    refused(tmp_path / "no.tif", "different sensors", "Landsat 8/9", "Sentinel-2", scene=[own, other])


@needs_jpeg2000
def test_the_same_tile_twice_and_other_sensors_are_refused(tmp_path):
    first = safe(tmp_path / "a")
    refused(tmp_path / "no.tif", "two scenes of 2020-06-15", "B02", "tile 31UFS", "leave one out", product=[first, safe(tmp_path / "b", baseline="04.00")])
    refused(tmp_path / "no.tif", "different sensors", product=[first, landsat(tmp_path / "c")])
    hidden = [safe(tmp_path / "d", classes=lambda size: scl(size, 9)), safe(tmp_path / "e", tile="31UGS", x0=600400, classes=lambda size: scl(size, 9))]
    refused(tmp_path / "no.tif", "no clear ground", "the other tiles show none either", product=hidden)
    covariates(tmp_path / "half.tif", product=[hidden[0], safe(tmp_path / "f", tile="31UGS", x0=600400)])
    assert np.isnan(read(tmp_path / "half.tif")[0]["B04"][:, :40]).all() and np.isfinite(read(tmp_path / "half.tif")[0]["B04"][:, 40:]).all()
    out = tmp_path / "out"
    out.mkdir()
    done = run(out, product=[first, safe(tmp_path / "g", tile="31UGS", x0=600400), safe(tmp_path / "h", date="2020-06-20")])
    assert done.returncode == 0 and sorted(p.name for p in out.iterdir()) == ["stack_2020-06-15.tif", "stack_2020-06-20.tif"]
