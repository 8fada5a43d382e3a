"""Scenes of several days in one call: a stack for each, none where the ground is hidden, and every day told."""

import json
import subprocess

import numpy as np
import pytest

pytest.importorskip("osgeo.gdal")
from products import SALINA, SHARED, covariates, needs_jpeg2000, needs_program, read, refused, run, safe, scl, write

pytestmark = needs_program


def day(folder, date, value=0.2):
    return write(folder / f"S2A_{date}.tif", np.full((2, 30, 30), value, "float32"), nodata=np.nan, names=["B04", "B08"])


def test_a_folder_takes_a_stack_for_each_day(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    days = [day(tmp_path, date, value) for date, value in (("2021-06-05", 0.3), ("2019-07-02", 0.1), ("20200615", 0.2))]
    dem = write(tmp_path / "dem.tif", np.full((40, 40), 7, "float32"), x0=599950, y0=5700050, nodata=-1)
    result = covariates(out, scene=days, dem=dem)
    assert sorted(p.name for p in out.iterdir()) == [f"stack_{d}.tif" for d in ("2019-07-02", "2020-06-15", "2021-06-05")]
    assert [(s["date"], s["campaign"]) for s in result["stacks"]] == [(d, d) for d in ("2019-07-02", "2020-06-15", "2021-06-05")]
    for date, value in (("2019-07-02", 0.1), ("2020-06-15", 0.2), ("2021-06-05", 0.3)):
        bands, data = read(out / f"stack_{date}.tif")
        assert np.allclose(bands["B04"], value, atol=1e-5) and np.allclose(bands["DEM"], 7)
        assert data.GetMetadataItem("DATE", "SALINA") == date
    covariates(out, scene=days[:2], campaign="delta")
    assert read(out / "stack_2019-07-02.tif")[1].GetMetadataItem("CAMPAIGN", "SALINA") == "delta_2019-07-02"


def test_days_that_do_not_fit_are_refused(tmp_path):
    first, second = day(tmp_path, "2019-07-02"), day(tmp_path, "2020-06-15")
    refused(tmp_path / "no.tif", "different days", "2019-07-02", "2020-06-15", "folder", scene=[first, second])
    covariates(tmp_path / "told.tif", scene=[write(tmp_path / "a_20190702_B04.tif", np.full((9, 9), 0.2, "float32"), nodata=np.nan),
                                            write(tmp_path / "a_20190703_B08.tif", np.full((9, 9), 0.2, "float32"), nodata=np.nan)], date="2019-07-02")
    out = tmp_path / "out"
    out.mkdir()
    nameless = day(tmp_path, "someday")
    for scenes, word in (([first, nameless, second], "does not tell its day"), ([nameless], "no scene tells its day")):
        done = run(out, scene=scenes)
        assert done.returncode != 0 and word in done.stderr and not list(out.iterdir()), done.stderr
    bad = day(tmp_path, "2021-01-01")
    write(tmp_path / "S2A_2021-01-01.tif", np.full((2, 30, 30), 2000, "uint16"), names=["B04", "B08"])
    done = run(out, scene=[first, second, bad])
    assert done.returncode != 0 and "S2A_2021-01-01.tif" in done.stderr and not list(out.iterdir())  # nothing written before all are checked


@needs_jpeg2000
def test_a_hidden_day_is_left_out_and_said(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    clear, hidden = safe(tmp_path, date="2020-06-15"), safe(tmp_path, date="2020-06-20", classes=lambda size: scl(size, 9))
    result = covariates(out, product=[hidden, clear])
    assert [p.name for p in out.iterdir()] == ["stack_2020-06-15.tif"] and len(result["stacks"]) == 1
    assert "no stack for 2020-06-20" in str(result["log"])
    (out / "stack_2020-06-15.tif").unlink()
    done = run(out, product=[hidden, safe(tmp_path, date="2020-07-01", classes=lambda size: scl(size, 3))])
    assert done.returncode != 0 and "none of the scenes shows clear ground" in done.stderr and not list(out.iterdir())


@pytest.mark.skipif(not SHARED.exists(), reason=f"no {SHARED}")
def test_a_real_series_with_its_own_masks(tmp_path):
    tif = SHARED / "s2_l2a_timeseries_belgium" / "tif"
    days = sorted(tif.glob("S2_L2A_*.tif"))[:6]
    masks = [tif / f"SCL_{path.stem[-10:]}.tif" for path in days]
    out = tmp_path / "out"
    out.mkdir()
    result = covariates(out, scene=[*days, *masks], sensor="Sentinel-2", scale=1e-4, offset=0, mask_buffer=2)
    assert len(result["stacks"]) == 6 and all(0 <= s["cloud_share"] < 1 for s in result["stacks"])
    for path in days:
        red = read(out / f"stack_{path.stem[-10:]}.tif")[0]["B04"]
        assert 0 <= np.nanmin(red) and np.nanmax(red) < 1


def test_output_folder_is_made_and_takes_a_stack_for_each_day(tmp_path):
    days = [day(tmp_path, "2019-07-02", 0.1), day(tmp_path, "2020-06-15", 0.2)]
    def call(*words):
        command = [str(SALINA), "covariates", "--json", *sum((["--scene", str(d)] for d in days), []), *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, timeout=100)

    done = call("--output_folder", tmp_path / "new")
    assert done.returncode == 0, done.stderr
    assert [s["output"] for s in json.loads(done.stdout)["stacks"]] == [str(tmp_path / "new" / f"stack_{d}.tif") for d in ("2019-07-02", "2020-06-15")]
    for words, sentence in (((), "output is missing"), (("--output_folder", tmp_path / "no", "--output", tmp_path / "no.tif"), "both output and output_folder"),
                            (("--output_folder", tmp_path / "no", "--date", "2020-06-15"), "date makes one stack of all scenes"),
                            (("--output_folder", tmp_path / "no", "--indices", "SUNSHINE"), "SUNSHINE"),
                            (("--output_folder", tmp_path / "missing" / "no"), "missing")):
        done = call(*words)
        assert done.returncode in (1, 2) and sentence in done.stderr, done.stderr
        assert not list(tmp_path.glob("no*")) and not (tmp_path / "missing").exists()
