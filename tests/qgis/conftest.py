"""A headless QGIS with a private profile, and the plugin package as it is installed.

SALINA_PLUGIN names the folder that holds the staged package `salina` (default: build/release/plugin). Without one, the package is staged
here from the sources and SALINA_LIBRARY or the system must have libsalina; tests that need the real library skip without it.
"""

import gc
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

REPO = Path(__file__).parents[2]
WORK = Path(tempfile.mkdtemp(prefix="salina_qgis_"))
(WORK / "run").mkdir(mode=0o700)
os.environ.update(
    QT_QPA_PLATFORM="offscreen",
    XDG_RUNTIME_DIR=str(WORK / "run"),
    QGIS_CUSTOM_CONFIG_PATH=str(WORK / "profile"),
    PYTHONDONTWRITEBYTECODE="1",
)
sys.dont_write_bytecode = True

METADATA = "[general]\nname=Salina\ndescription=Soil salinity from satellite imagery\nversion=0.1.0\nqgisMinimumVersion=3.22\nhasProcessingProvider=yes\nhomepage=https://salina.example\n"


def stage(folder):
    """The package as CMake's target `plugin` lays it out, without the library."""
    package = folder / "salina"
    shutil.copytree(REPO / "plugin", package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(REPO / "algorithms", package / "algorithms", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(REPO / "icons", package / "icons")
    if (REPO / "metadata.txt").exists():
        shutil.copy(REPO / "metadata.txt", package)
    else:
        (package / "metadata.txt").write_text(METADATA)
    return folder


def plugin_folder():
    staged = Path(os.environ.get("SALINA_PLUGIN", REPO / "build" / "release" / "plugin"))
    return staged if (staged / "salina" / "__init__.py").exists() else stage(WORK / "plugins")


PLUGINS = plugin_folder()
sys.path[:0] = [str(PLUGINS), "/usr/share/qgis/python/plugins"]


def pytest_sessionfinish():
    shutil.rmtree(WORK, ignore_errors=True)


@pytest.fixture(scope="session")
def app():
    from qgis.core import QgsApplication

    application = QgsApplication([], True)
    application.initQgis()
    yield application
    gc.collect()  # layers in reference cycles must go before the providers they came from
    application.exitQgis()


@pytest.fixture(scope="session")
def fake(tmp_path_factory):
    """Builds the stand-in library: fake(version) is its path."""
    folder = tmp_path_factory.mktemp("fake")

    def build(version="0.1.0"):
        path = folder / f"libfake_{version}.so"
        if not path.exists():
            source = REPO / "tests" / "qgis" / "fake"
            subprocess.run(
                ["cc", "-shared", "-fPIC", f'-DFAKE_VERSION="{version}"', f'-DFAKE_OPERATIONS="{source}/operations.json"',
                 "-I", REPO / "native" / "include", "-o", path, source / "fake_salina.c"],
                check=True,
            )  # fmt: skip
        return path

    return build


def forget():
    from salina import native
    from salina.native import loader

    loader.forget()
    native._operations.cache_clear()


@pytest.fixture
def fake_library(app, fake, monkeypatch):
    """The binding talks to the stand-in for one test."""
    monkeypatch.setenv("SALINA_LIBRARY", str(fake()))
    forget()
    yield
    forget()


@pytest.fixture
def no_library(app, monkeypatch):
    monkeypatch.setenv("SALINA_LIBRARY", "/nowhere/libsalina.so")
    forget()
    yield
    forget()


@pytest.fixture
def real_library(app):
    """Skips where libsalina is not built."""
    from salina import native

    forget()
    try:
        return native.library()
    except native.LibraryMissing as missing:
        pytest.skip(str(missing))


def profile(folder):
    """A private QGIS profile in which only Processing and Salina are enabled; returns the environment that uses it."""
    settings = folder / "profiles" / "default" / "QGIS"
    settings.mkdir(parents=True, exist_ok=True)
    (settings / "QGIS3.ini").write_text(
        "[PythonPlugins]\nsalina=true\nprocessing=true\n[qgis]\ncheckVersion=false\nshowTips=false\n[locale]\noverrideFlag=true\nuserLocale=en_US\n"
    )
    return {**os.environ, "QGIS_CUSTOM_CONFIG_PATH": str(folder), "QGIS_PLUGINPATH": str(PLUGINS), "HOME": str(folder)}


@pytest.fixture(scope="session")
def qgis_process(tmp_path_factory):
    """qgis_process(*words, **environment) runs the program and returns the finished process."""
    environment = profile(tmp_path_factory.mktemp("profile"))

    def call(*words, **more):
        command = ["qgis_process.bin" if shutil.which("qgis_process.bin") else "qgis_process", *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, env={**environment, **more}, timeout=900)

    return call


@pytest.fixture(scope="session")
def delta(app, tmp_path_factory):
    """A small demo delta made by the real library: the result of operation demo, and its folder."""
    from salina import native

    forget()
    try:
        native.library()
    except native.LibraryMissing as missing:
        pytest.skip(str(missing))
    folder = tmp_path_factory.mktemp("delta")
    native.run("demo", {"output": str(folder), "size": 256, "campaigns": 1, "seed": 1})
    return folder
