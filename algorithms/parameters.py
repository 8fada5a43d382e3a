"""From a row of an operation's own description to a QGIS parameter, and from its value to the JSON that the operation takes.

A row has key, type, default, bounds, required, advanced, list, label, help, unit, choices, parent, extension; a key is
upper case in QGIS. `define` is called when an algorithm is set up, `value` in the main thread before it runs.
"""

from qgis.core import (
    QgsProcessing,
    QgsProcessingException,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterEnum,
    QgsProcessingParameterExtent,
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
    QgsProcessingParameterVectorLayer,
    QgsProcessingUtils,
    QgsRasterLayer,
)

from ..texts import tr
from .layers import raster_path, vector_path

LAYER_OUTPUTS = ("raster_out", "vector_out")
OUTPUTS = LAYER_OUTPUTS + ("file_out", "folder_out")


def define(row):
    """The QGIS parameter of a row; "[optional]" is said only of what may stay empty."""
    label = tr(row["label"])
    if row.get("unit") and row["unit"] not in label:
        label = f'{label} ({row["unit"]})'
    parameter = _DEFINE[row["type"]](row, row["key"].upper(), label, not row["required"] and default(row) is None)
    parameter.setHelp(help_text(row))
    if row["advanced"]:
        parameter.setFlags(parameter.flags() | QgsProcessingParameterDefinition.Flag.FlagAdvanced)
    if row["type"] in OUTPUTS and not row["required"]:
        parameter.setCreateByDefault(False)
    return parameter


def help_text(row):
    """The help of a row, with what QGIS adds to it."""
    if row["type"] == "text" and row["list"] and "ID=path" in row["help"]:
        return tr(row["help"]) + " " + tr("A raster layer of the project may stand there by its name: ID=layer.")
    return tr(row["help"])


def default(row):
    """The default of a row in its own type; descriptions hold it as text or as a JSON value."""
    given = row.get("default")
    if row.get("list") and given is not None:
        return given if isinstance(given, list) else [entry for entry in str(given).split("|") if entry]
    if given is None:
        return None
    if row["type"] == "bool":
        return given if isinstance(given, bool) else str(given).lower() in ("1", "true", "yes")
    if row["type"] == "i64":
        return int(given)
    return float(given) if row["type"] == "f64" else given


def entries(text):
    """The entries of a list typed as text: one a line, and ids also between commas; a path keeps its commas."""
    lines = [[line] if any(mark in line for mark in "=/\\") else line.split(",") for line in text.splitlines()]
    return [entry.strip() for line in lines for entry in line if entry.strip()]


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
    return QgsProcessingParameterVectorLayer(name, label, [QgsProcessing.SourceType.TypeVectorPoint], optional=optional)


def _field(row, name, label, optional):
    return QgsProcessingParameterField(
        name, label, default(row), row["parent"].upper(), allowMultiple=row["list"], optional=optional
    )


def _file(row, name, label, optional):
    if row["list"]:
        return QgsProcessingParameterMultipleLayers(name, label, QgsProcessing.SourceType.TypeFile, optional=optional)
    return QgsProcessingParameterFile(name, label, extension=row.get("extension") or "", defaultValue=default(row), optional=optional)


def _folder(row, name, label, optional):
    return QgsProcessingParameterFile(name, label, QgsProcessingParameterFile.Behavior.Folder, optional=optional)


def _text(row, name, label, optional):
    given = default(row)
    if row["list"]:
        label = tr("{label} (one a line)").format(label=label)
        given = "\n".join(given) if given else None
    return QgsProcessingParameterString(name, label, given, multiLine=row["list"], optional=optional)


def _choice(row, name, label, optional):
    return QgsProcessingParameterEnum(
        name, label, row["choices"], allowMultiple=row["list"], defaultValue=default(row), optional=optional, usesStaticStrings=True
    )


def _number(row, name, label, optional):
    kind = QgsProcessingParameterNumber.Type
    parameter = QgsProcessingParameterNumber(
        name, label, kind.Integer if row["type"] == "i64" else kind.Double, default(row), optional
    )
    if row.get("bounds"):
        parameter.setMinimum(row["bounds"][0])
        parameter.setMaximum(row["bounds"][1])
    return parameter


def _bool(row, name, label, optional):
    return QgsProcessingParameterBoolean(name, label, bool(default(row)), optional)


def _extent(row, name, label, optional):
    return QgsProcessingParameterExtent(name, label, optional=optional)


