"""A desktop session under Xvfb: the plugin is enabled, the toolbox and every dialog open, a styled map is shown.

The pictures stay in SALINA_SCREENSHOTS (default: build/screenshots), to be looked at.
"""

import json
import os
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import REPO, profile

PICTURES = ("toolbox", "dialog_covariates", "dialog_train", "dialog_retrieve", "dialog_compare", "dialog_demo", "batch_retrieve")


@contextmanager
def display():
    """A virtual screen; gives its name. Xvfb alone: xvfb-run would need xauth too."""
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "1400x900x24", "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    try:
        with os.fdopen(read) as pipe:
            yield ":" + pipe.readline().strip()
    finally:
        server.terminate()
        server.wait(20)


def session(folder, screenshots, **more):
    for name in ("Xvfb", "qgis"):
        if not shutil.which(name):
            pytest.skip(f"{name} is not installed")
    screenshots.mkdir(parents=True, exist_ok=True)
    for old in [*screenshots.glob("*.png"), screenshots / "done", screenshots / "error.txt"]:
        old.unlink(missing_ok=True)
    environment = {**profile(folder), "QT_QPA_PLATFORM": "xcb", "SALINA_SCREENSHOTS": str(screenshots), **more}
    environment.pop("QGIS_CUSTOM_CONFIG_PATH")
    command = ["qgis", "--noversioncheck", "--nologo", "--profiles-path", folder, "--code", REPO / "tests/qgis/desktop_session.py"]
    with display() as name:
        done = subprocess.run(command, env={**environment, "DISPLAY": name}, capture_output=True, text=True, timeout=400)
    error, ended = screenshots / "error.txt", screenshots / "done"
    assert not error.exists(), error.read_text()
    assert ended.exists(), done.stderr[-2000:]
    return json.loads(ended.read_text())


def test_desktop_shows_toolbox_and_dialogs_and_runs_them(real_library, delta, tmp_path):
    from salina import native

    stacks = delta.stacks()
    month = stacks[0][-11:-4]
    covariates = {
        "SCENE": [str(next(delta.folder.glob(f"scene_{month}*.tif")))], "DEM": str(delta.folder / "dem.tif"),
    }  # fmt: skip
    runs = [["stack", "salina:covariates", covariates]]
    if "retrieve" in native.operations():
        runs.append(["salinity", "salina:retrieve", {"STACK": stacks[0], "MODEL": delta.model()}])
    screenshots = Path(os.environ.get("SALINA_SCREENSHOTS", REPO / "build" / "screenshots"))
    layers = session(tmp_path, screenshots, SALINA_RUNS=json.dumps(runs), SALINA_SAMPLES=delta.samples)
    assert all((screenshots / f"{name}.png").stat().st_size > 5000 for name in PICTURES)
    if "retrieve" not in native.operations():
        assert len(layers) == 2, layers
        return
    samples, salinity, below = layers  # the layer of the area of applicability lies under the map it belongs to
    assert salinity[1] == below[1] == "singlebandpseudocolor" and below[0] == f"Dissimilarity index (no unit): {salinity[0]}"


def test_desktop_without_the_library_still_shows_the_toolbox(tmp_path):
    session(tmp_path, tmp_path / "pictures", SALINA_LIBRARY="/nowhere/libsalina.so")
    assert (tmp_path / "pictures" / "toolbox.png").stat().st_size > 5000
