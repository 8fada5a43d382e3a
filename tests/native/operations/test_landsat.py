"""Landsat Collection 2, HLS and loose band files: the numbers of their metadata or names, their quality bands, and what is refused."""

import shutil
import tarfile

import numpy as np
import pytest

pytest.importorskip("osgeo.gdal")
from products import SHARED, covariates, needs_program, read, refused, said, write

pytestmark = needs_program

SIZE = 40


def numbers(band):
    row, column = np.mgrid[0:SIZE, 0:SIZE]
    return (9000 + 700 * band + 13 * row + 5 * column).astype("uint16")


def quality():
    """Clear (21824), a cloud (bit 3), a shadow (bit 4), dilated cloud (bit 1), fill (bit 0), snow (bit 5)."""
    values = np.full((SIZE, SIZE), 21824, "uint16")
    for i, bit in enumerate((3, 4, 1, 5)):
        values[10, 10 + i] = 21824 & ~64 | 1 << bit
    values[:, 0] = 1
    return values


def landsat(folder, name="LC08_L2SP_193024_20200615_20200823_02_T1", mtl="txt", scale=(2.75e-05, -0.2), missing=(), extra=""):
    level2 = "_L2SP_" in name
    bands = (2, 3, 4, 5, 6, 7) if name[3] in "89" else (1, 2, 3, 4, 5, 7)
    for band in bands:
        values = numbers(band)
        values[20, 20] = values[:, 0] = 0
        if band not in missing:
            write(folder / f"{name}_{'SR_' if level2 else ''}B{band}.TIF", values, pixel=30, nodata=0)
    write(folder / f"{name}_QA_PIXEL.TIF", quality(), pixel=30, nodata=1)
    groups = [("LEVEL1_RADIOMETRIC_RESCALING", (2e-05, -0.1))]
    if level2:
        groups.insert(0, ("LEVEL2_SURFACE_REFLECTANCE_PARAMETERS", scale))
    day = "2020-06-15"
    if mtl == "txt":
        lines = ["GROUP = LANDSAT_METADATA_FILE", "  GROUP = IMAGE_ATTRIBUTES", f"    DATE_ACQUIRED = {day}", "    SUN_ELEVATION = 30.0", "  END_GROUP = IMAGE_ATTRIBUTES"]
        for group, (mult, add) in groups:
            lines.append(f"  GROUP = {group}")
            lines += [f"    REFLECTANCE_MULT_BAND_{b} = {mult}\n    REFLECTANCE_ADD_BAND_{b} = {add}" for b in bands]
            lines.append(f"  END_GROUP = {group}")
        (folder / f"{name}_MTL.txt").write_text("\n".join([*lines, "END_GROUP = LANDSAT_METADATA_FILE", "END", extra]))
    elif mtl == "xml":
        body = "".join(f"<{g}>" + "".join(f"<REFLECTANCE_MULT_BAND_{b}>{m}</REFLECTANCE_MULT_BAND_{b}><REFLECTANCE_ADD_BAND_{b}>{a}</REFLECTANCE_ADD_BAND_{b}>"
                                          for b in bands) + f"</{g}>" for g, (m, a) in reversed(groups))
        (folder / f"{name}_MTL.xml").write_text(f"<?xml version=\"1.0\"?><LANDSAT_METADATA_FILE><IMAGE_ATTRIBUTES><DATE_ACQUIRED>{day}</DATE_ACQUIRED>"
                                                f"<SUN_ELEVATION>30.0</SUN_ELEVATION></IMAGE_ATTRIBUTES>{body}</LANDSAT_METADATA_FILE>")
    return folder


