"""Products and loose band files as a series: their dates, numbers and masks, and what is refused. Every series is the same season."""

import datetime
import tarfile
import zipfile

import numpy as np
import pytest

pytest.importorskip("osgeo.gdal")
from products import BANDS, SHARED, covariates, needs_jpeg2000, needs_program, read, refused, safe, said, scl, write
from test_landsat import landsat

pytestmark = needs_program

DAYS = list(range(5, 365, 8))
METHOD = {"lambda": 100, "phenology": "SOS,SDPS,PHENO_OBS"}  # a stiffness that keeps a season sampled every eight days
SIZE = 12


def ndvi(day):
    return 0.15 + 0.6 * (1 / (1 + np.exp(-0.1 * (day - 130))) + 1 / (1 + np.exp(0.12 * (day - 250))) - 1)


def date(day):
    return (datetime.date(2019, 1, 1) + datetime.timedelta(day - 1)).isoformat()


def red_nir(day):
    """Reflectance with that NDVI and a sum of 0.5."""
    return 0.25 * (1 - ndvi(day)), 0.25 * (1 + ndvi(day))


def images(day, offset):
    red, nir = red_nir(day)

    def image(band, size):
        value = {"B04": red, "B08": nir}.get(band, 0.2)
        return np.full((size, size), round(value * 10000) - offset, "uint16")

    return image


