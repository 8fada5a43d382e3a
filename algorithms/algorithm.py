"""The base of every Salina algorithm: texts, parameters and outputs come from the operation's own description in libsalina.

Layers are resolved in prepareAlgorithm (main thread), the operation runs in processAlgorithm (worker thread).
"""

import json

from qgis.PyQt import sip
from qgis.PyQt.QtGui import QIcon
from qgis.core import (
    QgsApplication,
    QgsMultiBandColorRenderer,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingLayerPostProcessorInterface,
    QgsProcessingOutputMultipleLayers,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsRaster,
    QgsRasterLayer,
)

from .. import native
from ..texts import help_url, icon_path, tr
from .parameters import LAYER_OUTPUTS, OUTPUTS, define, help_text, out_of_bounds
from .values import Values

LAYER_LISTS = {"stacks"}  # results that name rasters: a model takes them as input of the next step
WARNING = "Warning: "  # libsalina puts it in front of a line that is one


class SidecarStyle(QgsProcessingLayerPostProcessorInterface):
    """Gives a loaded output the style that the operation wrote beside it; Processing itself does not look there. A scene or stack has
    none: it is shown in its natural colours. Views are other bands of the same file, as layers of their own below it."""

    def __init__(self, views=()):
        super().__init__()
        self._views = views

    def postProcessLayer(self, layer, context, feedback):
        layer.loadDefaultStyle()
        show_natural_colours(layer)
        layer.triggerRepaint()
        for view in self._views:
            add_view(layer, view, context.project())


def add_view(layer, view, project):
    """A second layer of the same file, named and styled as the operation says."""
    if project is None:
        return
    titles = {"di": tr("Dissimilarity index (no unit)")}
    second = QgsRasterLayer(layer.source(), f'{titles.get(view["band"], view["band"])}: {layer.name()}')
    second.loadNamedStyle(view["style"])
    project.addMapLayer(second, False)
    node = project.layerTreeRoot().findLayer(layer.id())
    if node is None:  # not in the tree yet: it will come on top
        project.layerTreeRoot().insertLayer(0, second)
    else:
        node.parent().insertLayer(node.parent().children().index(node) + 1, second)


def show_natural_colours(layer):
    """Red, green and blue as the file marks them: QGIS itself takes the first three bands, whatever they are."""
    renderer, provider = layer.renderer(), layer.dataProvider()
    if not isinstance(renderer, QgsMultiBandColorRenderer):
        return
    found = {provider.colorInterpretation(band): band for band in range(provider.bandCount(), 0, -1)}
    bands = [found.get(colour) for colour in (QgsRaster.RedBand, QgsRaster.GreenBand, QgsRaster.BlueBand)]
    if None not in bands and bands != [renderer.redBand(), renderer.greenBand(), renderer.blueBand()]:
        layer.setRenderer(QgsMultiBandColorRenderer(provider, *bands))
        layer.setDefaultContrastEnhancement()


_styles = []


def sidecar_style(views=()):
    """A new one for each layer: the context deletes it, and only this list keeps it alive until then."""
    _styles[:] = [style for style in _styles if not sip.isdeleted(style)]
    _styles.append(SidecarStyle(views))
    return _styles[-1]


