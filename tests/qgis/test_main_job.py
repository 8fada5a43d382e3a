"""The main job through qgis_process with the real library: a delta, its stacks, a trained model, a map."""

import json
import time

import pytest
from conftest import needs


def bands(path):
    """Descriptions of the bands of a raster, and its size."""
    from osgeo import gdal

    dataset = gdal.Open(path)
    return [dataset.GetRasterBand(i + 1).GetDescription() for i in range(dataset.RasterCount)], (dataset.RasterXSize, dataset.RasterYSize)


def test_demo_makes_scenes_samples_and_truth(delta):
    results = delta.made().done["demo"]
    assert results["SAMPLES"] == 240 and results["MEAN_SALINITY"] > 0
    assert (delta.folder / "dem.tif").exists() and (delta.folder / "samples.gpkg").exists()
    assert len(list(delta.folder.glob("scene_*.tif"))) == 2


def test_covariates_makes_one_band_a_covariate(delta):
    names, size = bands(delta.stacks()[0])
    assert size == (256, 256)
    assert {"B02", "B8A", "B12", "DEM", "SLOPE", "REL_ELEV", "SOS", "GUS", "SDPS"} <= set(names)


def test_train_makes_model_report_and_predictions(delta):
    delta.model()
    results = delta.done["train"]
    assert all((delta.folder / name).stat().st_size > 1000 for name in ("delta.safetensors", "report.html", "predictions.gpkg"))
    assert "<html" in (delta.folder / "report.html").read_text().lower()
    assert any(isinstance(value, (int, float)) for value in results.values())


def test_predictions_are_a_layer_with_one_row_a_sample(delta):
    delta.model()
    from qgis.core import QgsVectorLayer

    layer = QgsVectorLayer(str(delta.folder / "predictions.gpkg"), "predictions")
    assert layer.isValid() and layer.crs().authid() == "EPSG:32650" and 150 < layer.featureCount() <= 240


def test_retrieve_makes_a_map_on_the_grid_of_the_stack(delta):
    names, size = bands(delta.map())
    assert size == (256, 256)
    assert names[:3] == ["salinity", "lower", "upper"] and "quality" in names


def test_map_is_loaded_with_the_style_beside_it(delta):
    from qgis.core import QgsProcessingContext, QgsProcessingFeedback, QgsRasterLayer
    from salina.algorithms.algorithm import sidecar_style

    path = delta.map()
    options = QgsRasterLayer.LayerOptions()
    options.loadDefaultStyle = False
    layer = QgsRasterLayer(path, "map", "gdal", options)
    before = layer.renderer().type()
    sidecar_style().postProcessLayer(layer, QgsProcessingContext(), QgsProcessingFeedback(False))
    assert layer.renderer().type() == "singlebandpseudocolor" != before
    assert len(layer.renderer().legendSymbologyItems()) >= 4


def test_same_map_from_the_python_console(delta, tmp_path):
    """The same bytes as from qgis_process, which holds another CBLAS (GSL's) that must not be taken for OpenBLAS."""
    from qgis.core import QgsProcessingContext, QgsProcessingFeedback
    from salina.algorithms.retrieve import Retrieve

    expected = delta.map()
    path = str(tmp_path / "map.tif")
    _, ok = Retrieve().create().run({"STACK": delta.stacks()[0], "MODEL": delta.model(), "OUTPUT": path}, QgsProcessingContext(), QgsProcessingFeedback())
    from osgeo import gdal

    assert ok
    mine, other = gdal.Open(path), gdal.Open(expected)
    assert all(mine.GetRasterBand(i + 1).ReadRaster() == other.GetRasterBand(i + 1).ReadRaster() for i in range(other.RasterCount))


def tensors(path):
    """The bytes of a model behind its header, which holds the time of training."""
    content = path.read_bytes()
    return content[8 + int.from_bytes(content[:8], "little") :]


def test_same_network_from_a_plain_process(delta, tmp_path):
    from salina import native

    delta.model()
    arguments = {"stacks": delta.stacks(), "samples": delta.samples, "target": "salinity", "unit": "g/kg", "date_field": "date"}
    native.run("train", {**arguments, "folds": 2, "epochs": 2, "seed": 1, "output": str(tmp_path / "m.safetensors")})
    assert tensors(tmp_path / "m.safetensors") == tensors(delta.folder / "delta.safetensors")


@pytest.mark.parametrize("name", ["demo", "covariates", "train", "retrieve", "compare"])
def test_cancel_answers_at_once_and_leaves_nothing(delta, tmp_path, name):
    """Asked in the middle of the work; a second, because test machines are shared (the design says half of one)."""
    needs(name)
    from osgeo import gdal
    from salina import native

    delta.made()
    large = str(delta.folder / "large_dem.tif")
    gdal.Translate(large, str(delta.folder / "dem.tif"), width=4000, height=4000, resampleAlg="bilinear")
    arguments = {
        "demo": lambda: {"output": str(tmp_path / "delta"), "size": 1000},
        "covariates": lambda: {"dem": large, "output": str(tmp_path / "s.tif")},
        "train": lambda: {
            "stacks": delta.stacks(), "samples": delta.samples, "target": "salinity", "unit": "g/kg", "date_field": "date",
            "output": str(tmp_path / "m.safetensors"),
        },
        "retrieve": lambda: {"stack": delta.stacks()[0], "model": delta.model(), "output": str(tmp_path / "map.tif")},
        "compare": lambda: {
            "stacks": delta.stacks(), "samples": delta.samples, "target": "salinity", "unit": "g/kg", "date_field": "date", "systems": ["random_forest", "ss_soilnet"],
            "output": str(tmp_path / "table.csv"), "report": str(tmp_path / "report.html"),
        },
    }[name]()  # fmt: skip
    asked = []

    def report(fraction, message):
        if fraction > 0.05 and not asked:
            asked.append(time.monotonic())
        return bool(asked)

    with pytest.raises(native.Cancelled):
        native.run(name, arguments, report)
    assert time.monotonic() - asked[0] < 1
    assert list(tmp_path.iterdir()) == []


