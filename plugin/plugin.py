"""The plugin object: registers the Processing provider and the translation, and takes both away again."""

from pathlib import Path

from qgis.PyQt.QtCore import QCoreApplication, QTranslator
from qgis.core import QgsApplication

from .provider import SalinaProvider

HERE = Path(__file__).parent


class SalinaPlugin:
    """Has no window of its own, so it works the same with and without `iface`."""

    def __init__(self, iface=None):
        self.iface = iface
        self.provider = None
        self.translator = None

    def initGui(self):
        """Called by the desktop."""
        self.initProcessing()

    def initProcessing(self):
        """Called by qgis_process, and by initGui."""
        self._install_translation()
        self.provider = SalinaProvider()
        QgsApplication.processingRegistry().addProvider(self.provider)

    def unload(self):
        if self.provider is not None:
            QgsApplication.processingRegistry().removeProvider(self.provider)
            self.provider = None
        if self.translator is not None:
            QCoreApplication.removeTranslator(self.translator)
            self.translator = None

    def _install_translation(self):
        language = QgsApplication.instance().locale()[:2]
        path = HERE / "i18n" / f"salina_{language}.qm"
        if path.exists():
            self.translator = QTranslator()
            if self.translator.load(str(path)):
                QCoreApplication.installTranslator(self.translator)