def _figure(value):
    """A value of the result as QGIS can show it: lists and objects as JSON text."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (list, dict)) else value


class SalinaAlgorithm(QgsProcessingAlgorithm):
    """A subclass says which operation it runs, in which section of the toolbox it stands, and its picture."""

    operation = ""
    section = ""
    picture = ""

    def __init__(self):
        super().__init__()
        self._inputs = {}
        self._outputs = {}
        self._views = []  # of the result: bands that are layers of their own
        self._cancelled = False

    def createInstance(self):
        return type(self)()

    # ---- texts

    def _description(self):
        """What the library says about the operation; {} where the library or the operation is missing."""
        try:
            return native.operations().get(self.operation, {})
        except (native.LibraryMissing, native.SalinaError):
            return {}

    def _rows(self):
        return self._description().get("params", [])

    def _results(self):
        """Figures of the result, less those that are the path of a destination."""
        keys = {row["key"] for row in self._rows() if row["type"] in OUTPUTS}
        return [row for row in self._description().get("results", []) if row["key"] not in keys]

    def name(self):
        return self.operation

    def displayName(self):
        return tr(self._description().get("title") or type(self).__doc__.split(":")[0])

    def group(self):
        return tr(self.section)

    def groupId(self):
        return self.section.lower()

    def tags(self):
        tags = self._description().get("tags", "salinity,soil")
        tags = tags.split(",") if isinstance(tags, str) else tags
        return [tr(tag.strip()) for tag in tags]

    def shortDescription(self):
        return tr(self._description().get("summary") or type(self).__doc__)

    def shortHelpString(self):
        """Plain text: dialogs make a paragraph of each line, and qgis_process prints it as it is."""
        description = self._description()
        if not description:
            return self.canExecute()[1] or self.shortDescription()
        lines = [tr(description["summary"]), *tr(description["help"]).split("\n")]
        lines += [f'{tr(row["label"])}: {help_text(row)}' for row in self._rows()]
        return "\n".join(line for line in lines if line.strip())

    def helpUrl(self):
        return help_url(self.operation)

    def icon(self):
        return QIcon(self.svgIconPath())

    def svgIconPath(self):
        return icon_path(self.picture)

    # ---- parameters and outputs

    def initAlgorithm(self, configuration=None):
        for row in self._rows():
            self.addParameter(define(row))
        for row in self._results():
            output = QgsProcessingOutputNumber if row["number"] else QgsProcessingOutputString
            if row["key"] in LAYER_LISTS:
                output = QgsProcessingOutputMultipleLayers
            self.addOutput(output(row["key"].upper(), tr(row["label"])))

    def canExecute(self):
        try:
            if self.operation in native.operations():
                return True, ""
        except (native.LibraryMissing, native.SalinaError) as reason:
            return False, str(reason)
        return False, tr('libsalina {version} has no operation "{name}"; install the version that belongs to this plugin').format(
            version=native.build()["version"], name=self.operation
        )

    def checkParameterValues(self, parameters, context):
        """What QGIS checks itself, in words that name the bounds, and the formats that the operations write."""
        for row in self._rows():
            name = row["key"].upper()
            reason = out_of_bounds(row, parameters.get(name))
            if not reason and row["type"] in LAYER_OUTPUTS and parameters.get(name):
                scratch = QgsProcessingContext()  # asking marks the layer for loading
                reason = self.parameterDefinition(name).isSupportedOutputValue(parameters[name], scratch)[1]
            if reason:
                return False, f'{self.parameterDefinition(name).description()}: {reason}'
        ok, message = super().checkParameterValues(parameters, context)
        return ok, message if ok else self._reason(parameters, context) or message

    def _reason(self, parameters, context):
        """Which value QGIS does not take; its own words hold only a key."""
        for parameter in self.parameterDefinitions():
            value = parameters.get(parameter.name())
            if not parameter.checkValueIsAcceptable(value, context):
                missing = value in (None, "", [])
                reason = tr("a value is needed") if missing else tr("{value} cannot be opened, or is no such thing").format(value=value)
                return f"{parameter.description()}: {reason}"
        return ""

    # ---- a run

    def prepareAlgorithm(self, parameters, context, feedback):
        self._inputs = Values(self, self._rows(), parameters, context, feedback).inputs()
        return True

    def processAlgorithm(self, parameters, context, feedback):
        """Cancelled: returns {} and nothing is loaded, as Processing expects; the operation leaves no partial file."""

        def report(fraction, message):
            feedback.setProgress(100 * fraction)
            if message and message.startswith(WARNING):
                feedback.pushWarning(message[len(WARNING):])
            elif message:
                feedback.pushInfo(message)
            return feedback.isCanceled()

        self._outputs = Values(self, self._rows(), parameters, context, feedback).outputs()
        try:
            result = native.run(self.operation, {**self._inputs, **self._outputs}, report, max(QgsApplication.maxThreads(), 0))
        except native.Cancelled:
            self._cancelled = True
            return {}
        except native.SalinaError as error:
            raise QgsProcessingException(str(error)) from error
        self._views = result.get("views", [])
        outputs = {row["key"].upper(): self._outputs.get(row["key"]) for row in self._rows() if row["type"] in OUTPUTS}
        for row in self._results():
            layers = row["key"] in LAYER_LISTS
            outputs[row["key"].upper()] = self._paths(result, row["key"]) if layers else _figure(result.get(row["key"]))
        return outputs

    @staticmethod
    def _paths(result, key):
        """The files of a result that is one of several, or the only one."""
        return [one["output"] for one in result.get(key) or [result]]

    def postProcessAlgorithm(self, context, feedback):
        wanted = context.layersToLoadOnCompletion()
        for row in self._rows():
            path = self._outputs.get(row["key"])
            if row["type"] not in LAYER_OUTPUTS or path not in wanted:
                continue
            if self._cancelled:
                del wanted[path]
                context.setLayersToLoadOnCompletion(wanted)
            else:
                context.layerToLoadOnCompletionDetails(path).setPostProcessor(sidecar_style([view for view in self._views if view["of"] == row["key"]]))
        return {}