def clouded(day):
    """Every third look has a cloud on the left half and a value that would be another season."""
    def classes(size):
        values = scl(size)
        if day % 3 == 0:
            values[:, : size // 2] = 9
        return values

    return classes


def assert_season(path, tolerance=4):
    bands, _ = read(path)
    assert np.abs(bands["SOS"] - 116).max() < tolerance and np.abs(bands["SDPS"] - 152).max() < tolerance + 2, (bands["SOS"][5], bands["SDPS"][5])
    return bands


@needs_jpeg2000
def test_safe_products_of_two_baselines_are_one_series(tmp_path):
    """Half of the year has the offset of -1000, half has not; two of the products are zips. Under the clouds lies another number."""
    given = []
    for i, day in enumerate(DAYS):
        offset = -1000 if i % 2 else 0
        def image(band, size, day=day, offset=offset):
            values = images(day, offset)(band, size)
            if day % 3 == 0:
                values[:, : size // 2] = 9000 - offset
            return values
        root = safe(tmp_path / f"d{day}", baseline="05.09" if i % 2 else "02.14", offset=offset or None, date=date(day), size=SIZE, images=image, classes=clouded(day))
        if i < 2:
            with zipfile.ZipFile(tmp_path / f"{i}.zip", "w") as archive:
                for path in root.rglob("*"):
                    archive.write(path, path.relative_to(root.parent))
            root = tmp_path / f"{i}.zip"
        given.append(root)
    result = covariates(tmp_path / "a.tif", series_product=given, max_memory="400MiB", **METHOD)
    bands = assert_season(tmp_path / "a.tif")
    cloudy = sum(day % 3 == 0 for day in DAYS)
    assert bands["PHENO_OBS"][0, -1] - bands["PHENO_OBS"][0, 0] == pytest.approx(cloudy, abs=8) and result["phenology"]["dates"] == len(DAYS)
    assert "SCL" in result["phenology"]["masked"] and result["phenology"]["year"] == 2019
    files = [entry["path"] for entry in said(tmp_path / "a.tif", "SOURCES")]
    assert len(files) == 2 + 3 * (len(DAYS) - 2) and sum(path.endswith(".zip") for path in files) == 2
    refused(tmp_path / "no.tif", "twice", series_product=[given[0], *given])


def test_landsat_products_bring_their_numbers_and_quality(tmp_path):
    given = []
    for i, day in enumerate(DAYS):
        name = f"LC08_L2SP_193024_{date(day).replace('-', '')}_20200823_02_T1"
        folder = landsat(tmp_path / f"d{day}", name=name)
        meta = folder / f"{name}_MTL.txt"
        meta.write_text(meta.read_text().replace("2020-06-15", date(day)))
        for band, value in zip((4, 5), red_nir(day)):
            write(folder / f"{name}_SR_B{band}.TIF", np.full((40, 40), round((value + 0.2) / 2.75e-5), "uint16"), pixel=30, nodata=0)
        if i == 0:
            with tarfile.open(tmp_path / "first.tar", "w") as archive:
                for path in folder.iterdir():
                    archive.add(path, path.name)
            folder = tmp_path / "first.tar"
        given.append(folder if i % 2 else folder / f"{name}_MTL.txt" if folder.is_dir() else folder)
    result = covariates(tmp_path / "a.tif", series=given, **METHOD)
    bands, _ = read(tmp_path / "a.tif")
    assert np.isnan(bands["SOS"][:, 0]).all() and np.isnan(bands["SOS"][10, 10:14]).all()  # what QA_PIXEL drops on every date
    assert abs(bands["SOS"][20, 20] - 116) < 4 and bands["PHENO_OBS"][20, 20] > 8 and "QA_PIXEL" in result["phenology"]["masked"]


def band_files(folder, day, tile="T31UFS", x0=600000, bands=("B04", "B08"), value=None):
    """HLS-like: a file a band and Fmask, DN x 0.0001 by the name."""
    stem = f"HLS.S30.{tile}.2019{day:03d}T105031.v2.0"
    values = dict(zip(("B04", "B08"), value or red_nir(day)))
    for band in bands:
        write(folder / f"{stem}.{band}.tif", np.full((SIZE, SIZE), round(values.get(band, 0.1) * 10000), "int16"), x0=x0, pixel=30, nodata=-9999)
    mask = np.zeros((SIZE, SIZE), "uint8")
    mask[:, : SIZE // 2] = 2 if day % 3 == 0 else 0
    write(folder / f"{stem}.Fmask.tif", mask, x0=x0, pixel=30)


def test_folders_of_hls_and_loose_files_are_joined_by_day_and_tile(tmp_path):
    for day in DAYS:
        band_files(tmp_path / "in", day, bands=("B02", "B04", "B08"), value=(0.4, 0.41) if day % 3 == 0 else None)
        band_files(tmp_path / "in", day, tile="T31UGS", x0=600000 + 30 * SIZE)
    # right of the cloud the west has the wrong number on every third day: those looks are made right here
    for day in DAYS:
        if day % 3 == 0:
            for band, value in zip(("B04", "B08"), red_nir(day)):
                path = tmp_path / "in" / f"HLS.S30.T31UFS.2019{day:03d}T105031.v2.0.{band}.tif"
                values = np.full((SIZE, SIZE), round(value * 10000), "int16")
                values[:, : SIZE // 2] = 4000
                write(path, values, pixel=30, nodata=-9999)
    reference = write(tmp_path / "grid.tif", np.zeros((SIZE, 2 * SIZE), "uint8"), pixel=30)
    result = covariates(tmp_path / "a.tif", series_product=tmp_path / "in", reference_grid=reference, **METHOD)
    bands = assert_season(tmp_path / "a.tif")
    assert bands["SOS"].shape == (SIZE, 2 * SIZE) and bands["PHENO_OBS"][0, 0] < bands["PHENO_OBS"][0, 8]
    assert f"{len(DAYS)} band files" in str(result["log"]) and result["phenology"]["dates"] == len(DAYS)
    covariates(tmp_path / "b.tif", series=sorted((tmp_path / "in").glob("*.tif")), reference_grid=reference, **METHOD)
    again = read(tmp_path / "b.tif")[0]
    assert all(np.array_equal(bands[k], again[k], equal_nan=True) for k in bands)


def test_quality_files_mask_images_with_several_bands(tmp_path):
    given = []
    for day in DAYS:
        values = np.array([np.full((SIZE, SIZE), v, "float32") for v in red_nir(day)])
        if day % 3 == 0:
            values[:, :, : SIZE // 2] = 0.4
        given.append(write(tmp_path / f"S2_{date(day)}.tif", values, nodata=np.nan, names=["B04", "B08"]))
        given.append(write(tmp_path / f"SCL_{date(day)}.tif", clouded(day)(SIZE)))
    given.append(write(tmp_path / "SCL_2019-12-31.tif", scl(SIZE)))
    result = covariates(tmp_path / "a.tif", series=given, **METHOD)
    bands = assert_season(tmp_path / "a.tif")
    assert bands["PHENO_OBS"][0, 0] < bands["PHENO_OBS"][0, 8] and "1 quality files" in str(result["log"])


def test_what_cannot_be_joined_is_refused(tmp_path):
    out = tmp_path / "no.tif"
    for day in DAYS:
        band_files(tmp_path / "in", day, bands=("B04",))
    refused(out, "no file of the band NIR", "NDVI", series_product=tmp_path / "in")
    other = tmp_path / "other"
    for day in DAYS:
        band_files(other, day)
    double = other / "HLS.S30.T31UFS.2019005T110000.v2.0.B04.tif"
    write(double, np.full((SIZE, SIZE), 900, "int16"), pixel=30, nodata=-9999)
    refused(out, "band R of one day twice", "T110000", series_product=other)
    double.unlink()
    refused(out, "no image from which NDVI", series=sorted(other.glob("*Fmask*")))
    for path in other.glob("*B04*"):
        path.rename(path.with_name(path.name.replace("HLS.S30.", "")))
    for path in other.glob("HLS*B08*"):
        path.rename(path.with_name(path.name.replace("HLS.S30.", "")))
    refused(out, "no reflectance between 0 and 1", "series_scale", series=sorted(other.glob("T31*")))


@pytest.mark.skipif(not SHARED.exists(), reason=f"no {SHARED}")
def test_a_real_series_with_its_quality_files(tmp_path):
    tif = SHARED / "s2_l2a_timeseries_belgium" / "tif"
    images_, quality = sorted(tif.glob("S2_L2A_*.tif")), sorted(tif.glob("SCL_*.tif"))
    result = covariates(tmp_path / "a.tif", series=[*images_, *quality], series_scale=1e-4, phenology="all")
    assert result["phenology"]["dates"] == 53 and "SCL" in result["phenology"]["masked"]
    bands, _ = read(tmp_path / "a.tif")
    assert 145 < bands["SOS"][20, 45] < 165 and np.isfinite(bands["SOS"]).mean() > 0.95
