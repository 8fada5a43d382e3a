"""Turns layers of the project into paths that libsalina can open. Main thread only."""

from qgis.core import (
    QgsFields,
    QgsProcessingException,
    QgsProcessingUtils,
    QgsProviderRegistry,
    QgsVectorFileWriter,
)

from ..texts import tr


def raster_path(layer, feedback):
    """The GDAL name of a raster layer; refuses what GDAL alone cannot open."""
    provider = layer.dataProvider()
    if provider is None or provider.name() != "gdal":
        text = tr('layer "{name}" is no file that GDAL can read; save it as GeoTIFF first')
        raise QgsProcessingException(text.format(name=layer.name()))
    if QgsProviderRegistry.instance().decodeUri("gdal", layer.source()).get("openOptions"):
        text = tr('layer "{name}" is opened with options that its path alone does not carry; save it as GeoTIFF first')
        raise QgsProcessingException(text.format(name=layer.name()))
    if layer.crs() != provider.crs():
        feedback.pushWarning(
            tr('layer "{name}" has another CRS in the project ({project}) than in its file ({file}); the file counts').format(
                name=layer.name(), project=layer.crs().authid() or "-", file=provider.crs().authid() or "-"
            )
        )
    return layer.source().split("|")[0]


def vector_path(layer):
    """The OGR name of a layer whose file is what the user sees; "" for any other, which has to be copied."""
    if layer is None or not _is_plain_file(layer):
        return ""
    parts = QgsProviderRegistry.instance().decodeUri("ogr", layer.source())
    return f'{parts["path"]}|layername={parts["layerName"]}' if parts.get("layerName") else parts["path"]


def source_copy(source, context, feedback):
    """The OGR name of a temporary GeoPackage that holds the features of a source as they are shown: filtered, selected, edited, joined."""
    path = QgsProcessingUtils.generateTempFilename("samples.gpkg")
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName = "GPKG"
    options.layerName = "samples"
    options.layerOptions = ["FID=salina_fid"]  # a field called fid need not be unique
    writer = QgsVectorFileWriter.create(path, source.fields(), source.wkbType(), source.sourceCrs(), context.transformContext(), options)
    written = writer.hasError() == QgsVectorFileWriter.WriterError.NoError and all(
        writer.addFeature(feature) for feature in sorted(source.getFeatures(), key=lambda feature: feature.id())  # a selection has no order
    )
    if not written:
        text = tr('layer "{name}" could not be copied to {path}: {message}')
        raise QgsProcessingException(text.format(name=source.sourceName(), path=path, message=writer.errorMessage()))
    del writer  # closes the file
    text = tr('layer "{name}" was copied to {path}, as it is shown in the project')
    feedback.pushInfo(text.format(name=source.sourceName(), path=path))
    return f"{path}|layername=samples"


def _is_plain_file(layer):
    """Whether path and layer name say all: no filter, edit, join, virtual field or CRS that only the project knows."""
    parts = QgsProviderRegistry.instance().decodeUri("ogr", layer.source())
    fields = layer.fields()
    return (
        layer.providerType() == "ogr"
        and not layer.subsetString()
        and not layer.isModified()
        and not parts.get("openOptions")
        and (parts.get("layerId") in (None, 0) or bool(parts.get("layerName")))
        and layer.crs() == layer.dataProvider().crs()
        and all(fields.fieldOrigin(i) == QgsFields.FieldOrigin.OriginProvider for i in range(fields.count()))
    )