BAD = {
    "no input": ("covariates", {"OUTPUT": "{tmp}/s.tif"}, "scene"),
    "unknown index": ("covariates", {"DEM": "{delta}/dem.tif", "INDICES": "FOO", "OUTPUT": "{tmp}/s.tif"}, 'indices has "FOO"'),
    "points for a scene": ("covariates", {"SCENE": "{delta}/samples.gpkg", "OUTPUT": "{tmp}/s.tif"}, "no file that GDAL can read"),
    "missing file": ("covariates", {"SCENE": "/nowhere/scene.tif", "OUTPUT": "{tmp}/s.tif"}, "Scenes: /nowhere/scene.tif cannot be opened"),
    "missing folder": ("covariates", {"DEM": "{delta}/dem.tif", "OUTPUT": "/nowhere/at/all/s.tif"}, "/nowhere/at/all"),
    "small delta": ("demo", {"OUTPUT": "{tmp}/d", "SIZE": "10"}, "Size (pixels): 10 is outside 256 to 12000"),
    "model that is none": ("retrieve", {"STACK": "{stack}", "MODEL": "{delta}/none.safetensors", "OUTPUT": "{tmp}/m.tif"}, "none.safetensors"),
    "text target": ("train", {"STACKS": "{stack}", "SAMPLES": "{delta}/samples.gpkg", "TARGET": "date", "UNIT": "g/kg", "OUTPUT": "{tmp}/m.safetensors"}, "date"),
    "field that is not there": ("train", {"STACKS": "{stack}", "SAMPLES": "{delta}/samples.gpkg", "TARGET": "salt", "UNIT": "g/kg", "OUTPUT": "{tmp}/m.safetensors"}, "salt"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_exits_with_1_one_sentence_and_no_file(delta, qgis_process, tmp_path, case):
    name, parameters, sentence = BAD[case]
    needs(name)
    delta.made()
    (delta.folder / "none.safetensors").write_bytes(b"this is no model")
    stack = delta.stacks()[0] if any("{stack}" in value for value in parameters.values()) else ""
    words = [f"--{key}={value.format(tmp=tmp_path, delta=delta.folder, stack=stack)}" for key, value in parameters.items()]
    done = qgis_process("run", f"salina:{name}", *words)
    assert done.returncode == 1
    assert sentence in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_chain_works_as_a_model_of_the_model_designer(delta, tmp_path):
    """covariates, train, retrieve as children that hand on their files; run in this process."""
    needs("covariates", "train", "retrieve")
    from qgis.core import (
        QgsApplication,
        QgsProcessingContext,
        QgsProcessingFeedback,
        QgsProcessingModelAlgorithm,
        QgsProcessingModelChildParameterSource as Source,
        QgsProcessingModelOutput,
        QgsProcessingModelParameter,
        QgsProcessingParameterRasterLayer,
        QgsProcessingParameterVectorLayer,
    )
    from salina import classFactory
    from test_model_designer import child

    delta.made()
    plugin = classFactory(None)
    plugin.initProcessing()
    try:
        assert QgsApplication.processingRegistry().algorithmById("salina:train") is not None
        model = QgsProcessingModelAlgorithm("Salinity from a scene", "models")
        for name, kind in (("scene", QgsProcessingParameterRasterLayer), ("dem", QgsProcessingParameterRasterLayer)):
            model.addModelParameter(kind(name, name), QgsProcessingModelParameter(name))
        model.addModelParameter(QgsProcessingParameterVectorLayer("samples", "samples"), QgsProcessingModelParameter("samples"))
        child(model, "stack", "covariates", SCENE=Source.fromModelParameter("scene"), DEM=Source.fromModelParameter("dem"))
        child(
            model, "fit", "train", STACKS=Source.fromChildOutput("stack", "OUTPUT"), SAMPLES=Source.fromModelParameter("samples"),
            TARGET=Source.fromStaticValue("salinity"), UNIT=Source.fromStaticValue("g/kg"), EPOCHS=Source.fromStaticValue(1), FOLDS=Source.fromStaticValue(2),
        )  # fmt: skip
        last = child(model, "map", "retrieve", STACK=Source.fromChildOutput("stack", "OUTPUT"), MODEL=Source.fromChildOutput("fit", "OUTPUT"))
        output = QgsProcessingModelOutput("salinity")
        output.setChildId("map")
        output.setChildOutputName("OUTPUT")
        last.setModelOutputs({"salinity": output})
        model.setChildAlgorithm(last)
        model.initAlgorithm()
        assert model.validate()[0], model.validate()
        scene = str(sorted(delta.folder.glob("scene_*.tif"))[0])
        parameters = {"scene": scene, "dem": str(delta.folder / "dem.tif"), "samples": delta.samples, "map:salinity": str(tmp_path / "map.tif")}
        results, ok = model.run(parameters, QgsProcessingContext(), QgsProcessingFeedback(), {}, False)
        assert ok and results["map:salinity"] == str(tmp_path / "map.tif")
        assert bands(str(tmp_path / "map.tif"))[1] == (256, 256)
    finally:
        plugin.unload()


def test_version_in_the_result_of_the_library_is_that_of_the_plugin(real_library):
    from salina import native
    from salina.texts import metadata

    assert native.build()["version"] == metadata("version") and json.dumps(native.build())
