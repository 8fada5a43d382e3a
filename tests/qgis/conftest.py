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

METADATA = "[general]\nname=Salina\ndescription=Soil salinity from satellite imagery\nversion=0.1.0\nqgisMinimumVersion=3.22\nhasProcessingProvider=yes\n"


def stage(folder):
    """The package as CMake's target `plugin` lays it out, without the library."""
    package = folder / "salina"
    shutil.copytree(REPO / "plugin", package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(REPO / "algorithms", package / "algorithms", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(REPO / "icons", package / "icons")
    if (REPO / "metadata.txt").exists():
        shutil.copy(REPO / "metadata.txt", package)
        shutil.copy(REPO / "README.md", package)
    else:
        (package / "metadata.txt").write_text(METADATA)
    if shutil.which("lrelease"):
        for translation in (package / "i18n").glob("*.ts"):
            subprocess.run(["lrelease", "-silent", translation, "-qm", translation.with_suffix(".qm")])
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


def profile(folder, language="en_US"):
    """A private QGIS profile in which only Processing and Salina are enabled; returns the environment that uses it."""
    settings = folder / "profiles" / "default" / "QGIS"
    settings.mkdir(parents=True, exist_ok=True)
    (settings / "QGIS3.ini").write_text(
        "[PythonPlugins]\nsalina=true\nprocessing=true\n[qgis]\ncheckVersion=false\nshowTips=false\n"
        f"[locale]\noverrideFlag=true\nuserLocale={language}\n"
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


def needs(*operations):
    """Skips where libsalina, or an operation in it, is not built."""
    from salina import native

    forget()
    try:
        missing = set(operations) - set(native.operations())
    except native.LibraryMissing as reason:
        pytest.skip(str(reason))
    if missing:
        pytest.skip(f"libsalina is built without {', '.join(sorted(missing))}")


class Delta:
    """A small demo delta and what the main job makes of it, each made once, by qgis_process."""

    def __init__(self, folder, call):
        self.folder, self.call = folder, call
        self.done = {}
        self.samples = f"{folder}/samples.gpkg"

    def run(self, name, **parameters):
        words = [f"--{key}={value}" for key, values in parameters.items() for value in (values if isinstance(values, list) else [values])]
        done = self.call("--json", "run", f"salina:{name}", *words)
        assert done.returncode == 0, done.stderr[-3000:]
        import json

        return json.loads(done.stdout)["results"]

    def once(self, name, **parameters):
        if name not in self.done:
            needs(name.split()[0])
            self.done[name] = self.run(name.split()[0], **parameters)
        return self.done[name]

    def made(self):
        self.once("demo", OUTPUT=self.folder, SIZE=256, CAMPAIGNS=2, SAMPLES=240)
        return self

    def stacks(self):
        """One stack a campaign."""
        self.made()
        paths = []
        for scene in sorted(self.folder.glob("scene_*.tif")):
            month = scene.stem[len("scene_"):][:7]  # fmt: skip
            paths.append(str(self.folder / f"stack_{month}.tif"))
            self.once(
                f"covariates {month}", SCENE=scene, DEM=self.folder / "dem.tif", EXTRA=self.folder / f"phenology_{month}.tif", OUTPUT=paths[-1]
            )
        return paths

    def model(self):
        path = self.folder / "delta.safetensors"
        self.once(
            "train", STACKS=self.stacks(), SAMPLES=self.samples, TARGET="salinity", UNIT="g/kg", DATE_FIELD="date", FOLDS=2, EPOCHS=2, SEED=1,
            OUTPUT=path, REPORT=self.folder / "report.html", PREDICTIONS=self.folder / "predictions.gpkg",
        )  # fmt: skip
        return str(path)

    def map(self):
        path = self.folder / "map.tif"
        self.once("retrieve", STACK=self.stacks()[0], MODEL=self.model(), OUTPUT=path)
        return str(path)


@pytest.fixture(scope="session")
def delta(app, tmp_path_factory, qgis_process):
    return Delta(tmp_path_factory.mktemp("delta"), qgis_process)
