"""The algorithms inside a model of the Model Designer: children that take each other's outputs and figures."""

import json

import pytest


@pytest.fixture
def registered(fake_library):
    """The provider in the registry, with parameters from the stand-in."""
    from qgis.core import QgsApplication
    from salina import classFactory

    plugin = classFactory(None)
    plugin.initProcessing()
    yield QgsApplication.processingRegistry()
    plugin.unload()


def defaults(name):
    """The values that the designer's dialog fills in."""
    from qgis.core import QgsApplication, QgsProcessingModelChildParameterSource

    parameters = QgsApplication.processingRegistry().algorithmById(f"salina:{name}").parameterDefinitions()
    return {p.name(): QgsProcessingModelChildParameterSource.fromStaticValue(p.defaultValue()) for p in parameters if p.defaultValue() is not None}


def child(model, identifier, name, **sources):
    from qgis.core import QgsProcessingModelChildAlgorithm

    step = QgsProcessingModelChildAlgorithm(f"salina:{name}")
    step.setChildId(identifier)
    for key, source in {**defaults(name), **sources}.items():
        step.addParameterSources(key, [source])
    model.addChildAlgorithm(step)
    return step


def two_step_model(folder):
    from qgis.core import (
        QgsProcessingModelAlgorithm,
        QgsProcessingModelChildParameterSource as Source,
        QgsProcessingModelOutput,
        QgsProcessingModelParameter,
        QgsProcessingParameterNumber,
    )

    model = QgsProcessingModelAlgorithm("Two deltas", "models")
    model.addModelParameter(QgsProcessingParameterNumber("world", "World", defaultValue=3), QgsProcessingModelParameter("world"))
    child(model, "first", "demo", OUTPUT=Source.fromStaticValue(str(folder / "first")), SEED=Source.fromModelParameter("world"))
    second = child(
        model, "second", "demo",
        OUTPUT=Source.fromStaticValue(str(folder / "second")), TITLE=Source.fromChildOutput("first", "NOTE"), FOLDER=Source.fromChildOutput("first", "OUTPUT"),
    )  # fmt: skip
    report = QgsProcessingModelOutput("report")
    report.setChildId("second")
    report.setChildOutputName("REPORT")
    second.setModelOutputs({"report": report})
    model.setChildAlgorithm(second)
    model.initAlgorithm()
    return model


def test_model_is_valid_and_children_hand_on_paths_and_figures(registered, tmp_path):
    from qgis.core import QgsProcessingContext, QgsProcessingFeedback

    model = two_step_model(tmp_path)
    assert model.validate()[0], model.validate()
    context, feedback = QgsProcessingContext(), QgsProcessingFeedback(False)
    results, ok = model.run({"world": 11, "second:report": str(tmp_path / "r.html")}, context, feedback, {}, False)
    assert ok and results["second:report"] == str(tmp_path / "r.html")
    steps = results["CHILD_RESULTS"]
    assert json.loads(steps["first"]["ECHO"])["seed"] == 11
    assert json.loads(steps["second"]["ECHO"])["folder"] == str(tmp_path / "first")
    assert json.loads(steps["second"]["ECHO"])["title"] == "café"


def test_model_survives_saving_and_loading(registered, tmp_path):
    from qgis.core import QgsProcessingModelAlgorithm

    path = str(tmp_path / "m.model3")
    assert two_step_model(tmp_path).toFile(path)
    again = QgsProcessingModelAlgorithm()
    assert again.fromFile(path) and again.validate()[0]
    assert {s.algorithmId() for s in again.childAlgorithms().values()} == {"salina:demo"}


def test_batch_rows_do_not_share_state(registered, tmp_path):
    """What the batch dialog does: one instance, a fresh create() a row."""
    from qgis.core import QgsProcessingContext, QgsProcessingFeedback

    algorithm = registered.algorithmById("salina:demo")
    seen = []
    for seed in (5, 1, 6):
        results, ok = algorithm.run({"OUTPUT": str(tmp_path / str(seed)), "SEED": seed}, QgsProcessingContext(), QgsProcessingFeedback(False))
        seen.append((ok, json.loads(results["ECHO"])))
    assert [ok for ok, _ in seen] == [True] * 3
    assert [echo.get("seed") for _, echo in seen] == [5, None, 6]


def test_python_command_of_the_history_runs_the_algorithm(registered, tmp_path):
    from qgis.core import QgsProcessingContext

    command = registered.algorithmById("salina:demo").asPythonCommand({"OUTPUT": "/tmp/x", "SYSTEM": "index"}, QgsProcessingContext())
    assert command == """processing.run("salina:demo", {'OUTPUT':'/tmp/x','SYSTEM':'index'})"""
