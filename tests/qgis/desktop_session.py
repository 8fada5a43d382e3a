"""Runs inside QGIS (`qgis --code`): the toolbox, a dialog with its help, an optional styled map; saves pictures and quits.

SALINA_SCREENSHOTS is the folder for the pictures, SALINA_MAP a raster to load, SALINA_SAMPLES a point layer over it.
"""

import os
import traceback
from pathlib import Path

from qgis.PyQt.QtCore import QTimer
from qgis.PyQt.QtWidgets import QApplication, QLineEdit
from qgis.core import QgsApplication, QgsProject, QgsRasterLayer, QgsVectorLayer
from qgis.utils import iface

FOLDER = Path(os.environ["SALINA_SCREENSHOTS"])


def save(widget, name):
    QApplication.processEvents()
    widget.grab().save(str(FOLDER / f"{name}.png"))


def toolbox():
    window = iface.mainWindow()
    window.resize(1400, 900)
    dock = window.findChild(object, "ProcessingToolbox")
    dock.show()
    dock.searchBox.setText("salin")
    assert isinstance(dock.searchBox, QLineEdit)
    QApplication.processEvents()
    found = [a.id() for a in QgsApplication.processingRegistry().algorithms() if a.id().startswith("salina:")]
    assert sorted(found) == ["salina:covariates", "salina:demo", "salina:retrieve", "salina:train"], found
    save(window, "toolbox")


def dialogs():
    import processing

    for name in ("covariates", "train", "retrieve", "demo"):
        dialog = processing.createAlgorithmDialog(f"salina:{name}")
        assert dialog is not None, name
        dialog.resize(1000, 720)
        dialog.show()
        save(dialog, f"dialog_{name}")
        dialog.close()


def styled_map():
    """Loads the map as the algorithm's post-processor does: with the style beside it."""
    layers = [QgsRasterLayer(os.environ["SALINA_MAP"], "Salinity")]
    if os.environ.get("SALINA_SAMPLES"):
        layers.append(QgsVectorLayer(os.environ["SALINA_SAMPLES"], "Samples"))
    for layer in layers:
        assert layer.isValid(), layer.source()
        QgsProject.instance().addMapLayer(layer)
    canvas = iface.mapCanvas()
    canvas.setDestinationCrs(layers[0].crs())
    canvas.setExtent(layers[0].extent())
    canvas.waitWhileRendering()
    canvas.refresh()
    canvas.waitWhileRendering()
    save(iface.mainWindow(), "map")


def session():
    try:
        toolbox()
        dialogs()
        if os.environ.get("SALINA_MAP"):
            styled_map()
        (FOLDER / "done").touch()
    except Exception:
        (FOLDER / "error.txt").write_text(traceback.format_exc())
    finally:
        QgsProject.instance().setDirty(False)
        os._exit(0) if os.environ.get("SALINA_HARD_EXIT") else QgsApplication.exit(0)


QTimer.singleShot(1500, session)
