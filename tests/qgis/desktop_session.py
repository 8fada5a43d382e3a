"""Runs inside QGIS (`qgis --code`): the toolbox, every dialog, runs from dialogs, the styled result; saves pictures and quits.

SALINA_SCREENSHOTS is the folder for the pictures. SALINA_RUNS is JSON: a list of [picture, algorithm, parameters] to run in turn as a user
would; what they load is shown in the map. SALINA_SAMPLES is a point layer to draw on top.
"""

import json
import os
import time
import traceback
from pathlib import Path

from qgis.PyQt.QtCore import QTimer
from qgis.PyQt.QtWidgets import QApplication
from qgis.core import QgsApplication, QgsProject, QgsVectorLayer
from qgis.utils import iface

FOLDER = Path(os.environ["SALINA_SCREENSHOTS"])
NAMES = ("covariates", "train", "retrieve", "compare", "demo")


def save(widget, name):
    QApplication.processEvents()
    widget.grab().save(str(FOLDER / f"{name}.png"))


def toolbox():
    window = iface.mainWindow()
    window.resize(1400, 900)
    dock = window.findChild(object, "ProcessingToolbox")
    dock.show()
    dock.searchBox.setText("salin")
    found = [a.id() for a in QgsApplication.processingRegistry().algorithms() if a.id().startswith("salina:")]
    assert sorted(found) == sorted(f"salina:{name}" for name in NAMES), found
    save(window, "toolbox")


def dialogs():
    import processing
    from processing.gui.BatchAlgorithmDialog import BatchAlgorithmDialog

    for name in NAMES:
        dialog = processing.createAlgorithmDialog(f"salina:{name}")
        dialog.resize(1000, 760)
        dialog.show()
        save(dialog, f"dialog_{name}")
        dialog.close()
    batch = BatchAlgorithmDialog(QgsApplication.processingRegistry().createAlgorithmById("salina:retrieve"), iface.mainWindow())
    batch.resize(1200, 500)
    batch.show()
    save(batch, "batch_retrieve")
    batch.close()


def run(picture, name, parameters):
    """Fills a dialog, presses Run, waits for the end and shows what was loaded."""
    import processing

    dialog = processing.createAlgorithmDialog(name, parameters)
    ended = []
    dialog.algorithmFinished.connect(lambda successful, results: ended.append(successful))
    dialog.resize(1000, 760)
    dialog.show()
    dialog.runAlgorithm()
    begin = time.monotonic()
    while not ended and time.monotonic() - begin < 180:
        QApplication.processEvents()
        time.sleep(0.01)
    dialog.showLog()
    save(dialog, f"{picture}_log")
    dialog.close()
    assert ended == [True], f"{name}: {ended}"
    show_map(picture)


def show_map(picture):
    layers = [layer for layer in QgsProject.instance().mapLayers().values()]
    canvas = iface.mapCanvas()
    if layers:
        canvas.setDestinationCrs(layers[0].crs())
        canvas.setExtent(layers[0].extent())
    for _ in range(3):
        canvas.refresh()
        canvas.waitWhileRendering()
        QApplication.processEvents()
    save(iface.mainWindow(), f"{picture}_map")


def show_below():
    """What a run loaded below its map, with the map switched off, and its legend."""
    nodes = QgsProject.instance().layerTreeRoot().findLayers()
    if len(nodes) < 2:
        return
    nodes[0].setItemVisibilityChecked(False)
    nodes[1].setExpanded(True)
    show_map("below")
    nodes[0].setItemVisibilityChecked(True)


def session():
    try:
        toolbox()
        dialogs()
        for picture, name, parameters in json.loads(os.environ.get("SALINA_RUNS", "[]")):
            QgsProject.instance().clear()
            run(picture, name, parameters)
        show_below()
        if os.environ.get("SALINA_SAMPLES"):
            QgsProject.instance().addMapLayer(QgsVectorLayer(os.environ["SALINA_SAMPLES"], "Samples"))
            show_map("samples")
        layers = [[node.layer().name(), node.layer().renderer().type()] for node in QgsProject.instance().layerTreeRoot().findLayers()]
        (FOLDER / "done").write_text(json.dumps(layers))
    except Exception:
        (FOLDER / "error.txt").write_text(traceback.format_exc())
    finally:
        QgsProject.instance().setDirty(False)
        QgsApplication.exit(0)


QTimer.singleShot(1500, session)
