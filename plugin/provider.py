"""The Processing provider "Salina": a fixed list of algorithms, shown even where libsalina cannot be loaded."""

from qgis.PyQt.QtGui import QIcon
from qgis.core import QgsProcessingProvider

from .algorithms import ALGORITHMS
from .native import LibraryMissing, library
from .texts import icon_path, metadata, tr


class SalinaProvider(QgsProcessingProvider):
    def id(self):
        return "salina"

    def name(self):
        return "Salina"

    def longName(self):
        return tr("Salina: soil salinity from satellite imagery")

    def helpId(self):
        return "salina"

    def versionInfo(self):
        return metadata("version")

    def icon(self):
        return QIcon(self.svgIconPath())

    def svgIconPath(self):
        return icon_path("salina.svg")

    def warningMessage(self):
        """Shown on top of every dialog; empty when all is well."""
        try:
            library()
        except LibraryMissing as missing:
            return str(missing)
        return ""

    def loadAlgorithms(self):
        for algorithm in ALGORITHMS:
            self.addAlgorithm(algorithm())

    def defaultRasterFileExtension(self):
        return "tif"

    def supportedOutputRasterLayerExtensions(self):
        return ["tif"]

    def defaultVectorFileExtension(self, hasGeometry=True):
        return "gpkg"

    def supportedOutputVectorLayerExtensions(self):
        return ["gpkg"]

    def supportsNonFileBasedOutput(self):
        return False
