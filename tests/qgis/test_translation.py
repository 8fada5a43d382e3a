"""Every fixed text of the plugin is translated, no translation is stale, and QGIS shows it."""

import ast
import shutil
import subprocess
from xml.etree import ElementTree

import pytest
from conftest import PLUGINS, REPO, needs, profile

SOURCES = [*(REPO / "plugin").rglob("*.py"), *(REPO / "algorithms").rglob("*.py")]
CATALOGUES = sorted((REPO / "plugin" / "i18n").glob("*.ts"))


def literals():
    """The texts in tr("...") and the sections."""
    found = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "tr" and isinstance(node.args[0], ast.Constant):
                found.add(node.args[0].value)
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "section" and node.value.value:
                found.add(node.value.value)
    return found


def messages(path):
    return {m.find("source").text: m.find("translation").text for m in ElementTree.parse(path).iter("message")}


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.stem)
def test_every_fixed_text_is_translated_with_its_placeholders(path):
    catalogue = messages(path)
    assert len(literals()) > 15 and literals() <= set(catalogue), literals() - set(catalogue)
    for source, text in catalogue.items():
        assert text and {p.split("}")[0] for p in source.split("{")[1:]} == {p.split("}")[0] for p in text.split("{")[1:]}, source


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.stem)
def test_titles_and_labels_are_translated_and_none_is_stale(app, path):
    needs("covariates", "train", "retrieve", "compare", "demo")
    from salina import native
    from salina.algorithms import ALGORITHMS

    described = [native.operations()[algorithm.operation] for algorithm in ALGORITHMS]
    shown = {entry["title"] for entry in described} | {row["label"] for entry in described for row in entry["params"]}
    catalogue = set(messages(path))
    assert shown <= catalogue, shown - catalogue
    assert catalogue <= shown | literals(), catalogue - shown - literals()


def test_german_qgis_speaks_german(fake, tmp_path):
    if not (PLUGINS / "salina" / "i18n" / "salina_de.qm").exists():
        pytest.skip("the plugin was staged without lrelease")
    program = shutil.which("qgis_process.bin") or "qgis_process"
    environment = {**profile(tmp_path, "de"), "SALINA_LIBRARY": str(fake())}
    done = subprocess.run([program, "list"], env=environment, capture_output=True, text=True, timeout=100)
    assert "salina:retrieve\tSalzgehalt ableiten" in done.stdout
