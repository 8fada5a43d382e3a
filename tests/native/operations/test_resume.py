"""Killed with -9 and started again with the same parameters: baselines in Train model, Compare models, and a training with an area of applicability on the
embedding go on where they were and give the same bytes.

SALINA_BUILD is the build folder (default: build/release).
"""

import json
import subprocess
import time

import pytest

pytest.importorskip("numpy")
pytest.importorskip("osgeo.gdal")
from test_baselines_operation import line, run  # noqa: E402
from test_compare_operation import line as comparison  # noqa: E402
from test_train_operation import BUILD, SALINA, delta, files, kill_at, request, rows_of, salina, tensors  # noqa: F401, E402

pytestmark = pytest.mark.skipif(not SALINA.exists(), reason=f"no salina in {BUILD}")


def kill_after(words, seconds, folder):
    """Whether it was killed before its end, and what it left."""
    program = subprocess.Popen([SALINA, *map(str, words)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    time.sleep(seconds)
    alive = program.poll() is None
    program.kill()
    program.wait()
    return alive, files(folder)


def pair(tmp_path):
    whole, torn = tmp_path / "whole", tmp_path / "torn"
    whole.mkdir()
    torn.mkdir()
    return whole, torn


@pytest.mark.parametrize("system, seeds", [("random_forest", 4), ("gradient_boosting", 3)])
def test_a_killed_baseline_goes_on_to_the_same_bytes(delta, tmp_path, system, seeds):  # noqa: F811
    whole, torn = pair(tmp_path)
    done = run(*line(delta, whole, system, seeds=seeds))
    assert done.returncode == 0, done.stderr
    seen = set()

    def new_checkpoint(path):
        fresh = path.exists() and path.stat().st_mtime_ns not in seen
        if fresh:
            seen.add(path.stat().st_mtime_ns)
        return fresh

    changes = {"system": system, "seeds": seeds, "window": None, "epochs": None, "width": None}
    for _ in range(2):
        kill_at(delta, torn, new_checkpoint, **changes)
    assert not (torn / "model.safetensors").exists()
    done = salina(*line(delta, torn, system, seeds=seeds), "--json")
    assert done.returncode == 0, done.stderr
    assert f"of {4 * seeds} models are fitted" in done.stdout
    assert tensors(torn / "model.safetensors")[:2] == tensors(whole / "model.safetensors")[:2]
    assert rows_of(torn / "predictions.gpkg") == rows_of(whole / "predictions.gpkg")
    assert files(torn) == ["model.safetensors", "predictions.gpkg", "report.html"]


def test_a_baseline_whose_time_is_up_keeps_a_checkpoint(delta, tmp_path):  # noqa: F811
    done = run(*line(delta, tmp_path, "ridge", max_minutes=1e-6))
    assert done.returncode == 1 and "run the same training again to go on from checkpoint" in done.stderr
    assert files(tmp_path) == ["model.safetensors.checkpoint"]
    done = salina(*line(delta, tmp_path, "ridge"), "--json")
    assert done.returncode == 0 and "goes on from checkpoint" in done.stdout
    assert files(tmp_path) == ["model.safetensors", "predictions.gpkg", "report.html"]


def test_a_killed_comparison_goes_on_to_the_same_bytes(delta, tmp_path):  # noqa: F811
    whole, torn = pair(tmp_path)
    systems = ["ridge", "random_forest", "ss_stack", "ss_soilnet"]
    words = lambda folder: comparison(delta, folder, systems, epochs=12)  # noqa: E731
    begun = time.monotonic()
    assert run(*words(whole)).returncode == 0
    seconds, kills, kept = time.monotonic() - begun, 0, 0
    for share in (0.15, 0.3, 0.45):
        alive, left = kill_after(words(torn), share * seconds, torn)
        kills += alive
        kept += alive and any(name.endswith(".checkpoint") for name in left)
        assert "table.csv" not in left or not alive
    assert kills >= 1 and kept >= 1
    done = salina(*words(torn), "--json")
    assert done.returncode == 0, done.stderr
    if alive:
        assert "goes on from checkpoint" in done.stdout
    assert (torn / "table.csv").read_bytes() == (whole / "table.csv").read_bytes()
    assert [name for name in files(torn) if ".partial-" not in name] == ["report.html", "table.csv"]


def test_a_cancelled_comparison_forgets_what_an_earlier_one_kept(delta, tmp_path):  # noqa: F811
    import signal

    words = comparison(delta, tmp_path, ["ridge", "ss_stack"], epochs=1000, report=None)
    program = subprocess.Popen([SALINA, *map(str, words)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while not any(name.endswith(".checkpoint") for name in files(tmp_path)):
        assert program.poll() is None, program.communicate()[1]
        time.sleep(0.05)
    program.kill()
    program.communicate(timeout=60)
    program = subprocess.Popen([SALINA, *map(str, words)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    program.stderr.readline()  # at work, with a thousand epochs before it
    program.send_signal(signal.SIGINT)
    program.communicate(timeout=60)
    assert program.returncode == 3
    assert [name for name in files(tmp_path) if ".partial-" not in name] == []


# ---- area of applicability on the embedding ----

def test_a_killed_training_keeps_its_embedding(delta, tmp_path):  # noqa: F811
    whole, torn = pair(tmp_path)
    changes = {"applicability": "embedding", "seeds": 2, "epochs": 30, "folds": 2}
    done = salina(*request(delta, whole, **changes), "--json")
    assert done.returncode == 0, done.stderr
    aoa = json.loads(done.stdout)["applicability"]
    assert aoa["basis"] == "embedding" and 0 < aoa["threshold"] < 10 and len(aoa["importance"]) > 20
    assert "last hidden layers" in (whole / "report.html").read_text()
    # the second network of a fold is in hand when the first one's embedding is in the checkpoint
    stamps = set()

    def third(path):
        if path.exists():
            stamps.add(path.stat().st_mtime_ns)
        return len(stamps) >= 3

    kill_at(delta, torn, third, **changes)
    done = salina(*request(delta, torn, **changes), "--json")
    assert "goes on from checkpoint" in done.stdout
    assert tensors(torn / "model.safetensors")[:2] == tensors(whole / "model.safetensors")[:2]
    assert json.loads(done.stdout)["applicability"] == aoa


def test_the_networks_are_the_same_whatever_they_are_applicable_by(delta, tmp_path):  # noqa: F811
    found = {}
    for basis in ("covariates", "embedding", "none"):
        folder = tmp_path / basis
        folder.mkdir()
        done = salina(*request(delta, folder, applicability=basis, folds=2, predictions=None), "--json")
        assert done.returncode == 0, done.stderr
        header, content, meta = tensors(folder / "model.safetensors")
        found[basis] = {name: content[slice(*at["data_offsets"])] for name, at in header.items() if name.startswith("member")}
        meta = json.loads(meta["salina"])
        assert meta["format"] == (2 if basis == "embedding" else 1) and ("applicability" in meta) == (basis != "none")
        assert json.loads(done.stdout)["applicability"]["basis"] == basis
        page = (folder / "report.html").read_text()
        assert ("trained without an area of applicability" in page) == (basis == "none") and ("Its threshold is" in page) == (basis != "none")
    assert found["covariates"] == found["embedding"] == found["none"]


def test_a_baseline_has_no_embedding(delta, tmp_path):  # noqa: F811
    done = run(*line(delta, tmp_path, "ridge", applicability="embedding"))
    assert done.returncode == 2 and "needs a network, and ridge has no hidden layer; take applicability covariates" in done.stderr
    assert files(tmp_path) == []
