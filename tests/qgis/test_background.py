"""A run in QGIS's thread pool, as every dialog does it: the window stays alive and cancel answers at once."""

import time

import pytest


@pytest.fixture
def task(fake_library, tmp_path):
    """An endless run (two seconds) of the stand-in, its feedback, and what it ended with."""
    from qgis.core import QgsProcessingAlgRunnerTask, QgsProcessingContext, QgsProcessingOutputLayerDefinition, QgsProject
    from salina.algorithms.retrieve import Retrieve
    from test_parameters import recording_feedback

    context, feedback, ended = QgsProcessingContext(), recording_feedback(), []
    context.setProject(QgsProject.instance())
    algorithm = Retrieve().create()
    target = QgsProcessingOutputLayerDefinition(str(tmp_path / "map.tif"), QgsProject.instance())
    run = QgsProcessingAlgRunnerTask(algorithm, {"OUTPUT": target}, context, feedback)
    run.executed.connect(lambda successful, results: ended.append((successful, results)))
    return run, feedback, ended, (algorithm, context)


def spin(condition, seconds):
    """Runs the event loop until the condition holds; returns the longest pause between two turns."""
    from qgis.PyQt.QtCore import QCoreApplication

    begin = last = time.monotonic()
    longest = 0.0
    while not condition() and time.monotonic() - begin < seconds:
        QCoreApplication.processEvents()
        time.sleep(0.005)
        longest, last = max(longest, time.monotonic() - last), time.monotonic()
    return longest


def test_window_stays_alive_while_the_operation_runs(task):
    from qgis.core import QgsApplication

    run, feedback, ended, (_, context) = task
    QgsApplication.taskManager().addTask(run)
    assert spin(lambda: ended, 20) < 0.5
    assert ended[0][0] and ended[0][1]["OUTPUT"].endswith("map.tif")
    assert list(context.layersToLoadOnCompletion()) == [ended[0][1]["OUTPUT"]]
    assert feedback.infos == ["working …"] and feedback.warnings == ["one band is dark"]


def test_cancel_ends_the_run_within_half_a_second(task):
    from qgis.core import QgsApplication

    run, feedback, ended, _ = task
    QgsApplication.taskManager().addTask(run)
    spin(lambda: feedback.infos, 20)
    begin = time.monotonic()
    feedback.cancel()
    spin(lambda: ended, 5)
    assert time.monotonic() - begin < 0.5
    assert not ended[0][0]
