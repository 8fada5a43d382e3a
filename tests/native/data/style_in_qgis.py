"""Loads the styles that test_style.c wrote and compares painted pixels with the colours they name. Exit status 0 when all agree."""
import os
import sys

from qgis.core import QgsApplication, QgsRasterLayer, QgsRectangle

folder = sys.argv[1]
application = QgsApplication([], False)
application.initQgis()
failures = []


def painted(raster, style):
    layer = QgsRasterLayer(os.path.join(folder, raster), raster)
    message, good = layer.loadNamedStyle(os.path.join(folder, style))
    if not good or not layer.isValid():
        failures.append(f"{style}: {message}")
    block = layer.renderer().block(1, QgsRectangle(layer.extent()), 5, 1)
    pixels = [block.color(0, c) for c in range(5)]
    names = [label for label, _ in layer.renderer().legendSymbologyItems()]
    return layer, ["#%02x%02x%02x/%d" % ((p >> 16) & 255, (p >> 8) & 255, p & 255, p >> 24) for p in pixels], names


def expect(what, got, wanted):
    if got != wanted:
        failures.append(f"{what}: got {got}, expected {wanted}")


blue, green, red, empty = "#0000ff/255", "#00ff00/255", "#ff0000/255", "#000000/0"
layer, pixels, names = painted("painted.tif", "classes.qml")
expect("renderer", layer.renderer().type(), "singlebandpseudocolor")
expect("classes", pixels, [blue, blue, green, red, empty])
expect("class labels", names, ["low", "medium", "high"])
layer, pixels, names = painted("painted.tif", "ramp.qml")
expect("ramp", pixels, ["#440154/255", "#21918c/255", "#fde725/255", "#fde725/255", empty])
layer, pixels, names = painted("painted.tif", "index.qml")  # threshold 2
expect("index", pixels, ["#4393c3/255", "#d1e5f0/255", "#f4a582/255", "#b2182b/255", empty])
expect("index labels", names[3:5], ["1.5 to 2 (threshold)", "2 to 3, not applicable"])
layer, pixels, names = painted("codes.tif", "palette.qml")
expect("renderer", layer.renderer().type(), "paletted")
expect("palette", pixels, [blue, green, empty, red, red])
expect("palette labels", names, ["low", "medium", "high"])
for failure in failures:
    print(failure)
sys.stdout.flush()
os._exit(1 if failures else 0)  # QGIS's own teardown is not what is tested
