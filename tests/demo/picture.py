"""picture.py - the picture of the README: retrieved salinity of one campaign of a made delta beside the truth.

usage: picture.py FOLDER CAMPAIGN OUTPUT.png; needs the numpy, GDAL and PyQt5 that QGIS brings.
"""
import os
import sys

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
import numpy as np
from osgeo import gdal
from PyQt5.QtCore import QRectF, Qt
from PyQt5.QtGui import QColor, QFont, QGuiApplication, QImage, QPainter

gdal.UseExceptions()
BREAKS = [1, 2, 4, 6]
CLASSES = ["below 1", "1 to 2", "2 to 4", "4 to 6", "6 and more"]
COLOURS = [(255, 233, 168), (254, 196, 79), (245, 139, 43), (204, 76, 2), (102, 37, 6)]  # as classes.def
SIDE = 520


def panel(path):
    data = gdal.Open(path)
    band = data.GetRasterBand(1)
    values = band.ReadAsArray(buf_xsize=SIDE, buf_ysize=SIDE, resample_alg=gdal.GRIORA_NearestNeighbour).astype(float)
    nodata = band.GetNoDataValue()
    missing = ~np.isfinite(values) | ((values == nodata) if nodata is not None else False)
    rgb = np.array(COLOURS, np.uint8)[np.digitize(np.nan_to_num(values), BREAKS)]
    rgb[missing] = (225, 232, 240)
    image = QImage(SIDE, SIDE, QImage.Format.Format_RGB32)
    for y in range(SIDE):
        for x in range(SIDE):
            image.setPixelColor(x, y, QColor(*(int(v) for v in rgb[y, x])))
    return image


def width_of(path):
    data = gdal.Open(path)
    return data.RasterXSize * data.GetGeoTransform()[1]


def main():
    folder, campaign, output = sys.argv[1:4]
    application = QGuiApplication(sys.argv[:1])
    wide, high = 2 * SIDE + 60, SIDE + 120
    image = QImage(wide, high, QImage.Format.Format_RGB32)
    image.fill(QColor("white"))
    painter = QPainter(image)
    titles = [("Retrieved by SS-SoilNet", f"maps/ss_soilnet_{campaign}.tif"), ("Truth", f"truth/salinity_{campaign}.tif")]
    for k, (title, name) in enumerate(titles):
        x = 20 + k * (SIDE + 20)
        painter.setFont(QFont("DejaVu Sans", 13, QFont.Weight.Bold))
        painter.drawText(QRectF(x, 8, SIDE, 28), Qt.AlignmentFlag.AlignLeft, title)
        painter.drawImage(x, 40, panel(os.path.join(folder, name)))
    painter.setFont(QFont("DejaVu Sans", 11))
    metres = width_of(os.path.join(folder, titles[1][1]))
    bar = SIDE * 5000 / metres
    painter.fillRect(QRectF(20, high - 62, bar, 5), QColor("black"))
    painter.drawText(QRectF(20, high - 52, 160, 22), Qt.AlignmentFlag.AlignLeft, "5 km")
    x = 250
    painter.drawText(QRectF(x - 50, high - 66, 190, 22), Qt.AlignmentFlag.AlignLeft, "Salt in topsoil (g/kg)")
    for k, name in enumerate(CLASSES + ["open water"]):
        at = x + 140 + k * 112
        painter.fillRect(QRectF(at, high - 66, 22, 16), QColor(*(COLOURS[k] if k < len(COLOURS) else (225, 232, 240))))
        painter.drawText(QRectF(at, high - 46, 112, 22), Qt.AlignmentFlag.AlignLeft, name)
    painter.end()
    image.save(output)
    del application


if __name__ == "__main__":
    main()
