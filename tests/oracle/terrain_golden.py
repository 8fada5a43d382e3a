"""Writes tests/golden/terrain.txt from ../shared/reference/golden (dem12.tif and what gdaldem made of it).

    python3 tests/oracle/terrain_golden.py ../shared/reference/golden > tests/golden/terrain.txt
"""
import sys

from osgeo import gdal

gdal.UseExceptions()


def show(name, path):
    data = gdal.Open(path)
    print(name, data.RasterXSize, data.RasterYSize, data.GetGeoTransform()[1])
    for row in data.ReadAsArray():
        print(*("nan" if value == -9999 else f"{value:.9g}" for value in row))


print("# A 12 x 12 elevation model and gdaldem's slope (Horn, degrees) and aspect (degrees): name, columns, rows, pixel in m")
for name, file in (("DEM", "dem12"), ("SLOPE", "horn"), ("ASPECT", "aspect")):
    show(name, f"{sys.argv[1]}/{file}.tif")
