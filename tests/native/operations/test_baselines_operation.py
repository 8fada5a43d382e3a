"""Baselines through the `salina` program: train and retrieve with each, the same files as networks, maps that are the model, bad input.

SALINA_BUILD is the build folder (default: build/release).
"""

import json
import os
import signal
import subprocess
import time

import pytest

np = pytest.importorskip("numpy")
gdal = pytest.importorskip("osgeo.gdal")
ogr = pytest.importorskip("osgeo.ogr")
from test_train_operation import BUILD, CAMPAIGNS, SALINA, delta, files, first_stack, request, salina, tensors  # noqa: F401, E402

BASELINES = ("random_forest", "gradient_boosting", "svr", "plsr", "ridge")
pytestmark = pytest.mark.skipif(not SALINA.exists(), reason=f"no salina in {BUILD}")


def line(delta, folder, system, **changes):
    return request(delta, folder, system=system, window=None, epochs=None, width=None, **changes)


def run(*arguments, **more):
    done = salina(*arguments, **more)
    if "this build of Salina is without" in done.stderr:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    return done


@pytest.fixture(scope="module", params=BASELINES)
def trained(request, delta, tmp_path_factory):  # noqa: F811
    folder = tmp_path_factory.mktemp(request.param)
    done = run(*line(delta, folder, request.param), "--json")
    assert done.returncode == 0, done.stderr
    return request.param, folder, json.loads(done.stdout), done.stderr


def mapped(delta, model, output, *more, **environment):  # noqa: F811
    done = salina("retrieve", "--stack", first_stack(delta), "--model", model, "--output", output, "--json", *more, **environment)
    assert done.returncode == 0, done.stderr
    return gdal.Open(str(output)), json.loads(done.stdout)


def test_writes_what_a_network_writes(trained):
    system, folder, result, log = trained
    assert files(folder) == ["model.safetensors", "predictions.gpkg", "report.html"]
    assert result["samples"] == 120 and result["r2"] > 0.2 and 0.85 <= result["coverage_90"] <= 0.97
    meta = json.loads(tensors(folder / "model.safetensors")[2]["salina"])
    assert meta["system"] == system and meta["window"] == 1
    assert {c["role"] for c in meta["covariates"]} == {"spectral", "index", "window"}
    assert log.count("inner RMSE") == 4  # three folds and the final model
    report = (folder / "report.html").read_text()
    assert "Training loss" not in report and "tuned anew inside every fold" in report


def test_intervals_hold_in_the_predictions_layer(trained):
    _, folder, result, _ = trained
    layer = ogr.Open(str(folder / "predictions.gpkg"))
    observed, predicted, lower, upper = map(np.array, zip(*[(f["observed"], f["predicted"], f["lower"], f["upper"]) for f in layer.GetLayer(0)]))
    assert result["coverage_90"] == pytest.approx(np.mean((lower <= observed) & (observed <= upper)))
    assert (lower <= predicted).all() and (predicted <= upper).all() and (lower >= 0).all()


def test_maps_with_the_same_bits_for_any_reading_block_and_memory(trained, delta, tmp_path):  # noqa: F811
    _, folder, _, _ = trained
    one, result = mapped(delta, folder / "model.safetensors", tmp_path / "one.tif")
    other, _ = mapped(delta, folder / "model.safetensors", tmp_path / "other.tif", "--block_size", 64, "--max_memory", "500MB")
    first, second = one.ReadAsArray(), other.ReadAsArray()
    assert np.array_equal(first, second, equal_nan=True)
    salinity, lower, upper, *_ = first
    valid = np.isfinite(salinity)
    assert valid.sum() == result["valid_pixels"] > 0.5 * valid.size
    assert (lower[valid] <= salinity[valid]).all() and (salinity[valid] <= upper[valid]).all() and salinity[valid].std() > 0.1


def array(path, name, dtype):
    header, body, _ = tensors(path)
    begin, end = header[name]["data_offsets"]
    return np.frombuffer(body[begin:end], dtype).reshape(header[name]["shape"])


