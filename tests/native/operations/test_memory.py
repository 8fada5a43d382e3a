"""Memory of Build covariate stack: GDAL's own cache of scene and stack counts into max_memory."""

import os
import re
import resource
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest

gdal = pytest.importorskip("osgeo.gdal")
from products import BANDS, SALINA, covariates, needs_program

pytestmark = needs_program


def test_the_cache_of_a_large_scene_stays_within_max_memory(tmp_path):
    """4000 x 4000 pixels of ten bands are 320 MB in the scene and 320 MB in the stack: a limit of 300 MiB was overrun to 485 MiB."""
    size, path = 4000, tmp_path / "S2A_20200615.tif"
    gdal.SetCacheMax(16 << 20)  # what this process holds counts for its children
    data = gdal.GetDriverByName("GTiff").Create(str(path), size, size, 10, gdal.GDT_UInt16, ["TILED=YES", "BLOCKXSIZE=512", "BLOCKYSIZE=512", "COMPRESS=DEFLATE", "ZLEVEL=1"])
    data.SetProjection('EPSG:32631')
    data.SetGeoTransform((600000, 10, 0, 5700000, 0, -10))
    for i, name in enumerate(BANDS):
        band = data.GetRasterBand(i + 1)
        band.SetDescription(name)
        band.SetScale(1e-4)
        band.SetNoDataValue(0)
        band.Fill(1000 + 100 * i)
    data = band = None
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    covariates(tmp_path / "a.tif", scene=path, max_memory="300MiB")
    used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    assert used <= max(before, 320 * 1024), f"{used // 1024} MiB"
    stack = gdal.Open(str(tmp_path / "a.tif"))
    assert np.unique(stack.GetRasterBand(3).ReadAsArray()).tolist() == [1200] and stack.GetRasterBand(3).GetScale() == 1e-4


def raster(path, names, size, kind, value):
    data = gdal.GetDriverByName("GTiff").Create(str(path), size, size, len(names), kind, ["TILED=YES", "COMPRESS=DEFLATE", "ZLEVEL=1"])
    data.SetProjection("EPSG:32631")
    data.SetGeoTransform((600000, 10, 0, 5700000, 0, -10))
    for i, name in enumerate(names):
        band = data.GetRasterBand(i + 1)
        band.SetDescription(name)
        band.SetScale(1e-4 if kind == gdal.GDT_UInt16 else 1)
        for y in range(0, size, 250):
            band.WriteArray(value(i, *np.mgrid[y : y + 250, 0:size]), 0, y)
    return path


def peak(arguments):
    """Exit status, words and the most memory, MiB, of one run. Not getrusage: it counts what this process holds, too."""
    with tempfile.TemporaryFile("w+") as words:
        process = subprocess.Popen([SALINA, "covariates", *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=words)
        used = 0
        while process.poll() is None:
            found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())
            if found and os.path.basename(os.readlink(f"/proc/{process.pid}/exe")) == "salina":
                used = int(found[1]) / 1024
            time.sleep(0.01)
        words.seek(0)
        return process.returncode, words.read(), used


@pytest.mark.parametrize("case", ["scene", "terrain", "series"])
def test_the_least_memory_is_named_and_kept(tmp_path, case):
    """Below 250 MiB a limit was overrun; now the refusal names the least, and a run with the least stays within it, to the same bits."""
    size = 1000
    given = {
        "scene": lambda: ["--scene", raster(tmp_path / "S2A_20200615.tif", BANDS, size, gdal.GDT_UInt16, lambda i, y, x: 900 + 100 * i + (7 * y + 3 * x) % 400),
                          "--indices", "all"],
        "terrain": lambda: ["--dem", raster(tmp_path / "dem.tif", ["DEM"], size, gdal.GDT_Float32, lambda i, y, x: 20 + 3 * np.sin(x / 41) * np.cos(y / 57)),
                            "--terrain", "all"],
        "series": lambda: sum((["--series", raster(tmp_path / f"NDVI_2019{day:03d}.tif", ["NDVI"], size, gdal.GDT_UInt16,
                                                   lambda i, y, x: 2000 + 6000 * np.exp(-((day - 190 - x / 100) / 50) ** 2))] for day in range(3, 360, 30)), [])}[case]()
    code, words, _ = peak([*given, "--max_memory", "1MiB", "--output", tmp_path / "no.tif"])
    assert code == 2 and not (tmp_path / "no.tif").exists()
    least = int(re.search(r"at least (\d+) MiB", words)[1])
    code, words, used = peak([*given, "--max_memory", f"{least}MiB", "--output", tmp_path / "least.tif"])
    assert code == 0 and used <= least, f"{words} {used:.0f} MiB of {least}"
    assert least < 350
    code, _, _ = peak([*given, "--max_memory", f"{least - 1}MiB", "--output", tmp_path / "no.tif"])
    assert code == 2
    peak([*given, "--output", tmp_path / "wide.tif"])
    one, two = (gdal.Open(str(tmp_path / f"{name}.tif")) for name in ("least", "wide"))
    for band in range(1, one.RasterCount + 1):
        assert np.array_equal(one.GetRasterBand(band).ReadAsArray(), two.GetRasterBand(band).ReadAsArray(), equal_nan=True)
    print(case, least, f"{used:.0f} MiB")
