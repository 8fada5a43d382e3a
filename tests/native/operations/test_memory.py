"""Memory of Build covariate stack: GDAL's own cache of scene and stack counts into max_memory."""

import resource

import numpy as np
import pytest

gdal = pytest.importorskip("osgeo.gdal")
from products import BANDS, covariates, needs_program

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
