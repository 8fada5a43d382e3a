"""Scenes of many narrow bands: a role is the mean of the bands within the response of Sentinel-2, without those marked as bad."""

import csv

import numpy as np
import pytest

gdal = pytest.importorskip("osgeo.gdal")
from products import SHARED, covariates, needs_program, read

pytestmark = needs_program

RESPONSE = {"B": (492, 64), "G": (560, 34), "R": (664.5, 29), "RE1": (704.5, 13), "RE2": (740.5, 13), "RE3": (783, 18), "NIR": (833, 104),
            "NIR2": (864.5, 19), "SWIR1": (1613.5, 89), "SWIR2": (2200, 173)}


def cube(path, nm, values, marks=None):
    data = gdal.GetDriverByName("ENVI").Create(str(path), values.shape[2], values.shape[1], len(nm), gdal.GDT_Float32)
    data.SetProjection("EPSG:32633")
    data.SetGeoTransform((366975, 30, 0, 5808045, 0, -30))
    for i in range(len(nm)):
        data.GetRasterBand(i + 1).WriteArray(values[i])
    data = None
    with open(path.with_suffix(".hdr"), "a") as header:
        header.write("wavelength units = Nanometers\nwavelength = {" + ", ".join(f"{x:.2f}" for x in nm) + "}\ndata ignore value = nan\n")
        if marks is not None:
            header.write("bbl = {" + ", ".join(str(int(mark)) for mark in marks) + "}\n")
    return path


@pytest.fixture()
def spectra():
    nm = np.r_[np.arange(420, 1000, 6.5), np.arange(1010, 2440, 9.5)]
    values = (0.2 + 0.1 * np.sin(nm / 90)[:, None, None] * np.random.default_rng(3).uniform(0.5, 1, (1, 40, 50))).astype("float32")
    return nm, values


def expected(nm, values, keep):
    spacing = np.gradient(nm[keep])  # half the way to both neighbours
    spacing[0], spacing[-1] = nm[keep][1] - nm[keep][0], nm[keep][-1] - nm[keep][-2]
    spacing[1:-1] = (nm[keep][2:] - nm[keep][:-2]) / 2
    out = {}
    for role, (middle, width) in RESPONSE.items():
        inside = np.abs(nm[keep] - middle) <= width / 2
        there = np.isfinite(values[keep][inside])
        weight = spacing[inside][:, None, None] * there
        mean = np.nansum(weight * np.where(there, values[keep][inside], 0), axis=0) / np.maximum(weight.sum(axis=0), 1e-9)
        out[role] = np.where(weight.sum(axis=0) >= 0.5 * spacing[inside].sum(), mean, np.nan)
    return out


def test_a_role_is_the_mean_over_its_response_without_bad_bands(tmp_path, spectra):
    nm, values = spectra
    marks = np.ones(len(nm), bool)
    marks[[10, 11, 60, 150]] = False
    values[~marks] = 0.9  # what a bad band holds is not looked at
    blue = np.flatnonzero(np.abs(nm - 492) <= 32)
    values[blue[:2], 5, 5] = np.nan  # two of nine bands missing: the mean of the others; most missing: no value
    values[blue[:8], 6, 6] = np.nan
    values[:, 7, 7] = np.nan
    result = covariates(tmp_path / "a.tif", scene=cube(tmp_path / "cube_20220724.bsq", nm, values, marks), indices="NDVI")
    found = read(tmp_path / "a.tif")[0]
    for role, mean in expected(nm, values, marks).items():
        assert np.array_equal(np.isnan(found[role]), np.isnan(mean)) and np.nanmax(np.abs(found[role] - mean)) < 8e-6, role
    assert np.isnan(found["B"][6, 6]) and np.isfinite(found["B"][5, 5]) and np.isnan(found["NDVI"][7, 7])
    assert any("NIR is the mean of 1" in line for line in map(str, result["log"])), result["log"]


