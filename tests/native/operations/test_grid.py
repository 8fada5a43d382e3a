"""One grid: nothing shifts by half a pixel, classes stay classes, coarser means average, heights become metres."""

import numpy as np
import pytest

gdal = pytest.importorskip("osgeo.gdal")
from osgeo import osr
from products import SHARED, covariates, needs_program, read, refused, write

pytestmark = needs_program

X0, Y0 = 600000, 5700000


def plane(size, pixel, x0=X0, y0=Y0):
    """0.1 + 2e-5 x + 1e-5 y metres from the corner, at pixel centres: what linear interpolation must keep exactly."""
    x = x0 - X0 + pixel * (np.arange(size) + 0.5)
    y = Y0 - y0 + pixel * (np.arange(size) + 0.5)
    return (0.1 + 2e-5 * x[None, :] + 1e-5 * y[:, None]).astype("float32")


@pytest.mark.parametrize("method", ["bilinear", "cubic"])
@pytest.mark.parametrize("from_pixel, to_pixel, dx", [(20, 10, 0), (10, 10, 5), (60, 10, 0), (30, 20, 10), (10, 20, 0), (10, 40, 0), (10, 30, -15)])
def test_a_plane_stays_where_it_is(tmp_path, method, from_pixel, to_pixel, dx):
    size = 1200 // from_pixel
    scene = write(tmp_path / "scene_2020-06-15.tif", np.stack([plane(size, from_pixel)] * 2), pixel=from_pixel, nodata=np.nan, names=["Red", "NIR"])
    shape = 720 // to_pixel
    grid = write(tmp_path / "grid.tif", np.zeros((shape, shape), "uint8"), pixel=to_pixel, x0=X0 + 240 + dx, y0=Y0 - 240 + dx)
    covariates(tmp_path / "a.tif", scene=scene, reference_grid=grid, resampling=method)
    red = read(tmp_path / "a.tif")[0]["R"]
    wrong = np.abs(red - plane(shape, to_pixel, X0 + 240 + dx, Y0 - 240 + dx))
    assert wrong.max() < 5.2e-5  # stored in steps of 0.0001; half a pixel of 10 m would be 1e-4 to 1.5e-4


def test_average_is_the_mean_of_what_lies_inside(tmp_path):
    rng = np.random.default_rng(3)
    fine = rng.uniform(0.1, 0.5, (60, 60)).astype("float32")
    fine[0, 0] = np.nan
    scene = write(tmp_path / "scene_2020-06-15.tif", np.stack([fine, fine]), nodata=np.nan, names=["Red", "NIR"])
    grid = write(tmp_path / "grid.tif", np.zeros((15, 15), "uint8"), pixel=40)
    covariates(tmp_path / "a.tif", scene=scene, reference_grid=grid)
    mean = np.nanmean(fine.astype(float).reshape(15, 4, 15, 4), axis=(1, 3))
    assert np.abs(read(tmp_path / "a.tif")[0]["R"] - mean).max() < 5.2e-5


def test_classes_take_the_nearest_pixel(tmp_path):
    rng = np.random.default_rng(4)
    classes = rng.integers(1, 40, (20, 20)).astype("uint8")
    scene = write(tmp_path / "scene_2020-06-15.tif", np.stack([plane(40, 10)] * 2), nodata=np.nan, names=["Red", "NIR"])
    plain = write(tmp_path / "plain.tif", classes, pixel=20)
    painted = write(tmp_path / "painted.tif", classes, pixel=20)
    data = gdal.Open(str(painted), 1)
    table = gdal.ColorTable()
    table.SetColorEntry(1, (255, 0, 0, 255))
    data.GetRasterBand(1).SetRasterColorTable(table)
    data = None
    covariates(tmp_path / "a.tif", scene=scene, extra=[f"LC={plain}", f"LP={painted}", f"MEAN={plain}"], class_covariates="LC")
    bands, _ = read(tmp_path / "a.tif")
    expected = np.kron(classes, np.ones((2, 2)))
    assert np.array_equal(bands["LC"], expected) and np.array_equal(bands["LP"], expected)
    assert not np.array_equal(bands["MEAN"], expected)
    refused(tmp_path / "no.tif", "class_covariates", "LU", scene=scene, extra=f"LC={plain}", class_covariates="LU")