@pytest.mark.parametrize("mtl", ["txt", "xml", "none"])
def test_level_2_gives_surface_reflectance(tmp_path, mtl):
    result = covariates(tmp_path / "a.tif", product=landsat(tmp_path / "in", mtl=mtl))
    bands, _ = read(tmp_path / "a.tif")
    assert list(bands) == [f"SR_B{b}" for b in range(2, 8)]
    assert result["sensor"] == "Landsat 8/9" and result["date"] == "2020-06-15" and result["pixel"] == 30
    clear = ~np.isnan(bands["SR_B4"])
    assert np.abs(bands["SR_B5"] - (numbers(5) * 2.75e-05 - 0.2))[clear].max() <= 5.0001e-5  # stored in steps of 0.0001
    dropped = ~clear
    assert dropped[:, 0].all() and dropped[20, 20] and dropped[10, 10:14].all() and dropped.sum() == SIZE + 5
    assert result["cloud_share"] == pytest.approx(4 / (SIZE * SIZE - SIZE - 1))
    scene = said(tmp_path / "a.tif", "SCENES")[0]
    assert scene["level"] == "surface" and scene["bands"]["SR_B4"]["scale"] == 2.75e-05


def test_the_group_of_level_2_is_read_and_not_that_of_level_1(tmp_path):
    for mtl in ("txt", "xml"):
        covariates(tmp_path / f"{mtl}.tif", product=landsat(tmp_path / mtl, mtl=mtl, scale=(3e-05, -0.25)))
        band = said(tmp_path / f"{mtl}.tif", "SCENES")[0]["bands"]["SR_B3"]
        assert band["scale"] == 3e-05 and band["offset"] == -0.25


def test_landsat_5_and_7_have_other_bands(tmp_path):
    result = covariates(tmp_path / "a.tif", product=landsat(tmp_path / "in", "LE07_L2SP_193024_20200615_20200823_02_T1"), indices="NDVI")
    bands, _ = read(tmp_path / "a.tif")
    assert result["sensor"] == "Landsat 4-7" and "SR_B1" in bands and "SR_B6" not in bands
    ndvi = (bands["SR_B4"] - bands["SR_B3"]) / (bands["SR_B4"] + bands["SR_B3"])
    assert np.nanmax(np.abs(bands["NDVI"] - ndvi)) < 1e-5


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz"])
def test_an_archive_and_an_mtl_file_are_the_same_product(tmp_path, suffix):
    folder = landsat(tmp_path / "in")
    archive = tmp_path / f"product{suffix}"
    with tarfile.open(archive, "w:gz" if suffix == ".tar.gz" else "w") as tar:
        for file in sorted(folder.iterdir()):
            tar.add(file, file.name)
    covariates(tmp_path / "folder.tif", product=folder)
    covariates(tmp_path / "archive.tif", product=archive)
    covariates(tmp_path / "mtl.tif", product=folder / "LC08_L2SP_193024_20200615_20200823_02_T1_MTL.txt")
    one = read(tmp_path / "folder.tif")[0]
    for other in ("archive", "mtl"):
        for band, values in read(tmp_path / f"{other}.tif")[0].items():
            assert np.array_equal(values, one[band], equal_nan=True)


@pytest.mark.parametrize("name", ["LC08_L1TP_193024_20200615_20200823_02_T1", "LT05_L1TP_193024_20200615_20200823_02_T1"])
def test_level_1_is_top_of_atmosphere_and_says_so(tmp_path, name):
    result = covariates(tmp_path / "a.tif", product=landsat(tmp_path / "in", name))
    bands, _ = read(tmp_path / "a.tif")
    assert result["sensor"].endswith("TOA") and "B4" in bands and "SR_B4" not in bands
    clear = ~np.isnan(bands["B4"])
    assert np.abs(bands["B4"] - (numbers(4) * 2e-05 - 0.1) / 0.5)[clear].max() <= 5.0001e-5  # sin 30 degrees
    assert said(tmp_path / "a.tif", "SCENES")[0]["level"] == "top of atmosphere"


