"""Monthly climate in Build covariate stack: covariates on the grid, series at points by position and by id, and what is refused."""

import csv

import numpy as np
import pytest

gdal = pytest.importorskip("osgeo.gdal")
from osgeo import ogr, osr
from products import SHARED, covariates, needs_program, read, refused, said, write
from scipy.io import netcdf_file

pytestmark = needs_program

CELLS, STEP, LON, LAT = 6, 0.05, 4.4, 51.6  # around 600000, 5700000 in EPSG:32631


def value(month, variable, lon, lat):
    """Linear in place, so that bilinear interpolation is exact; month from 0, 24 of them, the second year 12 higher."""
    return 10 * (month % 12) + 12 * (month // 12) + 100 * variable + 3 * (lon - LON) - 2 * (lat - LAT)


def climate(path, name, variable, months=24, unit="", gap=None):
    """A GeoTIFF with a band for each month from 2018-01."""
    data = gdal.GetDriverByName("GTiff").Create(str(path), CELLS, CELLS, months, gdal.GDT_Float32)
    data.SetGeoTransform((LON, STEP, 0, LAT, 0, -STEP))
    crs = osr.SpatialReference()
    crs.ImportFromEPSG(4326)
    data.SetProjection(crs.ExportToWkt())
    lon, lat = np.meshgrid(LON + STEP * (np.arange(CELLS) + 0.5), LAT - STEP * (np.arange(CELLS) + 0.5))
    for m in range(months):
        band = data.GetRasterBand(m + 1)
        band.SetDescription(f"{name}_{2018 + m // 12}-{m % 12 + 1:02d}")
        band.SetUnitType(unit)
        band.SetNoDataValue(-9999)
        values = value(m, variable, lon, lat)
        if gap == m:
            values[:] = -9999
        band.WriteArray(values)
    return path


def places(n=30, pixel=100):
    """Longitude and latitude of the pixel centres of the grid that `grid` makes."""
    crs = [osr.SpatialReference(), osr.SpatialReference()]
    for reference, code in zip(crs, (32631, 4326)):
        reference.ImportFromEPSG(code)
        reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    change = osr.CoordinateTransformation(*crs)
    points = [change.TransformPoint(600000 + pixel * (c + 0.5), 5700000 - pixel * (r + 0.5)) for r in range(n) for c in range(n)]
    return np.array([p[:2] for p in points]).T.reshape(2, n, n)


def grid(folder):
    return write(folder / "grid.tif", np.zeros((30, 30), "uint8"), pixel=100)


def points(path, ids, field="site"):
    layer_file = ogr.GetDriverByName("GPKG").CreateDataSource(str(path))
    crs = osr.SpatialReference()
    crs.ImportFromEPSG(32631)
    layer = layer_file.CreateLayer("points", crs, ogr.wkbPoint)
    layer.CreateField(ogr.FieldDefn(field, ogr.OFTString))
    for i, name in enumerate(ids):
        feature = ogr.Feature(layer.GetLayerDefn())
        feature.SetField(field, name)
        feature.SetGeometry(ogr.CreateGeometryFromWkt(f"POINT ({600050 + 700 * i} {5699950 - 500 * i})"))
        layer.CreateFeature(feature)
    return path


def test_years_months_and_series_on_the_grid(tmp_path):
    rain, heat = climate(tmp_path / "TerraClimate_ppt.tif", "ppt", 0), climate(tmp_path / "tmax.tif", "tmax", 1, unit="K", gap=20)
    result = covariates(tmp_path / "a.tif", climate=[rain, heat], reference_grid=grid(tmp_path), climate_statistics="year,range,months")
    bands, data = read(tmp_path / "a.tif")
    lon, lat = places()
    year = np.arange(12)
    rain_months = np.array([value(m, 0, lon, lat) + 6 for m in year])  # mean of two years
    heat_months = np.array([value(m, 1, lon, lat) + (0 if m == 8 else 6) for m in year])  # 2019-09 is missing
    assert np.abs(bands["PPT_YEAR"] - rain_months.sum(0)).max() < 0.02 and np.abs(bands["TMAX_YEAR"] - heat_months.mean(0)).max() < 0.002
    assert np.abs(bands["PPT_M07"] - rain_months[6]).max() < 0.002 and np.abs(bands["TMAX_M09"] - heat_months[8]).max() < 0.002
    assert np.abs(bands["TMAX_RANGE"] - 110).max() < 1e-3 and len(bands) == 28
    units = {data.GetRasterBand(b).GetDescription(): data.GetRasterBand(b).GetUnitType() for b in range(1, 29)}
    assert units["PPT_YEAR"] == "mm/year" and units["TMAX_YEAR"] == "K" and units["PPT_M07"] == "mm"
    assert said(tmp_path / "a.tif", "CLIMATE") == result["climate"]
    assert result["climate"]["variables"] == [{"name": "TerraClimate_ppt", "unit": "mm"}, {"name": "tmax", "unit": "K"}]
    assert (result["climate"]["first"], result["climate"]["last"]) == ("2018-01", "2019-12")
    assert {entry["path"] for entry in said(tmp_path / "a.tif", "SOURCES")} == {str(rain), str(heat)}
    covariates(tmp_path / "b.tif", climate=rain, reference_grid=grid(tmp_path), climate_statistics="series,mean", climate_period="2019")
    bands, _ = read(tmp_path / "b.tif")
    assert list(bands)[:2] == ["TerraClimate_ppt".split("_")[1].upper() + "_2019_01", "PPT_2019_02"] and len(bands) == 13
    assert np.abs(bands["PPT_2019_03"] - value(14, 0, lon, lat)).max() < 0.002


def test_blocks_do_not_change_values_and_bands_stand_beside_others(tmp_path):
    rain = climate(tmp_path / "ppt.tif", "ppt", 0)
    scene = write(tmp_path / "S2A_20200615.tif", np.full((2, 700, 600), 0.2, "float32"), nodata=np.nan, names=["B04", "B08"])
    for name, memory in (("a", "2GiB"), ("b", "165MiB")):
        covariates(tmp_path / f"{name}.tif", scene=scene, climate=rain, indices="NDVI", max_memory=memory)
    a, b = read(tmp_path / "a.tif")[0], read(tmp_path / "b.tif")[0]
    assert list(a) == ["B04", "B08", "PPT_YEAR", "NDVI"] and all(np.array_equal(a[k], b[k], equal_nan=True) for k in a)


def test_series_at_points_by_position_and_by_id(tmp_path):
    rain, sites = climate(tmp_path / "ppt.tif", "ppt", 0), points(tmp_path / "points.gpkg", ["N1", 'N "2", b'])
    result = covariates(tmp_path / "a.tif", climate=rain, reference_grid=grid(tmp_path), climate_points=sites, climate_id="site",
                        climate_table=tmp_path / "table.csv", climate_statistics="none", extra=f"ONE={grid(tmp_path)}")
    rows = list(csv.DictReader(open(tmp_path / "table.csv")))
    assert len(rows) == 48 and list(rows[0]) == ["site", "month", "ppt"] and result["climate"]["points"] == 2
    lon, lat = places()
    assert rows[0]["site"] == "N1" and rows[0]["month"] == "2018-01" and float(rows[0]["ppt"]) == pytest.approx(value(0, 0, lon[0, 0], lat[0, 0]), abs=2e-3)
    assert rows[47]["site"] == 'N "2", b' and rows[47]["month"] == "2019-12"
    # the table is itself climate, joined by id and not by order
    turned = points(tmp_path / "turned.gpkg", ['N "2", b', "N1"])
    covariates(tmp_path / "b.tif", climate=tmp_path / "table.csv", climate_points=turned, climate_id="site", climate_table=tmp_path / "again.csv",
               climate_period="2019-02/2019-03", extra=f"ONE={grid(tmp_path)}")
    again = list(csv.DictReader(open(tmp_path / "again.csv")))
    assert [(r["site"], r["month"]) for r in again] == [('N "2", b', "2019-02"), ('N "2", b', "2019-03"), ("N1", "2019-02"), ("N1", "2019-03")]
    assert again[2]["ppt"] == rows[13]["ppt"] and list(read(tmp_path / "b.tif")[0]) == ["ONE"]


def test_what_cannot_be_is_refused_in_one_sentence(tmp_path):
    out, rain, where = tmp_path / "no.tif", climate(tmp_path / "ppt.tif", "ppt", 0), grid(tmp_path)
    refused(out, "climate_statistics", "yearly", climate=rain, reference_grid=where, climate_statistics="yearly")
    refused(out, "no July", "climate_period", climate=rain, reference_grid=where, climate_period="2018-01/2018-06")
    refused(out, "no period", climate=rain, reference_grid=where, climate_period="spring")
    refused(out, "2018-01 to 2019-12", climate=rain, reference_grid=where, climate_period="1991-2000")
    refused(out, "does not cover", climate=rain, reference_grid=write(tmp_path / "far.tif", np.zeros((9, 9), "uint8"), x0=300000, pixel=100))
    refused(out, "climate_table", climate=rain, reference_grid=where, climate_points=points(tmp_path / "p.gpkg", ["a"]))
    refused(out, "need climate", extra=f"ONE={where}", climate_points=tmp_path / "p.gpkg", climate_table=tmp_path / "t.csv")
    refused(out, '"a" more than once', climate=rain, reference_grid=where, climate_points=points(tmp_path / "q.gpkg", ["a", "a"]), climate_id="site",
            climate_table=tmp_path / "t.csv")
    (tmp_path / "c.csv").write_text("site,month,ppt\nb,2018-01,3\n")
    refused(out, "no place on the grid", extra=f"ONE={where}", climate=tmp_path / "c.csv")
    refused(out, "1 of 1 samples", '"a"', extra=f"ONE={where}", climate=tmp_path / "c.csv", climate_points=tmp_path / "p.gpkg", climate_id="site",
            climate_table=tmp_path / "t.csv")
    refused(out, "nothing to build", climate=rain)
    assert not (tmp_path / "t.csv").exists()


@pytest.mark.skipif(not SHARED.exists(), reason=f"no {SHARED}")
def test_terraclimate_at_real_sites(tmp_path):
    source = SHARED / "raca_terraclimate" / "raca_monthly_sample_long.csv"
    with open(source) as file:
        names = next(csv.reader(file))
    sites = points(tmp_path / "p.gpkg", ["A0305R97", "A0108P92"], field=names[0])
    assert "var" in " ".join(names).lower()
    covariates(tmp_path / "a.tif", climate=source, climate_points=sites, climate_id=names[0], climate_missing=-999, climate_table=tmp_path / "t.csv",
               extra=f"ONE={grid(tmp_path)}")
    rows = list(csv.DictReader(open(tmp_path / "t.csv")))
    assert len(rows) == 122 and float(rows[0]["pr"]) == 20 and float(rows[61]["pr"]) == 153


def terraclimate(folder, name, year, unit, scale, offset, variable, influence=False):
    """A file as TerraClimate delivers them: a variable and a year, time in days since 1900 at the first of the month, north first, packed
    16-bit integers with a fill value, a variable without dimensions for the CRS; the sea (third column) has no value."""
    file = netcdf_file(str(folder / f"TerraClimate_{name}_{year}.nc"), "w")
    for dimension, n in (("time", 12), ("lat", CELLS), ("lon", CELLS)):
        file.createDimension(dimension, n)
    days = [(np.datetime64(f"{year}-{m:02d}-01") - np.datetime64("1900-01-01")).astype(int) for m in range(1, 13)]
    lon, lat = LON + STEP * (np.arange(CELLS) + 0.5), LAT - STEP * (np.arange(CELLS) + 0.5)
    for dimension, values, units in (("time", days, b"days since 1900-01-01 00:00:00"), ("lat", lat, b"degrees_north"), ("lon", lon, b"degrees_east")):
        axis = file.createVariable(dimension, "d", (dimension,))
        axis[:], axis.units, axis.standard_name = values, units, {"lat": b"latitude", "lon": b"longitude"}.get(dimension, b"time")
        if dimension == "time":
            axis.calendar = b"gregorian"
    crs = file.createVariable("crs", "h", ())
    crs.grid_mapping_name, crs.semi_major_axis, crs.inverse_flattening = b"latitude_longitude", 6378137.0, 298.257223563
    band = file.createVariable(name, "h", ("time", "lat", "lon"))
    band._FillValue, band.scale_factor, band.add_offset, band.units, band.grid_mapping = np.int16(-32768), scale, offset, unit, b"crs"
    truth = np.array([value(12 * (year - 2018) + m, variable, *np.meshgrid(lon, lat)) for m in range(12)])
    packed = np.rint((truth - offset) / scale).astype("int16")
    packed[:, :, 2] = -32768
    band[:] = packed
    if influence:
        extra = file.createVariable("station_influence", "b", ("time", "lat", "lon"))
        extra.units, extra[:] = b"count", np.ones((12, CELLS, CELLS), "int8")
    file.close()
    return folder / f"TerraClimate_{name}_{year}.nc"


@pytest.mark.skipif(gdal.GetDriverByName("netCDF") is None, reason="GDAL has no netCDF driver here")
def test_files_as_terraclimate_delivers_them(tmp_path):
    """Some have a second variable, how many stations were near, which is no climate."""
    files = [terraclimate(tmp_path, name, year, unit, scale, offset, variable, influence=year == 2018)
             for name, unit, scale, offset, variable in (("ppt", b"mm", 0.1, 0.0, 0), ("tmax", b"degC", 0.01, -99.0, 1)) for year in (2019, 2018)]
    sites = points(tmp_path / "points.gpkg", ["N1", "N2"])
    result = covariates(tmp_path / "a.tif", climate=files, reference_grid=grid(tmp_path), climate_statistics="year,months", climate_points=sites,
                        climate_id="site", climate_table=tmp_path / "table.csv")
    assert result["climate"]["variables"] == [{"name": "ppt", "unit": "mm"}, {"name": "tmax", "unit": "degC"}]
    assert (result["climate"]["first"], result["climate"]["last"]) == ("2018-01", "2019-12")
    bands, data = read(tmp_path / "a.tif")
    lon, lat = places()
    land = lon < LON + 1.5 * STEP  # beyond, a neighbour is the sea, which does not count
    assert land.any() and (~land).any() and np.abs(bands["TMAX_M03"] - (value(2, 1, lon, lat) + 6)).max() < 0.1
    for m in range(12):
        assert np.abs(bands[f"PPT_M{m + 1:02d}"] - (value(m, 0, lon, lat) + 6))[land].max() < 0.052  # the step of 0.1 mm
        assert np.abs(bands[f"TMAX_M{m + 1:02d}"] - (value(m, 1, lon, lat) + 6))[land].max() < 0.0072
    assert np.abs(bands["PPT_YEAR"] - sum(value(m, 0, lon, lat) + 6 for m in range(12)))[land].max() < 12 * 0.052
    units = {data.GetRasterBand(b).GetDescription(): data.GetRasterBand(b).GetUnitType() for b in range(1, 27)}
    assert units["PPT_YEAR"] == "mm/year" and units["PPT_M01"] == "mm" and units["TMAX_YEAR"] == units["TMAX_M12"] == "degC"
    rows = list(csv.DictReader(open(tmp_path / "table.csv")))
    assert [row["month"] for row in rows[:24]] == [f"{2018 + m // 12}-{m % 12 + 1:02d}" for m in range(24)] and len(rows) == 48
    assert float(rows[30]["tmax"]) == pytest.approx(value(6, 1, lon[7, 7], lat[7, 7]), abs=0.12)


def test_a_table_with_coordinates_is_joined_by_the_nearest_site(tmp_path):
    """Without climate_id: two sites, in another order than the points; the second point lies 600 m from its site."""
    lon, lat = places()
    sites = points(tmp_path / "points.gpkg", ["one", "two"])
    rows = ["station,lon,lat,month,ppt", f"B,{lon[5, 13]:.6f},{lat[5, 13]:.6f},2018-01,5", f"B,{lon[5, 13]:.6f},{lat[5, 13]:.6f},2018-02,6",
            f"A,{lon[0, 0]:.6f},{lat[0, 0]:.6f},2018-01,7", f"A,{lon[0, 0]:.6f},{lat[0, 0]:.6f},2018-02,-999"]
    (tmp_path / "climate.csv").write_text("\n".join(rows) + "\n")
    given = dict(climate_points=sites, climate_missing=-999, extra=f"ONE={grid(tmp_path)}")
    result = covariates(tmp_path / "a.tif", climate=tmp_path / "climate.csv", climate_table=tmp_path / "table.csv", **given)
    rows_ = list(csv.DictReader(open(tmp_path / "table.csv")))
    assert [(r["fid"], r["month"], r["ppt"]) for r in rows_] == [("1", "2018-01", "7"), ("1", "2018-02", ""), ("2", "2018-01", "5"), ("2", "2018-02", "6")]
    assert result["climate"]["variables"] == [{"name": "ppt", "unit": "mm"}]  # places are no climate
    (said_,) = [line["text"] for line in result["log"] if "nearest site" in line["text"]]
    assert 590 < float(said_.split("at most ")[1].split()[0]) < 610
    (tmp_path / "xy.csv").write_text("station,x,y,month,ppt\nB,600750,5699450,2018-01,5\nA,600000,5700000,2018-01,7\n")
    covariates(tmp_path / "b.tif", climate=tmp_path / "xy.csv", climate_table=tmp_path / "again.csv", **given)
    assert [r["ppt"] for r in csv.DictReader(open(tmp_path / "again.csv"))] == ["7", "5"]
    (tmp_path / "bad.csv").write_text("station,lon,lat,month,ppt\nB,4.5,951.4,2018-01,5\n")
    refused(tmp_path / "no.tif", "row 1", "coordinates", climate=tmp_path / "bad.csv", climate_table=tmp_path / "no.csv", **given)
    (tmp_path / "none.csv").write_text("station,month,ppt\nB,2018-01,5\n")
    refused(tmp_path / "no.tif", "set climate_id", "lon and lat", climate=tmp_path / "none.csv", climate_table=tmp_path / "no.csv", **given)