def elevation(path, unit=None, factor=1.0, epsg=32631):
    east, north = np.meshgrid(10 * np.arange(80), -10 * np.arange(80))
    heights = ((50 + 0.02 * east + 0.01 * north) / factor).astype("float32")
    write(path, heights, x0=X0 - 200, y0=Y0 + 200, epsg=epsg, nodata=-9999)
    if unit:
        data = gdal.Open(str(path), 1)
        data.GetRasterBand(1).SetUnitType(unit)
    return path


STEEP = np.degrees(np.arctan(np.hypot(0.02, 0.01)))


@pytest.mark.parametrize("unit, factor", [(None, 1), ("m", 1), ("ft", 0.3048), ("US survey foot", 1200 / 3937), ("cm", 0.01)])
def test_heights_become_metres(tmp_path, unit, factor):
    scene = write(tmp_path / "scene_2020-06-15.tif", np.stack([plane(30, 10)] * 2), nodata=np.nan, names=["Red", "NIR"])
    dem = elevation(tmp_path / "dem.tif", unit, factor)
    covariates(tmp_path / "a.tif", scene=scene, dem=dem)
    bands, _ = read(tmp_path / "a.tif")
    assert np.abs(bands["SLOPE"] - STEEP).max() < 1e-3
    assert bands["DEM"][0, 0] == pytest.approx(50 + 0.02 * 200 - 0.01 * 200, abs=1e-3)


def test_the_unit_of_heights_is_told_or_asked_for(tmp_path):
    scene = write(tmp_path / "scene_2020-06-15.tif", np.stack([plane(30, 10)] * 2), nodata=np.nan, names=["Red", "NIR"])
    covariates(tmp_path / "a.tif", scene=scene, dem=elevation(tmp_path / "dem.tif", None, 0.3048), dem_unit="foot")
    assert np.abs(read(tmp_path / "a.tif")[0]["SLOPE"] - STEEP).max() < 1e-3
    odd = elevation(tmp_path / "odd.tif", "fathom")
    refused(tmp_path / "no.tif", "fathom", "dem_unit", scene=scene, dem=odd)
    compound = tmp_path / "compound.tif"
    elevation(compound, None, 0.3048)
    data = gdal.Open(str(compound), 1)
    crs = osr.SpatialReference()
    crs.SetFromUserInput("EPSG:32631+6360")  # NAVD88 height in US survey feet
    data.SetProjection(crs.ExportToWkt())
    data = None
    result = covariates(tmp_path / "b.tif", scene=scene, dem=compound)
    assert "0.3048006" in str(result["log"])


def test_an_elevation_model_in_degrees_is_warped_before_terrain(tmp_path):
    scene = write(tmp_path / "scene_2020-06-15.tif", np.stack([plane(60, 10)] * 2), nodata=np.nan, names=["Red", "NIR"])
    utm, degrees = osr.SpatialReference(), osr.SpatialReference()
    utm.ImportFromEPSG(32631)
    degrees.ImportFromEPSG(4326)
    for crs in (utm, degrees):
        crs.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    corner = osr.CoordinateTransformation(utm, degrees).TransformPoint(X0 - 1500, Y0 + 1500)[:2]
    step = 1 / 3600
    points = [(corner[0] + step * (c + 0.5), corner[1] - step * (r + 0.5)) for r in range(200) for c in range(240)]
    ground = np.array(osr.CoordinateTransformation(degrees, utm).TransformPoints(points))
    heights = (50 + 0.02 * (ground[:, 0] - X0) + 0.01 * (ground[:, 1] - Y0)).reshape(200, 240).astype("float32")
    dem = write(tmp_path / "dem.tif", heights, x0=corner[0], y0=corner[1], pixel=step, epsg=4326)
    covariates(tmp_path / "a.tif", scene=scene, dem=dem)
    bands, _ = read(tmp_path / "a.tif")
    assert np.abs(bands["SLOPE"] - STEEP).max() < 0.05
    row, column = np.mgrid[0:60, 0:60]
    assert np.abs(bands["DEM"] - (50 + 0.02 * 10 * (column + 0.5) - 0.01 * 10 * (row + 0.5))).max() < 0.02
    refused(tmp_path / "no.tif", "not metric", "EPSG:32631", dem=dem)


