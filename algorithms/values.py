"""From the values of QGIS parameters to the JSON that an operation takes: layers become paths."""

from qgis.core import (
    QgsProcessing,
    QgsProcessingException,
    QgsProcessingFeatureSourceDefinition,
    QgsProcessingOutputLayerDefinition,
    QgsProcessingUtils,
    QgsRasterLayer,
)

from ..texts import tr
from .layers import raster_path, source_copy, vector_path
from .parameters import OUTPUTS


def entries(text):
    """The entries of a list typed as text: one a line, and ids also between commas; a path keeps its commas."""
    lines = [[line] if any(mark in line for mark in "=/\\") else line.split(",") for line in text.splitlines()]
    return [entry.strip() for line in lines for entry in line if entry.strip()]


class Values:
    """Reads the values of one run; `rows` are all rows of the operation."""

    def __init__(self, algorithm, rows, parameters, context, feedback):
        self.algorithm, self.rows = algorithm, rows
        self.parameters, self.context, self.feedback = parameters, context, feedback

    def inputs(self):
        """The inputs by key. What is empty, or optional and left at its default, is not given. Main thread only: asks layers."""
        found = [(row, self._value(row)) for row in self.rows if row["type"] not in OUTPUTS]
        given = [(row, value) for row, value in found if value not in (None, "", [])]
        return {row["key"]: value for row, value in given if row["required"] or value != row["default"]}

    def outputs(self):
        """The paths of the destinations by key, less those that are not wanted. To be asked for with the context of the thread that runs:
        it notes what is to be loaded, and what another context notes is lost."""
        rows = [row for row in self.rows if row["type"] in OUTPUTS]
        if any(row["type"] == "folder_out" and not row["required"] and self.parameters.get(row["key"].upper()) for row in rows):
            rows = [row for row in rows if not self._only_by_default(row)]  # the dialog offers a file where a folder was chosen in its place
        found = {row["key"]: self._value(row) for row in rows}
        return {key: path for key, path in found.items() if path}

    def _only_by_default(self, row):
        """Whether an output that may be left out stands at the temporary file that dialogs put there."""
        given = self.parameters.get(row["key"].upper())
        if isinstance(given, QgsProcessingOutputLayerDefinition):
            given = given.sink.staticValue()
        return row.get("made", False) and not row["required"] and given in (None, "", QgsProcessing.TEMPORARY_OUTPUT)

    def _value(self, row):
        reader = getattr(self, "_" + ("number" if row["type"] in ("i64", "f64") else row["type"]))
        if self.parameters.get(row["key"].upper()) is None and row["type"] not in OUTPUTS:
            return row["default"]
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
        source = self._as("Source", name)
        if source is None:
            raise QgsProcessingException(tr("{label}: the layer could not be opened").format(label=row["label"]))
        chosen = self.parameters[name]  # selected features, or those that a filter lets through
        if isinstance(chosen, QgsProcessingFeatureSourceDefinition) and (
            chosen.selectedFeaturesOnly or chosen.featureLimit > 0 or getattr(chosen, "filterExpression", "")
        ):
            return source_copy(source, self.context, self.feedback)
        return vector_path(self._as("VectorLayer", name)) or source_copy(source, self.context, self.feedback)

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