def test_bad_landsat_products_are_refused_in_one_sentence(tmp_path):
    out = tmp_path / "no.tif"
    refused(out, "no band 5", "_SR_B5.TIF is missing", product=landsat(tmp_path / "a", missing=[5]))
    two = landsat(landsat(tmp_path / "b"), "LC08_L2SP_193024_20200701_20200823_02_T1")
    refused(out, "more than one Landsat product", "20200701", product=two)
    level1 = landsat(tmp_path / "c", "LC08_L1TP_193024_20200615_20200823_02_T1", mtl="none")
    refused(out, "Level 1", "SUN_ELEVATION", product=level1)
    refused(out, "Level 1", "MTL", scene=sorted(level1.glob("*_B4.TIF")))
    empty = tmp_path / "d"
    empty.mkdir()
    refused(out, "holds no raster", product=empty)
    (empty / "cut.tar").write_bytes(b"\0" * 100)
    refused(out, "cut.tar", product=empty / "cut.tar")


def hls(folder, kind="S30", scale=10000):
    bands = ["B02", "B03", "B04", "B05", "B08", "B8A", "B11", "B12"] if kind == "S30" else ["B02", "B03", "B04", "B05", "B06", "B07"]
    for i, band in enumerate(bands):
        values = (1000 + 300 * i + np.arange(SIZE * SIZE).reshape(SIZE, SIZE) % 97).astype("int16")
        values[5, 5] = -9999
        write(folder / f"HLS.{kind}.T31UFS.2020167T105031.v2.0.{band}.tif", values, pixel=30, nodata=-9999)
    mask = np.zeros((SIZE, SIZE), "uint8")
    mask[10, 10], mask[10, 12], mask[10, 14], mask[10, 16] = 2, 8, 64 + 32, 255
    write(folder / f"HLS.{kind}.T31UFS.2020167T105031.v2.0.Fmask.tif", mask, pixel=30, nodata=255)
    write(folder / f"HLS.{kind}.T31UFS.2020167T105031.v2.0.SZA.tif", (mask + 3000).astype("uint16"), pixel=30)
    return folder


@pytest.mark.parametrize("kind, red_edge", [("S30", True), ("L30", False)])
def test_hls_folders_have_their_scale_date_and_mask(tmp_path, kind, red_edge):
    result = covariates(tmp_path / "a.tif", product=hls(tmp_path / "in", kind), indices="all")
    bands, _ = read(tmp_path / "a.tif")
    assert result["sensor"] == f"HLS {kind}" and result["date"] == "2020-06-15"
    assert ("NDREI" in bands) == red_edge and "SZA" not in bands
    dropped = np.isnan(bands["B04"])
    assert dropped[5, 5] and dropped[10, 10] and dropped[10, 12] and not dropped[10, 14] and dropped[10, 16] and dropped.sum() == 4
    assert 0.15 < np.nanmin(bands["B04"]) < np.nanmax(bands["B04"]) < 0.18


