"""Products as agencies deliver them, made small: folders, metadata and images with known numbers. Shared by the tests of `covariates`."""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal, osr

gdal.UseExceptions()

REPO = Path(__file__).parents[3]
BUILD = Path(os.environ.get("SALINA_BUILD", REPO / "build" / "release"))
SALINA = BUILD / "bin" / "salina"
SHARED = Path(os.environ.get("SALINA_SHARED", REPO.parent / "shared")) / "data"

needs_program = pytest.mark.skipif(not SALINA.exists(), reason=f"no salina in {BUILD}")
needs_jpeg2000 = pytest.mark.skipif(gdal.GetDriverByName("JP2OpenJPEG") is None, reason="GDAL has no JPEG 2000 driver here")

BANDS = ["B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12"]
FINE = ("B02", "B03", "B04", "B08")
NUMBER = {name: i for i, name in enumerate(["B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12"])}


def covariates(output, **given):
    """The result of `salina covariates`; lists are repeated options."""
    done = run(output, **given)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def run(output, **given):
    words = [str(SALINA), "covariates", "--output", str(output), "--json"]
    for key, value in given.items():
        for one in value if isinstance(value, (list, tuple)) else [value]:
            words += [f"--{key}", str(one)]
    return subprocess.run(words, capture_output=True, text=True, timeout=300)


def refused(output, *words, **given):
    """Refused in one sentence that holds all words; nothing is left."""
    done = run(output, **given)
    assert done.returncode != 0, done.stdout
    line = done.stderr.strip().splitlines()[-1]
    for word in words:
        assert word in line, line
    assert not Path(output).exists()
    return line


def read(path):
    """Bands by id as float64 with NaN for nodata, and the dataset."""
    data = gdal.Open(str(path))
    bands = {}
    for i in range(1, data.RasterCount + 1):
        band = data.GetRasterBand(i)
        values = band.ReadAsArray().astype(float)
        values[values == band.GetNoDataValue()] = np.nan
        bands[band.GetDescription()] = values * (band.GetScale() or 1) + (band.GetOffset() or 0)
    return bands, data


def said(path, key):
    """A JSON item of the SALINA domain."""
    return json.loads(gdal.Open(str(path)).GetMetadataItem(key, "SALINA"))


def write(path, array, x0=600000, y0=5700000, pixel=10, epsg=32631, nodata=None, driver="GTiff", names=None, options=()):
    """array: (rows, columns) or (bands, rows, columns)."""
    array = np.atleast_3d(array.T).T if array.ndim == 2 else array
    kind = {"uint8": gdal.GDT_Byte, "uint16": gdal.GDT_UInt16, "int16": gdal.GDT_Int16, "float32": gdal.GDT_Float32}[str(array.dtype)]
    data = gdal.GetDriverByName("MEM").Create("", array.shape[2], array.shape[1], array.shape[0], kind)
    crs = osr.SpatialReference()
    crs.ImportFromEPSG(epsg)
    data.SetProjection(crs.ExportToWkt())
    data.SetGeoTransform((x0, pixel, 0, y0, 0, -pixel))
    for i in range(array.shape[0]):
        band = data.GetRasterBand(i + 1)
        band.WriteArray(array[i])
        if nodata is not None:
            band.SetNoDataValue(nodata)
        if names:
            band.SetDescription(names[i])
    path.parent.mkdir(parents=True, exist_ok=True)
    gdal.GetDriverByName(driver).CreateCopy(str(path), data, options=list(options))
    return path


def numbers(band, size):
    """DN of a band: a gentle pattern that differs from band to band, never 0."""
    row, column = np.mgrid[0:size, 0:size]
    return (1500 + 137 * BANDS.index(band) + 11 * row + 7 * column).astype("uint16")


def scl(size, value=4):
    return np.full((size, size), value, "uint8")


def safe(folder, baseline="05.09", offset=-1000, quantification=10000, date="2020-06-15", tile="31UFS", size=60, images=numbers, classes=scl,
         absent=(), missing_files=(), x0=600000):
    """A SAFE tree with the structure of ESA's Level-2A products; returns its folder. `absent`: bands that the XML does not list."""
    compact = date.replace("-", "") + "T105031"
    name = f"S2A_MSIL2A_{compact}_N{baseline.replace('.', '') or '9999'}_R051_T{tile}_20200615T133000.SAFE"
    granule = f"GRANULE/L2A_T{tile}_A026019_{compact}/IMG_DATA"
    root, listed = folder / name, []
    for band in [*BANDS, "SCL"]:
        metres = 10 if band in FINE else 20
        image = f"{granule}/R{metres}m/T{tile}_{compact}_{band}_{metres}m"
        if band in absent:
            continue
        listed.append(f'<IMAGE_FILE>{image}</IMAGE_FILE>')
        if band not in missing_files:
            values = classes(size // 2) if band == "SCL" else images(band, size * 10 // metres)
            write(root / f"{image}.jp2", values, pixel=metres, x0=x0, driver="JP2OpenJPEG", options=["QUALITY=100", "REVERSIBLE=YES", "YCBCR420=NO"])
    offsets = {} if offset is None else offset if isinstance(offset, dict) else {band: offset for band in NUMBER}
    adds = "".join(f'<BOA_ADD_OFFSET band_id="{NUMBER[band]}">{value}</BOA_ADD_OFFSET>' for band, value in offsets.items())
    adds = f"<BOA_ADD_OFFSET_VALUES_LIST>{adds}</BOA_ADD_OFFSET_VALUES_LIST>" if adds else ""
    (root / "MTD_MSIL2A.xml").write_text(f"""<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<n1:Level-2A_User_Product xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/User_Product_Level-2A.xsd">
<n1:General_Info><Product_Info>
<PRODUCT_START_TIME>{date}T10:50:31.024Z</PRODUCT_START_TIME><PRODUCT_STOP_TIME>{date}T10:50:31.024Z</PRODUCT_STOP_TIME>
<PRODUCT_URI>{name}</PRODUCT_URI><PROCESSING_LEVEL>Level-2A</PROCESSING_LEVEL><PROCESSING_BASELINE>{baseline}</PROCESSING_BASELINE>
<Datatake><SPACECRAFT_NAME>Sentinel-2A</SPACECRAFT_NAME></Datatake>
<Product_Organisation><Granule_List><Granule imageFormat="JPEG2000">{"".join(listed)}</Granule></Granule_List></Product_Organisation>
</Product_Info><Product_Image_Characteristics>
<Special_Values><SPECIAL_VALUE_TEXT>NODATA</SPECIAL_VALUE_TEXT><SPECIAL_VALUE_INDEX>0</SPECIAL_VALUE_INDEX></Special_Values>
<Special_Values><SPECIAL_VALUE_TEXT>SATURATED</SPECIAL_VALUE_TEXT><SPECIAL_VALUE_INDEX>65535</SPECIAL_VALUE_INDEX></Special_Values>
<QUANTIFICATION_VALUES_LIST><BOA_QUANTIFICATION_VALUE unit="none">{quantification}</BOA_QUANTIFICATION_VALUE></QUANTIFICATION_VALUES_LIST>
{adds}</Product_Image_Characteristics></n1:General_Info></n1:Level-2A_User_Product>
""")
    return root
