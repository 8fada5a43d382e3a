"""From a row of an operation's own description to a QGIS parameter.

A row has key, type, default (in that type), bounds, required, advanced, list, label, help, unit, choices, parent, extension; a key is
upper case in QGIS.
"""

from qgis.core import (
    QgsProcessing,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterEnum,
    QgsProcessingParameterExtent,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterFolderDestination,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
    QgsProcessingParameterVectorDestination,
)

from ..texts import tr

LAYER_OUTPUTS = ("raster_out", "vector_out")
OUTPUTS = LAYER_OUTPUTS + ("file_out", "folder_out")


def define(row):
    """The QGIS parameter of a row; "[optional]" is said only of what may stay empty."""
    label = tr(row["label"])
    if row.get("unit") and row["unit"] not in label:
        label = f'{label} ({row["unit"]})'
    parameter = _DEFINE[row["type"]](row, row["key"].upper(), label, not row["required"] and row["default"] is None)
    parameter.setHelp(help_text(row))
    if row["advanced"]:
        parameter.setFlags(parameter.flags() | QgsProcessingParameterDefinition.Flag.FlagAdvanced)
    if row["type"] in OUTPUTS and not row["required"]:
        parameter.setCreateByDefault(row.get("made", False))
    return parameter


def help_text(row):
    """The help of a row, with what QGIS adds to it."""
    if row["type"] == "text" and row["list"] and "ID=path" in row["help"]:
        return tr(row["help"]) + " " + tr("A raster layer of the project may stand there by its name: ID=layer.")
    return tr(row["help"])


def out_of_bounds(row, given):
    """Why a number cannot be taken, "" when it can; what is no number is left to QGIS."""
    if not row.get("bounds") or not isinstance(given, (int, float, str)):
        return ""
    low, high = row["bounds"]
    try:
        given = float(given)
    except ValueError:
        return ""
    return "" if low <= given <= high else tr("{given:g} is outside {low:g} to {high:g}").format(given=given, low=low, high=high)


def _raster(row, name, label, optional):
    if row["list"]:
        return QgsProcessingParameterMultipleLayers(name, label, QgsProcessing.SourceType.TypeRaster, optional=optional)
    return QgsProcessingParameterRasterLayer(name, label, optional=optional)


def _vector(row, name, label, optional):
    return QgsProcessingParameterFeatureSource(name, label, [QgsProcessing.SourceType.TypeVectorPoint], optional=optional)


def _field(row, name, label, optional):
    return QgsProcessingParameterField(name, label, row["default"], row["parent"].upper(), allowMultiple=row["list"], optional=optional)


def _file(row, name, label, optional):
    if row["list"]:
        return QgsProcessingParameterMultipleLayers(name, label, QgsProcessing.SourceType.TypeFile, optional=optional)
    return QgsProcessingParameterFile(name, label, extension=row.get("extension") or "", defaultValue=row["default"], optional=optional)


def _folder(row, name, label, optional):
    return QgsProcessingParameterFile(name, label, QgsProcessingParameterFile.Behavior.Folder, optional=optional)


def _text(row, name, label, optional):
    given = row["default"]
    if row["list"]:
        label = tr("{label} (one a line)").format(label=label)
        given = "\n".join(given) if given else None
    return QgsProcessingParameterString(name, label, given, multiLine=row["list"], optional=optional)


def _choice(row, name, label, optional):
    return QgsProcessingParameterEnum(
        name, label, row["choices"], allowMultiple=row["list"], defaultValue=row["default"], optional=optional, usesStaticStrings=True
    )


def _number(row, name, label, optional):
    kind = QgsProcessingParameterNumber.Type
    parameter = QgsProcessingParameterNumber(name, label, kind.Integer if row["type"] == "i64" else kind.Double, row["default"], optional)
    if row.get("bounds"):
        parameter.setMinimum(row["bounds"][0])
        parameter.setMaximum(row["bounds"][1])
    return parameter


def _bool(row, name, label, optional):
    return QgsProcessingParameterBoolean(name, label, bool(row["default"]), optional)


def _extent(row, name, label, optional):
    return QgsProcessingParameterExtent(name, label, optional=optional)


def _raster_out(row, name, label, optional):
    return QgsProcessingParameterRasterDestination(name, label, optional=optional)


def _vector_out(row, name, label, optional):
    return QgsProcessingParameterVectorDestination(name, label, QgsProcessing.SourceType.TypeVectorPoint, optional=optional)


def _file_out(row, name, label, optional):
    extensions = (row.get("extension") or "").split("|")  # the first is what a name without one gets
    pattern = ";;".join(f"{extension.upper()} files (*.{extension})" for extension in extensions if extension)
    return QgsProcessingParameterFileDestination(name, label, pattern, optional=optional)


def _folder_out(row, name, label, optional):
    return QgsProcessingParameterFolderDestination(name, label, optional=optional)


_DEFINE = {
    "raster": _raster,
    "vector": _vector,
    "field": _field,
    "file_in": _file,
    "folder_in": _folder,
    "text": _text,
    "choice": _choice,
    "i64": _number,
    "f64": _number,
    "bool": _bool,
    "bytes": _text,
    "extent": _extent,
    "raster_out": _raster_out,
    "vector_out": _vector_out,
    "file_out": _file_out,
    "folder_out": _folder_out,
}
