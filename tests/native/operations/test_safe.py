"""Sentinel-2 Level-2A products: every baseline gives the reflectance its metadata state, and what is missing is named."""

import shutil

import numpy as np
import pytest

pytest.importorskip("osgeo.gdal")
from products import BANDS, FINE, covariates, needs_jpeg2000, needs_program, numbers, read, refused, safe, said, scl

pytestmark = [needs_program, needs_jpeg2000]


def reflectance(band, size, offset, quantification=10000):
    return (numbers(band, size).astype(float) + offset) / quantification


@pytest.mark.parametrize("baseline, listed, offset", [("02.14", None, 0), ("05.09", -1000, -1000), ("03.01", None, 0), ("04.00", -1000, -1000)])
def test_offset_follows_the_metadata_of_the_baseline(tmp_path, baseline, listed, offset):
    out = tmp_path / "stack.tif"
    result = covariates(out, product=safe(tmp_path, baseline, listed))
    bands, data = read(out)
    assert list(bands) == BANDS and result["pixel"] == 10 and (result["width"], result["height"]) == (60, 60)
    assert result["sensor"] == "Sentinel-2" and result["date"] == "2020-06-15"
    for band in FINE:
        assert np.abs(bands[band] - reflectance(band, 60, offset)).max() < 1e-9, band
    scene = said(out, "SCENES")[0]
    assert scene["processing_baseline"] == baseline and scene["tile"] == "31UFS" and scene["level"] == "surface"
    assert scene["bands"]["B11"]["offset"] == pytest.approx(offset / 10000)


def test_bands_of_20_m_come_to_10_m_without_a_shift(tmp_path):
    out = tmp_path / "stack.tif"
    covariates(out, product=safe(tmp_path, "02.14", None))
    bands, _ = read(out)
    row, column = np.mgrid[0:60, 0:60]
    plane = (1500 + 137 * BANDS.index("B11") + 11 * (row / 2 - 0.25) + 7 * (column / 2 - 0.25)) / 10000
    assert np.abs(bands["B11"] - plane)[2:-2, 2:-2].max() < 6e-5  # half a step of the stored 0.0001


def test_offset_differs_by_band_and_quantification_is_read(tmp_path):
    offsets = {band: -1000 - 10 * i for i, band in enumerate(["B01", *BANDS[:7], "B8A", "B09", "B10", "B11", "B12"])}
    out = tmp_path / "stack.tif"
    covariates(out, product=safe(tmp_path, "05.09", {**offsets, "B08": -500}, quantification=20000))
    bands, _ = read(out)
    assert np.abs(bands["B02"] - reflectance("B02", 60, -1010, 20000)).max() < 5.1e-5
    assert np.abs(bands["B08"] - reflectance("B08", 60, -500, 20000)).max() < 5.1e-5


def test_user_overrides_the_offset(tmp_path):
    """Some distributors have taken it off already."""
    out = tmp_path / "stack.tif"
    result = covariates(out, product=safe(tmp_path), offset=0)
    assert np.abs(read(out)[0]["B04"] - reflectance("B04", 60, 0)).max() < 1e-9
    assert "as given" in str(result["log"])


@pytest.mark.parametrize("form", ["xml", "zip", "nested", "scene"])
def test_folder_zip_and_metadata_file_are_the_same_product(tmp_path, form):
    root = safe(tmp_path / "in")
    covariates(tmp_path / "folder.tif", product=root)
    path = root / "MTD_MSIL2A.xml"
    if form in ("zip", "nested"):
        base = root if form == "zip" else root.parent
        path = shutil.make_archive(str(tmp_path / "product"), "zip", base)
    covariates(tmp_path / "other.tif", **{"scene" if form == "scene" else "product": root if form == "scene" else path})
    one, other = read(tmp_path / "folder.tif")[0], read(tmp_path / "other.tif")[0]
    for band in BANDS:
        assert np.array_equal(one[band], other[band])
    if form == "nested":
        sources = said(tmp_path / "other.tif", "SOURCES")
        assert len(sources) == 1 and sources[0]["path"] == path and len(sources[0]["sha256"]) == 64


def test_nodata_and_saturation_stay_out_of_every_neighbour(tmp_path):
    def images(band, size):
        values = numbers(band, size)
        values[10, 10], values[20, 20] = 0, 65535
        return values

    out = tmp_path / "stack.tif"
    covariates(out, product=safe(tmp_path, images=images))
    bands, _ = read(out)
    assert np.isnan(bands["B04"][10, 10]) and np.isnan(bands["B04"][20, 20]) and np.isnan(bands["B04"]).sum() == 2
    assert np.isnan(bands["B11"][20:22, 20:22]).all() and np.isnan(bands["B11"][40:42, 40:42]).all()
    assert np.nanmax(bands["B11"]) < 0.4 and np.nanmin(bands["B11"]) > 0.1


def test_negative_reflectance_is_kept(tmp_path):
    out = tmp_path / "stack.tif"
    covariates(out, product=safe(tmp_path, images=lambda band, size: np.full((size, size), 940, "uint16")))
    assert np.allclose(read(out)[0]["B02"], -0.006)


def clouds(size):
    values = scl(size)
    values[5, 5], values[20, 20], values[0, :], values[10, 25] = 9, 3, 0, 6
    return values


