"""Salina: soil salinity from satellite imagery. QGIS enters here."""


def classFactory(iface):
    """The plugin object; `iface` is None in qgis_process and in scripts."""
    from .plugin import SalinaPlugin

    return SalinaPlugin(iface)
