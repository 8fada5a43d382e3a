"""Maps of `salina retrieve` against the PyTorch twin with the weights of the model file, for every system, inside and where windows are reflected at the edge.

SALINA_BUILD is the build folder (default: build/release).
"""
import os
import subprocess
from pathlib import Path

import pytest

np = pytest.importorskip("numpy")
torch = pytest.importorskip("torch")

from ss_soilnet_stack import Stack, inputs
from ss_soilnet_torch import from_model

REPO = Path(__file__).parents[2]
BUILD = Path(os.environ.get("SALINA_BUILD", REPO / "build" / "release"))
SALINA = BUILD / "bin" / "salina"
CASES = [("ss_soilnet", 17, "quantile", 2), ("ss_soilnet", 33, "huber", 1), ("ss_stack", 17, "quantile", 1), ("spec_index", 17, "quantile", 1), ("index", 17, "huber", 1)]

pytestmark = pytest.mark.skipif(not SALINA.exists(), reason=f"no salina in {BUILD}")


def salina(*arguments):
    done = subprocess.run([SALINA, *map(str, arguments)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def delta(tmp_path_factory):
    folder = tmp_path_factory.mktemp("map") / "delta"
    salina("demo", "--output", folder, "--size", 270, "--campaigns", 1, "--samples", 80)
    salina("covariates", "--scene", next(folder.glob("scene_*.tif")), "--dem", folder / "dem.tif", "--extra", next(folder.glob("phenology_*.tif")),
           "--indices", "all", "--output", folder / "stack.tif")
    return folder


@pytest.mark.parametrize("system, window, loss, members", CASES)
def test_the_map_is_what_pytorch_computes_from_the_same_weights(delta, system, window, loss, members):
    model = delta / f"{system}-{window}.safetensors"
    salina("train", "--stacks", delta / "stack.tif", "--samples", delta / "samples.gpkg", "--target", "salinity", "--unit", "g/kg", "--system", system,
           "--window", window, "--loss", loss, "--seeds", members, "--epochs", 2, "--folds", 2, "--output", model)
    compare(delta / "stack.tif", model, members)
    if system == "ss_soilnet":  # a raster smaller than the window, which sees it reflected again and again
        crop = delta / "crop.tif"
        subprocess.run(["gdal_translate", "-q", "-srcwin", "30", "40", "11", "7", delta / "stack.tif", crop], check=True)
        compare(crop, model, members)


def compare(path, model, members):
    """The map of a stack against the networks at all corners, where tiles meet, along the four edges and inside."""
    output = path.with_name("map.tif")
    salina("retrieve", "--stack", path, "--model", model, "--output", output)
    stack = Stack(path)
    right, bottom = stack.columns - 1, stack.rows - 1
    pixels = np.random.default_rng(1).integers(0, (stack.columns, stack.rows), (120, 2))
    pixels[:6] = [(0, 0), (right, 0), (0, bottom), (right, bottom), (min(255, right), min(63, bottom)), (min(256, right), min(64, bottom))]
    pixels[6:10, 0], pixels[10:14, 0], pixels[14:18, 1], pixels[18:22, 1] = 0, right, 0, bottom
    columns, rows = pixels.T
    expected = 0
    for member in range(members):
        network, about = from_model(model, member)
        hyper = about["hyper"]
        with torch.inference_mode():
            y = network(**inputs(stack, about, columns, rows)).numpy().astype(float)
        expected = expected + (y[:, y.shape[1] // 2] * hyper["target_sd"] + hyper["target_mean"]) / members
    got = Stack(output).bands["salinity"][rows, columns].astype(float)
    assert np.isfinite(got).all() and expected.std() > 1e-3
    assert np.abs(np.log1p(got) - np.maximum(expected, 0)).max() < 1e-5