def test_scl_drops_clouds_and_shadows_with_a_buffer(tmp_path):
    root = safe(tmp_path, classes=clouds)
    plain, wide = tmp_path / "plain.tif", tmp_path / "wide.tif"
    result = covariates(plain, product=root)
    missing = np.isnan(read(plain)[0]["B04"])
    expected = np.zeros((60, 60), bool)
    expected[10:12, 10:12] = expected[40:42, 40:42] = expected[0:2] = True
    assert np.array_equal(missing, expected)
    assert result["cloud_share"] == pytest.approx(expected.mean())
    assert "mask SCL drops 3.56 %" in str(result["log"])
    covariates(wide, product=root, mask_buffer=3)
    for top, left in ((10, 10), (40, 40)):
        expected[top - 3:top + 5, left - 3:left + 5] = True
    assert np.array_equal(np.isnan(read(wide)[0]["B04"]), expected)  # the edge of the scene does not spread
    mask = said(wide, "MASKS")[0]
    assert mask["kind"] == "SCL" and mask["buffer"] == 3 and "cloud" in mask["dropped"] and "water" not in mask["dropped"]


def test_classes_are_chosen_by_name_and_number(tmp_path):
    root = safe(tmp_path, classes=clouds)
    covariates(tmp_path / "none.tif", product=root, mask_classes="none")
    assert not np.isnan(read(tmp_path / "none.tif")[0]["B04"]).any()
    covariates(tmp_path / "water.tif", product=root, mask_classes="water,9")
    missing = np.isnan(read(tmp_path / "water.tif")[0]["B04"])
    assert missing.sum() == 8 and missing[20:22, 50:52].all() and missing[10:12, 10:12].all()
    refused(tmp_path / "no.tif", "fog", "9 cloud", product=root, mask_classes="fog")
    refused(tmp_path / "no.tif", "\"12\"", "SCL", product=root, mask_classes=12)


def test_bad_products_are_refused_in_one_sentence(tmp_path):
    out = tmp_path / "no.tif"
    bare = safe(tmp_path / "a")
    (bare / "MTD_MSIL2A.xml").unlink()
    refused(out, "has no MTD_MSIL2A.xml", "download", product=bare)
    broken = safe(tmp_path / "b")
    (broken / "MTD_MSIL2A.xml").write_text("<n1:Level-2A><General_Info>")
    refused(out, "no XML", product=broken)
    refused(out, "processing baseline \"\"", "offset to -0.1", product=safe(tmp_path / "c", "", None))
    refused(out, "processing baseline \"07.11\"", "BOA_ADD_OFFSET", product=safe(tmp_path / "d", "07.11", None))
    refused(out, "no band B11", "_B11_20m", product=safe(tmp_path / "e", absent=["B11"]))
    refused(out, "no band B8A", "missing", product=safe(tmp_path / "f", missing_files=["B8A"]))
    refused(out, "no band SCL", product=safe(tmp_path / "g", absent=["SCL"]))
    refused(out, "band_id 3", "B04", product=safe(tmp_path / "h", offset={"B02": -1000, "B03": -1000}))
    refused(out, "BOA_QUANTIFICATION_VALUE", product=safe(tmp_path / "i", quantification="none"))
    refused(out, "no clear ground", "2020-06-15", "cloud", product=safe(tmp_path / "j", classes=lambda size: scl(size, 9)))
    level1 = tmp_path / "S2A_MSIL1C.SAFE"
    level1.mkdir()
    (level1 / "MTD_MSIL1C.xml").write_text("<x/>")
    refused(out, "Level-1C", "Sen2Cor", product=level1)
    first, second = safe(tmp_path / "k"), safe(tmp_path / "l", date="2020-06-20")
    refused(out, "different days", "2020-06-15", "2020-06-20", product=[first, second])
    refused(out, "two scenes of 2020-06-15", "B02", product=[first, safe(tmp_path / "m")])
    cut = tmp_path / "cut.zip"
    cut.write_bytes(b"PK\x03\x04 not a zip")
    refused(out, "cut.zip", product=cut)


def test_an_unknown_baseline_is_taken_where_the_metadata_say_all(tmp_path):
    covariates(tmp_path / "a.tif", product=safe(tmp_path, "07.11", -1000))
    assert np.abs(read(tmp_path / "a.tif")[0]["B02"] - reflectance("B02", 60, -1000)).max() < 1e-9
    covariates(tmp_path / "b.tif", product=safe(tmp_path / "b", "", None), offset=-0.1)
    assert np.abs(read(tmp_path / "b.tif")[0]["B02"] - reflectance("B02", 60, -1000)).max() < 1e-9


def test_cropland_keeps_reflectance_on_fields_alone(tmp_path):
    from products import write

    fields = np.zeros((60, 60), "uint8")
    fields[10:20, 30:50] = 1
    root = safe(tmp_path)
    covariates(tmp_path / "a.tif", product=root, cropland=write(tmp_path / "fields.tif", fields))
    assert np.array_equal(~np.isnan(read(tmp_path / "a.tif")[0]["B08"]), fields > 0)
    refused(tmp_path / "no.tif", "cropland", "keeps none", product=root, cropland=write(tmp_path / "none.tif", fields * 0))


def test_cancelling_is_answered_and_leaves_nothing(tmp_path):
    """The images are large enough to be caught while they are decoded; the machine may be busy."""
    import signal
    import subprocess
    import time

    from products import SALINA

    root = safe(tmp_path, size=1024, images=lambda band, size: np.random.default_rng(1).integers(1200, 4000, (size, size)).astype("uint16"))
    for wait in (0.2, 0.5, 0.9):
        before = sorted(tmp_path.iterdir())
        work = subprocess.Popen([str(SALINA), "covariates", "--product", str(root), "--output", str(tmp_path / "a.tif")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(wait)
        work.send_signal(signal.SIGINT)
        asked = time.time()
        work.wait(20)
        if work.returncode == 0:  # finished before it was asked
            break
        assert work.returncode == 3 and time.time() - asked < 1.5 and sorted(tmp_path.iterdir()) == before