def test_loose_sentinel_2_files_take_the_baseline_of_their_folder(tmp_path):
    folder = tmp_path / "S2A_MSIL2A_20200615T105031_N0509_R051_T31UFS_20200615T133000.SAFE" / "IMG_DATA"
    for band, pixel in (("B04", 10), ("B08", 10), ("B11", 20)):
        values = np.full((400 // pixel, 400 // pixel), 3000, "uint16")
        values[0, 0], values[1, 1] = 0, 65535
        write(folder / f"T31UFS_20200615T105031_{band}_{pixel}m.tif", values, pixel=pixel)
    classes = np.full((20, 20), 4, "uint8")
    classes[10, 10] = 8
    write(folder / "T31UFS_20200615T105031_SCL_20m.tif", classes, pixel=20)
    covariates(tmp_path / "folder.tif", product=folder)
    covariates(tmp_path / "files.tif", scene=sorted(folder.iterdir()))
    for name in ("folder", "files"):
        bands, data = read(tmp_path / f"{name}.tif")
        assert data.GetMetadataItem("DATE", "SALINA") == "2020-06-15" and data.GetGeoTransform()[1] == 10
        assert np.nanmax(np.abs(bands["B04"] - 0.2)) < 1e-9 and np.nanmax(np.abs(bands["B11"] - 0.2)) < 1e-9
        assert np.isnan(bands["B04"]).sum() == 2 + 4 and np.isnan(bands["B04"][20:22, 20:22]).all()
    moved = tmp_path / "moved"
    shutil.copytree(folder, moved)
    line = refused(tmp_path / "no.tif", "no reflectance", "offset = -0.1", product=moved)
    assert "B04" in line
    covariates(tmp_path / "told.tif", product=moved, scale=0.0001, offset=-0.1)
    assert np.nanmax(np.abs(read(tmp_path / "told.tif")[0]["B08"] - 0.2)) < 1e-9
    shutil.copy(folder / "T31UFS_20200615T105031_B04_10m.tif", moved / "T31UFS_20200615T110000_B04_10m.tif")
    refused(tmp_path / "no.tif", "two scenes of 2020-06-15 hold band B04 of tile 31UFS", "T110000", product=moved, scale=0.0001, offset=-0.1)


@pytest.mark.skipif(not SHARED.exists(), reason=f"no {SHARED}")
def test_real_scenes(tmp_path):
    """Raw numbers, wavelengths and sentinels of files as people have them."""
    salt = SHARED / "salt_uttarpradesh" / "landsat_c2l2_dn_30m.tif"
    refused(tmp_path / "no.tif", "2.75e-05", scene=salt)
    covariates(tmp_path / "salt.tif", scene=salt, scale=2.75e-5, offset=-0.2, sensor="Landsat 8")
    red = read(tmp_path / "salt.tif")[0]["R"]
    assert 0.05 < np.nanmedian(red) < 0.3 and np.nanmin(red) > 0
    names = "-,B02,B03,B04,B05,B06,B07,-,-,-"
    covariates(tmp_path / "hls.tif", scene=SHARED / "hls_l30_texas" / "hls_l30_0.tif", sensor="HLS L30", roles=names, scale=1e-4, offset=0)
    assert -0.2 < np.nanmin(read(tmp_path / "hls.tif")[0]["B04"]) < np.nanmedian(read(tmp_path / "hls.tif")[0]["B04"]) < 0.4
    result = covariates(tmp_path / "enmap.tif", scene=SHARED / "enmap_potsdam" / "enmap_potsdam_tiles_mosaic.tif", sensor="EnMAP", indices="NDVI")
    bands, _ = read(tmp_path / "enmap.tif")
    assert "is not one of" not in str(result["log"]) and result["sensor"] == "EnMAP"
    assert {"B", "G", "R", "RE1", "RE2", "RE3", "NIR", "NIR2", "SWIR1", "SWIR2"} <= set(bands) and "R is the mean of" in str(result["log"])
    assert 0.2 < np.isnan(bands["R"]).mean() < 0.6 and -0.3 < np.nanmedian(bands["NDVI"]) < 0.9
    refused(tmp_path / "no.tif", "scale = 0.0001", scene=SHARED / "enmap_potsdam" / "enmap_potsdam_sub.bsq", sensor="EnMAP")
    covariates(tmp_path / "bsq.tif", scene=SHARED / "enmap_potsdam" / "enmap_potsdam_sub.bsq", sensor="EnMAP", scale=1e-4, offset=0)
    clear = SHARED / "s2_l2a_timeseries_belgium" / "tif"
    day = sorted(clear.glob("S2_L2A_*.tif"))[0]
    result = covariates(tmp_path / "s2.tif", scene=[day, clear / f"SCL_{day.stem[-10:]}.tif"], sensor="Sentinel-2", scale=1e-4, offset=0)
    assert result["date"] == day.stem[-10:] and 0 <= result["cloud_share"] < 0.9
