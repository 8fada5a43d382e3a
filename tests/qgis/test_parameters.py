"""From descriptions to QGIS parameters and from their values to JSON, with the stand-in's operation that has every type."""

import json

import pytest
from conftest import WORK

pytestmark = pytest.mark.usefixtures("fake_library")


@pytest.fixture
def algorithm():
    from salina.algorithms.demo import Demo

    return Demo().create()


@pytest.fixture
def raster(tmp_path):
    from osgeo import gdal, osr

    path = str(tmp_path / "scene.tif")
    dataset = gdal.GetDriverByName("GTiff").Create(path, 20, 10, 1)
    dataset.SetGeoTransform((500000, 10, 0, 4100000, 0, -10))
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32650)
    dataset.SetProjection(reference.ExportToWkt())
    dataset.FlushCache()
    return path


@pytest.fixture
def points():
    from qgis.core import QgsFeature, QgsGeometry, QgsPointXY, QgsVectorLayer

    layer = QgsVectorLayer("Point?crs=EPSG:32650&field=EC:double&field=fid:integer", "points", "memory")
    for value in (1.5, 2.5, 2.5):
        feature = QgsFeature(layer.fields())
        feature.setAttributes([value, 7])
        feature.setGeometry(QgsGeometry.fromPointXY(QgsPointXY(500050, 4099950)))
        layer.dataProvider().addFeature(feature)
    return layer


def in_project(layer):
    """An exception that crosses QGIS's C++ keeps its frames, and so the layers in them, alive; the project can still delete its own."""
    from qgis.core import QgsProject

    return QgsProject.instance().addMapLayer(layer)


def recording_feedback(cancel_at=None):
    """Keeps what it is told, and cancels at the given progress step."""
    from qgis.core import QgsProcessingFeedback

    class Recording(QgsProcessingFeedback):
        def __init__(self):
            super().__init__(False)
            self.infos, self.warnings, self.errors, self.steps = [], [], [], []
            self.progressChanged.connect(self.step)

        def step(self, value):
            self.steps.append(value)
            if len(self.steps) == cancel_at:
                self.cancel()

        def pushInfo(self, text):
            self.infos.append(text)

        def pushWarning(self, text):
            self.warnings.append(text)

        def reportError(self, text, fatal=False):
            self.errors.append(text)

    return Recording()


def run(algorithm, parameters):
    from qgis.core import QgsProcessingContext, QgsProcessingFeedback, QgsProject

    context, feedback = QgsProcessingContext(), QgsProcessingFeedback(False)
    context.setProject(QgsProject.instance())
    parameters = {"OUTPUT": str(WORK / "out"), **parameters}
    ok, message = algorithm.checkParameterValues(parameters, context)
    assert ok, message
    results, ok = algorithm.run(parameters, context, feedback, {}, False)
    assert ok
    return results


def given(algorithm, **parameters):
    arguments = json.loads(run(algorithm, parameters)["ECHO"])
    assert arguments.pop("output") == str(WORK / "out")
    return arguments


def test_every_type_of_the_description_becomes_its_qgis_parameter(algorithm):
    kinds = {p.name(): p.type() for p in algorithm.parameterDefinitions()}
    assert kinds == {
        "OUTPUT": "folderDestination", "SCENE": "raster", "STACKS": "multilayer", "SAMPLES": "source", "TARGET": "field", "TABLE": "file",
        "TABLES": "multilayer", "FOLDER": "file", "TITLE": "string", "EXTRA": "string", "SYSTEM": "enum", "SYSTEMS": "enum", "SEED": "number",
        "SIZE": "number", "AOA": "boolean", "MAX_MEMORY": "string", "EXTENT": "extent", "MAP": "rasterDestination",
        "POINTS": "vectorDestination", "REPORT": "fileDestination",
    }  # fmt: skip