def test_the_nearest_band_on_demand_and_the_same_on_another_grid(tmp_path, spectra):
    nm, values = spectra
    scene = cube(tmp_path / "cube_20220724.bsq", nm, values)
    covariates(tmp_path / "a.tif", scene=scene, narrow_bands="nearest")
    found = read(tmp_path / "a.tif")[0]
    assert np.abs(found["R"] - values[np.argmin(np.abs(nm - 664.5))]).max() < 5.1e-5
    covariates(tmp_path / "b.tif", scene=scene)
    grid = tmp_path / "grid.tif"
    gdal.Warp(str(grid), str(tmp_path / "b.tif"), xRes=30, yRes=30, outputBounds=(366960, 5807000, 368000, 5808060)).FlushCache()
    covariates(tmp_path / "c.tif", scene=scene, reference_grid=grid)
    warped = gdal.Warp("", str(tmp_path / "b.tif"), format="MEM", xRes=30, yRes=30, outputBounds=(366960, 5807000, 368000, 5808060), resampleAlg="bilinear")
    there = read(tmp_path / "c.tif")[0]
    for i, role in enumerate(there):
        theirs = warped.GetRasterBand(i + 1).ReadAsArray().astype(float) * 1e-4
        inside = (theirs > 0) & np.isfinite(there[role])
        inside[:2] = inside[:, :2] = False
        assert inside.sum() > 900 and np.abs(theirs - there[role])[inside].max() < 1.1e-4  # a mean of warped is a warped mean


def test_few_bands_with_wavelengths_are_not_averaged(tmp_path):
    nm = np.array([443, 492, 560, 665, 704, 740, 783, 833, 865, 945, 1614, 2202.0])
    values = np.linspace(0.05, 0.5, 12)[:, None, None] * np.ones((1, 20, 20))
    covariates(tmp_path / "a.tif", scene=cube(tmp_path / "scene_20220724.bsq", nm, values.astype("float32")))
    found = read(tmp_path / "a.tif")[0]
    assert abs(found["NIR"][3, 3] - values[7, 0, 0]) < 5.1e-5 and abs(found["SWIR2"][3, 3] - 0.5) < 5.1e-5


@pytest.mark.skipif(not (SHARED / "enmap_potsdam").exists(), reason=f"no {SHARED}/enmap_potsdam")
def test_enmap_is_as_sentinel_2_would_see_it(tmp_path):
    """Against the measured responses of Sentinel-2A, numpy at 1 nm; the nearest band was .0005 to .010 off."""
    path = SHARED / "enmap_potsdam" / "enmap_potsdam_sub.bsq"
    covariates(tmp_path / "a.tif", scene=path, scale="0.0001", date="2022-07-24")
    found = read(tmp_path / "a.tif")[0]
    data = gdal.Open(str(path))
    cube_ = data.ReadAsArray().astype(float)
    cube_[cube_ == -32768] = np.nan
    nm = np.array([float(data.GetRasterBand(b + 1).GetMetadataItem("wavelength")) for b in range(data.RasterCount)])
    good = np.isfinite(cube_).any(axis=(1, 2))
    assert (~good).sum() == 6
    order = np.argsort(nm[good])
    nm, cube_ = nm[good][order], cube_[good][order] * 1e-4
    rows = list(csv.reader(open(SHARED / "srf" / "Sentinel_2_Multi-Spectral_Instrument.csv")))
    grid, table = np.array([float(r[0]) for r in rows[1:]]), np.array([[float(x) for x in r[1:]] for r in rows[1:]])
    for role, column in zip(("B", "G", "R", "RE1", "RE2", "RE3", "NIR", "NIR2", "SWIR1", "SWIR2"), (1, 2, 3, 4, 5, 6, 7, 8, 11, 12)):
        weight = np.interp(nm, grid, table[:, column]) * np.gradient(nm)
        theirs = np.tensordot(weight / weight.sum(), np.nan_to_num(cube_), 1)
        inside = np.isfinite(found[role])
        assert inside.sum() == 64 * 128 and np.sqrt(np.mean((found[role] - theirs) ** 2)) < (0.003 if role == "RE2" else 0.0006), role