@pytest.mark.skipif(not SHARED.exists(), reason=f"no {SHARED}")
def test_real_grids(tmp_path):
    """Two grids of one place; ready-made grids by their descriptions; their nodata of -9999."""
    folder = SHARED / "ardakan"
    result = covariates(tmp_path / "a.tif", scene=folder / "landsat8_reflectance_90m.tif", dem=folder / "dem_30m.tif", sensor="Landsat 8")
    assert result["pixel"] == 90 and abs(np.nanmean(read(tmp_path / "a.tif")[0]["DEM"]) - np.nanmean(read_raw(folder / "dem_90m.tif"))) < 3
    refused(tmp_path / "no.tif", "NDRE.M", "ID=path", extra=SHARED / "cookfarm_ec" / "grids_10m.tif")
    covariates(tmp_path / "c.tif", extra=f"ECA=vrt://{SHARED / 'cookfarm_ec' / 'grids_10m.tif'}?bands=5", dem=SHARED / "cookfarm_ec" / "grids_10m.tif")
    assert np.nanmin(read(tmp_path / "c.tif")[0]["DEM"]) > 700
    covariates(tmp_path / "e.tif", extra=SHARED / "edgeroi" / "covariates_90m.tif")
    assert np.nanmin(read(tmp_path / "e.tif")[0]["elevation"]) > 150


def read_raw(path):
    data = gdal.Open(str(path))
    band = data.GetRasterBand(1)
    values = band.ReadAsArray().astype(float)
    return np.where(values == band.GetNoDataValue(), np.nan, values)


@pytest.mark.parametrize("void, kind", [(-32768, "int16"), (-9999, "float32"), (-3.4028235e38, "float32"), (np.nan, "float32")])
@pytest.mark.parametrize("pixel", [10, 30])
@pytest.mark.parametrize("unit", ["m", "ft"])
def test_undeclared_voids_of_elevation_are_no_ground(tmp_path, void, kind, pixel, unit):
    """-32768 of SRTM was taken for a pit; aligned and warped, in metres and feet."""
    heights = np.fromfunction(lambda y, x: 5 + x / 10 + y / 20, (60, 60)).round().astype(kind)
    heights[20:22, 30:32] = void
    dem = write(tmp_path / "dem.tif", heights)
    data = gdal.Open(str(dem), gdal.GA_Update)
    data.GetRasterBand(1).SetUnitType(unit)
    data = None
    grid = write(tmp_path / "grid.tif", np.zeros((600 // pixel, 600 // pixel), "uint8"), pixel=pixel)
    covariates(tmp_path / "a.tif", dem=dem, reference_grid=grid)
    bands = read(tmp_path / "a.tif")[0]
    factor = 0.3048 if unit == "ft" else 1
    assert np.nanmin(bands["DEM"]) >= 4.9 * factor and np.nanmax(bands["DEM"]) <= 14.1 * factor and np.nanmax(bands["SLOPE"]) < 30
    assert np.isnan(bands["DEM"]).sum() == 4 if pixel == 10 else np.isnan(bands["DEM"]).sum() <= 2
