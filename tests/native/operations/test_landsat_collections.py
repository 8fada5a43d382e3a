"""Landsat before Collection 2: the quality bands of Collection 1 and of before, and the scenes that Debian's r-cran-stars and r-cran-satellite bring."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("osgeo.gdal")
from products import covariates, needs_program, read, refused, run, said, write

pytestmark = needs_program

SIZE = 20
LIBRARY = Path("/usr/lib/R/site-library")
SATELLITE, STARS = LIBRARY / "satellite", LIBRARY / "stars" / "tif" / "L7_ETMs.tif"


def scene(folder, name, clear, marks):
    """Level 1 of Landsat 8 with a BQA file: `clear` everywhere but marks[i] at row 5, column i."""
    for band in range(1, 8):
        write(folder / f"{name}_B{band}.TIF", np.full((SIZE, SIZE), 8000 + band, "uint16"), pixel=30, nodata=0)
    quality = np.full((SIZE, SIZE), clear, "uint16")
    quality[5, : len(marks)] = marks
    write(folder / f"{name}_BQA.TIF", quality, pixel=30)
    lines = ["GROUP = L1_METADATA_FILE", "  GROUP = PRODUCT_METADATA", "    DATE_ACQUIRED = 2013-07-07", "  END_GROUP = PRODUCT_METADATA",
             "  GROUP = IMAGE_ATTRIBUTES", "    SUN_ELEVATION = 30.0", "  END_GROUP = IMAGE_ATTRIBUTES", "  GROUP = RADIOMETRIC_RESCALING"]
    lines += [f"    REFLECTANCE_MULT_BAND_{b} = 2.0000E-05\n    REFLECTANCE_ADD_BAND_{b} = -0.100000" for b in range(2, 8)]
    (folder / f"{name}_MTL.txt").write_text("\n".join([*lines, "  END_GROUP = RADIOMETRIC_RESCALING", "END_GROUP = L1_METADATA_FILE", "END"]))
    return folder


def test_bqa_of_collection_1_has_other_bits_than_qa_pixel(tmp_path):
    """2720: low confidence of cloud, shadow, snow and cirrus. Bits of QA_PIXEL would drop all of it."""
    clear = 2720
    marks = [1, clear | 1 << 4, clear | 1 << 8, clear | 1 << 10, clear | 1 << 12, clear | 1 << 6, clear | 1 << 2, clear | 1 << 1, clear]
    folder = scene(tmp_path / "in", "LC08_L1TP_195025_20130707_20170503_01_T1", clear, marks)
    result = covariates(tmp_path / "a.tif", product=folder)
    red = read(tmp_path / "a.tif")[0]["B4"]
    assert np.isnan(red).sum() == 5 and np.isnan(red[5, :5]).all() and result["sensor"] == "Landsat 8/9 TOA"
    assert red[0, 0] == pytest.approx((8004 * 2e-5 - 0.1) / 0.5, abs=5.1e-5)
    assert result["masks"][0]["kind"] == "BQA" and result["masks"][0]["dropped"] == ["nodata", "cloud", "shadow", "snow", "cirrus"]
    covariates(tmp_path / "b.tif", product=folder, mask_classes="cloud,probable_cloud,saturated")
    red = read(tmp_path / "b.tif")[0]["B4"]
    assert np.isnan(red[5]).tolist()[:9] == [False, True, False, False, False, True, True, False, False]
    covariates(tmp_path / "c.tif", scene=sorted((tmp_path / "in").glob("*.TIF")), scale=4e-5, offset=-0.2)  # the files one by one
    assert np.array_equal(np.isnan(read(tmp_path / "c.tif")[0]["SR_B4"]), np.isnan(read(tmp_path / "a.tif")[0]["B4"]))


def test_bqa_of_before_the_collections(tmp_path):
    """20480: no cirrus, no cloud; 36864 perhaps a cloud, 53248 surely, 28672 cirrus."""
    folder = scene(tmp_path / "in", "LC81950252013188LGN00", 20480, [1, 36864, 53248, 28672, 20512])
    result = covariates(tmp_path / "a.tif", product=folder)
    assert np.isnan(read(tmp_path / "a.tif")[0]["B4"][5, :6]).tolist() == [True, True, True, True, False, False]
    assert result["masks"][0]["kind"] == "BQA_2013" and said(tmp_path / "a.tif", "SCENES")[0]["tile"] == "195025"


def test_a_product_without_reflectance_factors_is_refused(tmp_path):
    folder = scene(tmp_path / "in", "LE71950252001211EDC00", 20480, [])
    meta = folder / "LE71950252001211EDC00_MTL.txt"
    meta.write_text(meta.read_text().replace("REFLECTANCE_", "RADIANCE_"))
    refused(tmp_path / "no.tif", "before the Landsat collections", "Collection 2 Level 2", product=folder)


@pytest.mark.skipif(not SATELLITE.exists(), reason="no r-cran-satellite")
def test_scenes_of_r_cran_satellite(tmp_path):
    """Collection 1 and pre-collection, Landsat 8, 7 and 5: as they are, or refused with what to do."""
    for name, sensor, clear in (("extdata/LC08_L1TP_195025_20130707_20170503_01_T1_MTL.txt", "Landsat 8/9 TOA", 1.0),
                                ("extdata/LE07_L1TP_195025_20010730_20170204_01_T1_MTL.txt", "Landsat 4-7 TOA", 1.0),
                                ("testdata/LT05/LT05_L1TP_167055_20000309_20161214_01_T1_MTL.txt", "Landsat 4-7 TOA", 1.0),
                                ("testdata/LC8", "Landsat 8/9 TOA", (1011 + 647) / 1681)):
        out = tmp_path / "a.tif"
        result = covariates(out, product=SATELLITE / name, indices="NDVI")
        bands, data = read(out)
        red = bands["B4" if "8/9" in sensor else "B3"]
        assert result["sensor"] == sensor and data.GetGeoTransform()[1] == 30
        assert np.isfinite(red).mean() == pytest.approx(clear, abs=1e-3), name  # 2720 and 672 are clear
        assert 0.01 < np.nanmin(red) < np.nanmedian(red) < 0.3 and -0.3 < np.nanmedian(bands["NDVI"]) < 0.9
    mult, add, sun = 2e-5, -0.1, np.sin(np.radians(58.99675180))
    covariates(tmp_path / "b.tif", product=SATELLITE / "extdata" / "LC08_L1TP_195025_20130707_20170503_01_T1_MTL.txt", dem=SATELLITE / "extdata" / "DEM.TIF")
    from osgeo import gdal

    number = gdal.Open(str(SATELLITE / "extdata" / "LC08_L1TP_195025_20130707_20170503_01_T1_B4.TIF")).ReadAsArray()
    assert np.nanmax(np.abs(read(tmp_path / "b.tif")[0]["B4"] - (mult * number + add) / sun)) < 6e-5
    for name in ("testdata/LE7", "testdata/LT5"):
        refused(tmp_path / "no.tif", "before the Landsat collections", product=SATELLITE / name)


@pytest.mark.skipif(not STARS.exists(), reason="no r-cran-stars")
def test_the_scene_of_r_cran_stars_wants_roles_and_scale(tmp_path):
    """Six bands of 8-bit numbers without names: nothing is guessed."""
    refused(tmp_path / "no.tif", "give roles", scene=STARS)
    refused(tmp_path / "no.tif", "no reflectance between 0 and 1", scene=STARS, roles="B,G,R,NIR,SWIR1,SWIR2", sensor="Landsat 7")
    result = covariates(tmp_path / "a.tif", scene=STARS, roles="B,G,R,NIR,SWIR1,SWIR2", sensor="Landsat 7", scale=1 / 255, offset=0, indices="NDVI",
                        dem=STARS.with_name("olinda_dem_utm25s.tif"))
    bands, _ = read(tmp_path / "a.tif")
    assert result["width"] == 349 and result["pixel"] == pytest.approx(28.5) and {"R", "NIR", "NDVI", "DEM", "SLOPE"} <= set(bands)
    assert np.nanmin(bands["NDVI"]) < 0 < np.nanmax(bands["NDVI"])