def _raster_out(row, name, label, optional):
    return QgsProcessingParameterRasterDestination(name, label, optional=optional)


def _vector_out(row, name, label, optional):
    return QgsProcessingParameterVectorDestination(name, label, QgsProcessing.SourceType.TypeVectorPoint, optional=optional)


def _file_out(row, name, label, optional):
    extension = row.get("extension") or ""
    pattern = f"{extension.upper()} files (*.{extension})" if extension else ""
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


class Values:
    """Reads the values of one run; `rows` are all rows of the operation."""

    def __init__(self, algorithm, rows, parameters, context, feedback):
        self.algorithm, self.rows = algorithm, rows
        self.parameters, self.context, self.feedback = parameters, context, feedback

    def inputs(self):
        """The inputs by key. What is empty, or optional and left at its default, is not given. Main thread only: asks layers."""
        found = {row["key"]: (row, self._value(row)) for row in self.rows if row["type"] not in OUTPUTS}
        return {key: value for key, (row, value) in found.items() if value not in (None, "", []) and (row["required"] or value != default(row))}

    def outputs(self):
        """The paths of the destinations by key, less those that are not wanted. To be asked for with the context of the thread that runs:
        it notes what is to be loaded, and what another context notes is lost."""
        found = {row["key"]: self._value(row) for row in self.rows if row["type"] in OUTPUTS}
        return {key: path for key, path in found.items() if path}

    def _value(self, row):
        reader = getattr(self, "_" + ("number" if row["type"] in ("i64", "f64") else row["type"]))
        if self.parameters.get(row["key"].upper()) is None and row["type"] not in OUTPUTS:
            return default(row)
        return reader(row, row["key"].upper())

    def _as(self, kind, name):
        return getattr(self.algorithm, "parameterAs" + kind)(self.parameters, name, self.context)

    def _layers(self, row, name):
        layers = self._as("LayerList", name) if row["list"] else [self._as("RasterLayer", name)]
        if None in layers:
            raise QgsProcessingException(tr("{label}: the raster could not be opened").format(label=row["label"]))
        return layers

    def _raster(self, row, name):
        paths = [raster_path(layer, self.feedback) for layer in self._layers(row, name)]
        return paths if row["list"] else paths[0]

    def _vector(self, row, name):
        layer = self._as("VectorLayer", name)
        if layer is None:
            raise QgsProcessingException(tr("{label}: the layer could not be opened").format(label=row["label"]))
        return vector_path(layer, self.context, self.feedback)

    def _field(self, row, name):
        if not row["list"]:
            return self._as("String", name)
        return self._as("Strings" if hasattr(self.algorithm, "parameterAsStrings") else "Fields", name)

    def _file_in(self, row, name):
        return self._as("FileList", name) if row["list"] else self._as("File", name)

    def _folder_in(self, row, name):
        return self._as("File", name)

    def _text(self, row, name):
        text = self._as("String", name)
        return [self._entry(entry) for entry in entries(text)] if row["list"] else text

    def _entry(self, entry):
        """ID=name becomes ID=path where the name is a raster layer of the project."""
        key, sign, name = entry.partition("=")
        layer = QgsProcessingUtils.mapLayerFromString(name.strip(), self.context, False) if sign else None
        return f"{key.strip()}={raster_path(layer, self.feedback)}" if isinstance(layer, QgsRasterLayer) else entry

    _bytes = _text

    def _choice(self, row, name):
        return self._as("EnumStrings", name) if row["list"] else self._as("EnumString", name)

    def _number(self, row, name):
        return self._as("Int" if row["type"] == "i64" else "Double", name)

    def _bool(self, row, name):
        return self._as("Boolean", name)

    def _extent(self, row, name):
        """In the CRS of the first raster that is given, which is the grid of the operation."""
        grids = [r for r in self.rows if r["type"] == "raster" and self.parameters.get(r["key"].upper())]
        crs = self._layers(grids[0], grids[0]["key"].upper())[0].crs() if grids else self._as("ExtentCrs", name)
        box = self.algorithm.parameterAsExtent(self.parameters, name, self.context, crs)
        if box.isNull():
            return None
        return ",".join(repr(edge) for edge in (box.xMinimum(), box.yMinimum(), box.xMaximum(), box.yMaximum()))

    def _raster_out(self, row, name):
        return self._as("OutputLayer", name)

    _vector_out = _raster_out

    def _file_out(self, row, name):
        return self._as("FileOutput", name)

    def _folder_out(self, row, name):
        return self._as("FileOutput", name)