def test_bounds_defaults_and_flags_are_those_of_the_description(algorithm):
    from qgis.core import QgsProcessingParameterDefinition

    size = algorithm.parameterDefinition("SIZE")
    assert (size.minimum(), size.maximum(), size.defaultValue(), size.description()) == (0.5, 0.99, 0.9, "Size (m)")
    assert algorithm.parameterDefinition("TARGET").parentLayerParameterName() == "SAMPLES"
    assert algorithm.parameterDefinition("SYSTEM").defaultValue() == "ss_soilnet"
    flags = QgsProcessingParameterDefinition.Flag
    assert algorithm.parameterDefinition("MAX_MEMORY").flags() & flags.FlagAdvanced
    assert not algorithm.parameterDefinition("OUTPUT").flags() & flags.FlagOptional
    assert algorithm.parameterDefinition("MAP").flags() & flags.FlagOptional
    assert not algorithm.parameterDefinition("MAP").createByDefault()


def test_report_is_an_html_output_and_figures_are_outputs(algorithm):
    outputs = {o.name(): o.type() for o in algorithm.outputDefinitions()}
    assert outputs["REPORT"] == "outputHtml" and outputs["SCORE"] == "outputNumber" and outputs["NOTE"] == "outputString"


def test_what_is_left_alone_is_not_passed_on(algorithm):
    assert given(algorithm) == {}
    assert given(algorithm, SEED=1, SYSTEM="ss_soilnet", SIZE=0.9, AOA=True, MAX_MEMORY="2GiB", TITLE="") == {}


def test_plain_values_arrive_in_their_own_types(algorithm):
    assert given(algorithm, SEED=7, SIZE=0.6, SYSTEM="index", SYSTEMS=["c", "a"], TITLE="a b", EXTRA="SOS=a.tif\n\n GUS=b.tif ") == {
        "seed": 7, "size": 0.6, "system": "index", "systems": ["c", "a"], "title": "a b", "extra": ["SOS=a.tif", "GUS=b.tif"],
    }  # fmt: skip


def test_list_typed_as_text_is_split_at_lines_and_ids_at_commas(algorithm):
    assert given(algorithm, EXTRA="NDVI, CRSI\n\nSOS=/a,b.tif\n/c,d.tif")["extra"] == ["NDVI", "CRSI", "SOS=/a,b.tif", "/c,d.tif"]


def test_layer_of_the_project_stands_for_its_path_in_a_list(algorithm, raster):
    from qgis.core import QgsRasterLayer

    in_project(QgsRasterLayer(raster, "start of season"))
    assert given(algorithm, EXTRA="SOS = start of season\nGUS=other")["extra"] == [f"SOS={raster}", "GUS=other"]


def test_false_is_passed_on(algorithm):
    assert given(algorithm, AOA=False) == {"aoa": False}


def test_value_out_of_bounds_is_refused_before_the_run(algorithm):
    from qgis.core import QgsProcessingContext

    ok, message = algorithm.checkParameterValues({"OUTPUT": "/tmp/x", "SIZE": 2}, QgsProcessingContext())
    assert not ok and message == "Size (m): 2 is outside 0.5 to 0.99"


def test_value_that_is_missing_is_named(algorithm):
    from qgis.core import QgsProcessingContext

    assert algorithm.checkParameterValues({}, QgsProcessingContext()) == (False, "Output: a value is needed")


def test_rasters_arrive_as_paths(algorithm, raster):
    from qgis.core import QgsRasterLayer

    layer = QgsRasterLayer(raster, "scene")
    assert given(algorithm, SCENE=layer, STACKS=[layer, raster]) == {"scene": raster, "stacks": [raster, raster]}


def test_raster_that_gdal_cannot_open_by_its_path_is_refused(algorithm, raster):
    from qgis.core import QgsProcessingContext, QgsRasterLayer

    layer = in_project(QgsRasterLayer(raster + "|option:NUM_THREADS=1", "tuned"))
    assert layer.isValid()
    feedback = recording_feedback()
    results, ok = algorithm.run({"OUTPUT": str(WORK / "out"), "SCENE": layer}, QgsProcessingContext(), feedback)
    assert not ok and 'layer "tuned" is opened with options' in feedback.errors[0]


def test_extent_arrives_in_the_crs_of_the_raster(algorithm, raster):
    assert given(algorithm, SCENE=raster, EXTENT="500010,500100,4099920,4099990 [EPSG:32650]")["extent"] == "500010.0,4099920.0,500100.0,4099990.0"
    moved = given(algorithm, SCENE=raster, EXTENT="117,117.002,37.04,37.05 [EPSG:4326]")["extent"].split(",")
    assert 499990 < float(moved[0]) < 500010 and 4090000 < float(moved[1]) < 4110000