def test_the_map_of_ridge_is_its_line_over_the_bands_of_the_stack(delta, tmp_path):  # noqa: F811
    done = run(*line(delta, tmp_path, "ridge", transform="none"), "--json")
    assert done.returncode == 0, done.stderr
    path = tmp_path / "model.safetensors"
    meta = json.loads(tensors(path)[2]["salina"])
    written = tmp_path / "all.tif"
    scene = next(delta.glob(f"scene_{CAMPAIGNS[0]}*.tif"))
    done = salina("covariates", "--scene", scene, "--dem", delta / "dem.tif", "--extra", delta / f"phenology_{CAMPAIGNS[0]}.tif", "--indices", "all", "--output", written)
    assert done.returncode == 0, done.stderr
    source = gdal.Open(str(written))
    bands = {source.GetRasterBand(k + 1).GetDescription(): source.GetRasterBand(k + 1) for k in range(source.RasterCount)}

    def physical(band):
        values = band.ReadAsArray().astype("f8")
        if band.GetNoDataValue() is not None:
            values[values == band.GetNoDataValue()] = np.nan
        return values * (band.GetScale() or 1) + (band.GetOffset() or 0)

    x = np.stack([physical(bands[c["id"]]) for c in meta["covariates"]])
    mean, scale, weight = (array(path, f"member0/{name}", "<f4").astype("f8")[:, None, None] for name in ("mean", "scale", "weight"))
    z = np.clip(np.nan_to_num((x - mean) * scale, nan=0), -6, 6)
    expected = np.maximum((z * weight).sum(0) + array(path, "member0/numbers", "<f8")[0], 0)
    got = mapped(delta, path, tmp_path / "map.tif")[0].ReadAsArray()[0]
    valid = np.isfinite(got)
    assert valid.sum() > 0.5 * valid.size
    assert np.abs(got - expected)[valid].max() < 5e-3 * max(1, np.abs(expected[valid]).max())


def test_missing_environment_is_flagged_and_mapped(trained, delta, tmp_path):  # noqa: F811
    _, folder, _, _ = trained
    copy = tmp_path / "gap.tif"
    gdal.GetDriverByName("GTiff").CreateCopy(str(copy), gdal.Open(str(first_stack(delta))))
    target = gdal.Open(str(copy), gdal.GA_Update)
    band = next(target.GetRasterBand(k + 1) for k in range(target.RasterCount) if target.GetRasterBand(k + 1).GetDescription() == "DEM")
    values = band.ReadAsArray()
    values[20:30, 40:60] = band.GetNoDataValue()
    band.WriteArray(values)
    target = band = None
    done = salina("retrieve", "--stack", copy, "--model", folder / "model.safetensors", "--output", tmp_path / "map.tif")
    assert done.returncode == 0, done.stderr
    salinity, *_, quality = gdal.Open(str(tmp_path / "map.tif")).ReadAsArray()
    gap = np.zeros(salinity.shape, bool)
    gap[20:30, 40:60] = True
    valid = np.isfinite(salinity)
    assert valid[gap].any() and (quality[gap & valid].astype(int) & 2 == 2).all()


def test_a_changed_model_is_refused(trained, delta, tmp_path):  # noqa: F811
    _, folder, _, _ = trained
    content = bytearray((folder / "model.safetensors").read_bytes())
    content[-40] ^= 1
    (tmp_path / "changed.safetensors").write_bytes(content)
    done = salina("retrieve", "--stack", first_stack(delta), "--model", tmp_path / "changed.safetensors", "--output", tmp_path / "map.tif")
    assert done.returncode == 1 and "changed.safetensors" in done.stderr
    assert files(tmp_path) == ["changed.safetensors"]


def test_the_same_model_with_blocks_and_another_run(delta, tmp_path):  # noqa: F811
    """Twice the same bytes of the arrays; blocks tune in blocks."""
    found = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        done = run(*line(delta, tmp_path / name, "plsr", validation="blocks", folds=2, report=None, predictions=None), "--json")
        assert done.returncode == 0, done.stderr
        found.append(tensors(tmp_path / name / "model.safetensors")[1])
    assert found[0] == found[1]


def test_an_ensemble_of_forests_and_no_ensemble_of_lines(delta, tmp_path):  # noqa: F811
    done = run(*line(delta, tmp_path, "gradient_boosting", seeds=2, report=None, predictions=None), "--json")
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["by_seed"]["r2"]) == 2
    assert any(name.startswith("member1/") for name in tensors(tmp_path / "model.safetensors")[0])
    done = run(*line(delta, tmp_path, "ridge", seeds=2, report=None, predictions=None), "--json")
    assert done.returncode == 0 and "no random part" in done.stderr and "by_seed" not in json.loads(done.stdout)


def test_what_only_networks_have_is_named(delta, tmp_path):  # noqa: F811
    done = run(*request(delta, tmp_path, system="ridge", window=None, width=None, report=None, predictions=None))
    assert done.returncode == 0 and "epochs: for networks; ridge tunes its own settings and does not use it" in done.stderr


def test_an_interrupted_training_leaves_nothing(delta, tmp_path):  # noqa: F811
    process = subprocess.Popen([SALINA, *map(str, line(delta, tmp_path, "random_forest", seeds=20))], stderr=subprocess.PIPE, text=True)
    time.sleep(1.2)
    process.send_signal(signal.SIGINT)
    begun = time.time()
    _, log = process.communicate(timeout=30)
    if "this build of Salina is without" in log:
        pytest.skip("without XGBoost")
    assert process.returncode == 3, log
    assert time.time() - begun < 2
    assert os.listdir(tmp_path) == []
