"""Maps of `salina retrieve` against the PyTorch twin with the weights of the model file, for every system, at edges and inside.

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
    model, output = delta / f"{system}-{window}.safetensors", delta / "map.tif"
    salina("train", "--stacks", delta / "stack.tif", "--samples", delta / "samples.gpkg", "--target", "salinity", "--unit", "g/kg", "--system", system,
           "--window", window, "--loss", loss, "--seeds", members, "--epochs", 2, "--folds", 2, "--output", model)
    salina("retrieve", "--stack", delta / "stack.tif", "--model", model, "--output", output)
    stack = Stack(delta / "stack.tif")
    pixels = np.random.default_rng(1).integers(0, (stack.columns, stack.rows), (120, 2))
    pixels[:6] = [(0, 0), (stack.columns - 1, 0), (0, stack.rows - 1), (stack.columns - 1, stack.rows - 1), (255, 63), (256, 64)]
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