def test_layer_in_a_file_arrives_as_path_and_layer_name(algorithm, points, tmp_path):
    from qgis.core import QgsVectorFileWriter, QgsVectorLayer

    path = str(tmp_path / "p.gpkg")
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.layerName, options.layerOptions = "second", ["FID=id"]
    QgsVectorFileWriter.writeAsVectorFormatV3(points, path, points.transformContext() if hasattr(points, "transformContext") else _transforms(), options)
    layer = QgsVectorLayer(f"{path}|layername=second", "points")
    assert given(algorithm, SAMPLES=layer, TARGET="EC") == {"samples": f"{path}|layername=second", "target": "EC"}
    layer.setSubsetString("EC > 2")
    assert _features(given(algorithm, SAMPLES=layer)["samples"]) == [2.5, 2.5]


def _transforms():
    from qgis.core import QgsCoordinateTransformContext

    return QgsCoordinateTransformContext()


def _features(name):
    from qgis.core import QgsVectorLayer

    return [feature["EC"] for feature in QgsVectorLayer(name, "copy").getFeatures()]


def test_memory_layer_is_copied_with_what_the_user_sees(algorithm, points):
    assert _features(given(algorithm, SAMPLES=points)["samples"]) == [1.5, 2.5, 2.5]


def test_selected_features_alone_are_passed_on(algorithm, points):
    from qgis.core import QgsProcessingFeatureSourceDefinition

    in_project(points)
    points.selectByIds([1, 3])
    assert _features(given(algorithm, SAMPLES=QgsProcessingFeatureSourceDefinition(points.id(), True))["samples"]) == [1.5, 2.5]
    assert len(_features(given(algorithm, SAMPLES=QgsProcessingFeatureSourceDefinition(points.id(), False))["samples"])) == 3


def test_unsaved_edits_count(algorithm, points):
    points.startEditing()
    points.deleteFeature(1)
    assert _features(given(algorithm, SAMPLES=points)["samples"]) == [2.5, 2.5]
    points.rollBack()


def test_outputs_are_returned_with_the_figures(algorithm, tmp_path):
    results = run(algorithm, {"REPORT": str(tmp_path / "r.html"), "MAP": str(tmp_path / "m.tif")})
    assert results["REPORT"] == str(tmp_path / "r.html") and results["MAP"] == str(tmp_path / "m.tif")
    assert results["SCORE"] == 0.5 and results["POINTS"] is None


def test_unwanted_format_is_refused(algorithm):
    from qgis.core import QgsApplication, QgsProcessingContext
    from salina.provider import SalinaProvider

    provider = SalinaProvider()
    QgsApplication.processingRegistry().addProvider(provider)
    try:
        ok, message = provider.algorithm("demo").checkParameterValues({"OUTPUT": "/tmp/x", "MAP": "/tmp/x.jpg"}, QgsProcessingContext())
    finally:
        QgsApplication.processingRegistry().removeProvider(provider)
    assert not ok and "jpg" in message


def test_failure_raises_the_sentence(points, tmp_path):
    from qgis.core import QgsProcessingException
    from salina.algorithms.train import Train

    with pytest.raises(QgsProcessingException, match='target "EC" of layer "points" is constant'):
        run(Train().create(), {"SAMPLES": in_project(points), "OUTPUT": str(tmp_path / "m.safetensors")})


def test_cancelled_run_gives_nothing_and_loads_nothing(tmp_path):
    from qgis.core import QgsProcessingContext, QgsProcessingOutputLayerDefinition, QgsProject
    from salina.algorithms.retrieve import Retrieve

    context, feedback = QgsProcessingContext(), recording_feedback(cancel_at=3)
    context.setProject(QgsProject.instance())
    target = QgsProcessingOutputLayerDefinition(str(tmp_path / "map.tif"), QgsProject.instance())
    results, ok = Retrieve().create().run({"OUTPUT": target}, context, feedback, {}, False)
    assert results == {} and ok
    assert context.layersToLoadOnCompletion() == {}
    assert feedback.infos == ["working …"] and feedback.warnings == ["one band is dark"]
    assert feedback.steps == sorted(feedback.steps)
