"""The conventions of QGIS Processing, in a loop over all algorithms, with the real library where it is built."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import PLUGINS, REPO
from qgis.PyQt.QtCore import QUrl

SOURCES = [*(REPO / "plugin").rglob("*.py"), *(REPO / "algorithms").rglob("*.py")]
IDS = ["compare", "covariates", "demo", "retrieve", "train"]


@pytest.fixture
def provider(app):
    from qgis.core import QgsApplication
    from salina import classFactory

    plugin = classFactory(None)
    plugin.initProcessing()
    yield QgsApplication.processingRegistry().providerById("salina")
    plugin.unload()
    assert QgsApplication.processingRegistry().providerById("salina") is None


@pytest.fixture
def algorithms(provider, real_library):
    provider.refreshAlgorithms()
    return provider.algorithms()


def test_all_algorithms_are_there(provider):
    assert sorted(a.name() for a in provider.algorithms()) == IDS
    assert [a.id() for a in provider.algorithms() if a.id() != "salina:" + a.name()] == []


def test_provider_describes_itself(provider):
    assert provider.id() == "salina" and provider.name() == "Salina" and provider.longName() and provider.versionInfo()
    assert Path(provider.svgIconPath()).exists() and not provider.icon().isNull()
    assert provider.defaultRasterFileExtension() == "tif" and provider.defaultVectorFileExtension() == "gpkg"


def test_without_the_library_everything_still_appears_and_says_why(no_library, provider):
    assert sorted(a.name() for a in provider.algorithms()) == IDS
    assert "SALINA_LIBRARY" in provider.warningMessage()
    for algorithm in provider.algorithms():
        possible, reason = algorithm.canExecute()
        assert not possible and "/nowhere/libsalina.so" in reason and "apt install" in reason and "put libsalina.so.0" in reason
        assert algorithm.displayName() and algorithm.group() and algorithm.shortHelpString() and algorithm.tags()


def test_operation_that_the_library_lacks_is_said(fake_library, provider, monkeypatch):
    from salina.algorithms.demo import Demo

    monkeypatch.setattr(Demo, "operation", "dream")
    possible, reason = Demo().canExecute()
    assert not possible and 'has no operation "dream"' in reason


def test_ids_are_permanent(algorithms):
    for algorithm in algorithms:
        assert re.fullmatch("[a-z0-9]+", algorithm.name()) and re.fullmatch("[a-z0-9]+", algorithm.groupId())


def test_texts_are_there(algorithms):
    for algorithm in algorithms:
        title = algorithm.displayName()
        assert title[0].isupper() and not title.endswith(".") and len(title) < 40, title
        assert algorithm.group() and len(algorithm.tags()) >= 3, algorithm.name()
        assert algorithm.shortDescription() and "\n" not in algorithm.shortDescription()
        assert len(algorithm.shortHelpString()) > 200, algorithm.name()
        assert not re.search(r"<[a-zA-Z/]|&\w+;", algorithm.shortHelpString()), "qgis_process prints it as plain text"
        assert "Salina" in Path(QUrl(algorithm.helpUrl()).toLocalFile()).read_text(), "no address that nobody answers"


def test_each_has_its_own_icon(algorithms):
    paths = {algorithm.svgIconPath() for algorithm in algorithms}
    assert len(paths) == len(algorithms) and all(Path(path).exists() for path in paths)
    assert not any(algorithm.icon().isNull() for algorithm in algorithms)


def test_every_parameter_is_upper_case_named_and_helped(algorithms):
    for algorithm in algorithms:
        assert algorithm.parameterDefinitions(), algorithm.name()
        for parameter in algorithm.parameterDefinitions():
            assert re.fullmatch("[A-Z][A-Z0-9_]*", parameter.name())
            assert parameter.help() and parameter.description(), f"{algorithm.name()} {parameter.name()}"
            assert parameter.help() in algorithm.shortHelpString()


def test_every_output_is_declared(algorithms):
    from salina import native

    for algorithm in algorithms:
        declared = {output.name() for output in algorithm.outputDefinitions()}
        described = native.operations()[algorithm.name()]
        wanted = {row["key"].upper() for row in described["results"]}
        wanted |= {row["key"].upper() for row in described["params"] if row["type"].endswith("_out")}
        assert wanted <= declared and declared, algorithm.name()
        reports = [row["key"].upper() for row in described["params"] if (row.get("extension") or "").startswith("html")]
        assert all(algorithm.outputDefinition(name).type() == "outputHtml" for name in reports)


def test_fixed_names_of_the_design(algorithms):
    fixed = {
        "covariates": "SCENE DEM EXTRA ROLES INDICES REFERENCE_GRID SMOOTH_DEM OUTPUT",
        "train": "STACKS SAMPLES TARGET UNIT DATE_FIELD SYSTEM VALIDATION FOLDS SEEDS SEED EPOCHS MAX_MINUTES OUTPUT REPORT PREDICTIONS",
        "retrieve": "STACK MODEL OUTPUT INTERVAL BLOCK_SIZE THREADS",
        "compare": "STACKS SAMPLES TARGET UNIT DATE_FIELD SYSTEMS VALIDATION FOLDS SEEDS SEED EPOCHS OUTPUT REPORT",
        "demo": "OUTPUT SEED SIZE CAMPAIGNS",
    }
    for algorithm in algorithms:
        names = {p.name() for p in algorithm.parameterDefinitions()}
        assert set(fixed[algorithm.name()].split()) <= names, algorithm.name()


def test_instances_are_new_and_equal(algorithms):
    from qgis.core import QgsProcessingAlgorithm

    for algorithm in algorithms:
        assert algorithm.canExecute() == (True, "")
        other = algorithm.create()
        assert type(other) is type(algorithm) and other is not algorithm
        assert [p.name() for p in other.parameterDefinitions()] == [p.name() for p in algorithm.parameterDefinitions()]
        flags = QgsProcessingAlgorithm.Flag
        assert algorithm.flags() & flags.FlagCanCancel and algorithm.flags() & flags.FlagSupportsBatch
        assert not algorithm.flags() & flags.FlagNoThreading


def test_import_does_no_work():
    """No library, no provider, no file but the sources: only classes."""
    code = (
        f"import sys; sys.path.insert(0, {str(PLUGINS)!r}); import salina, salina.plugin\n"
        "from salina.native import loader\n"
        "assert loader._attempt.cache_info().misses == 0\n"
        "assert 'libsalina' not in open('/proc/self/maps').read()\n"
        "assert not {'numpy', 'urllib.request', 'subprocess', 'qgis.utils', 'osgeo'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_metadata_names_no_address_that_does_not_exist():
    from salina.texts import metadata

    assert metadata("name") == "Salina" and metadata("qgisMinimumVersion") and metadata("hasProcessingProvider") == "yes"
    assert "example" not in (PLUGINS / "salina" / "metadata.txt").read_text()


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(REPO)))
def test_source_keeps_the_rules_of_the_plugin_repository(path):
    """Nothing that the security scan blocks, no network, no numpy, Qt only through qgis.PyQt, relative imports."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ("exec", "eval", "compile", "__import__", "print")
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            assert node.level or (node.module or "").split(".")[0] != "salina"
            modules = [] if node.level else [node.module]
        for module in modules:
            root = module.split(".")[0]
            assert root in ("configparser", "contextlib", "ctypes", "functools", "json", "os", "pathlib", "qgis", "sys"), module
    assert ast.get_docstring(tree), "says what it is"
    assert len(path.read_text().splitlines()) < 300
