"""Layers that Processing loads get the style that the operation wrote beside them."""

import gc

import pytest


@pytest.fixture
def styled_raster(app, tmp_path):
    """A raster with a one-colour style in <name>.qml."""
    from osgeo import gdal
    from qgis.core import QgsRasterLayer, QgsSingleBandPseudoColorRenderer

    path = str(tmp_path / "map.tif")
    gdal.GetDriverByName("GTiff").Create(path, 4, 4, 1, gdal.GDT_Float32).FlushCache()
    layer = QgsRasterLayer(path, "map")
    layer.setRenderer(QgsSingleBandPseudoColorRenderer(layer.dataProvider(), 1))
    assert layer.saveNamedStyle(str(tmp_path / "map.qml"))[1]
    return path


def unstyled(path):
    from qgis.core import QgsRasterLayer

    options = QgsRasterLayer.LayerOptions()
    options.loadDefaultStyle = False
    layer = QgsRasterLayer(path, "map", "gdal", options)
    assert layer.renderer().type() == "singlebandgray"
    return layer


def test_post_processor_loads_the_style_beside_the_file(styled_raster):
    from qgis.core import QgsProcessingContext, QgsProcessingFeedback
    from salina.algorithms.algorithm import sidecar_style

    layer = unstyled(styled_raster)
    sidecar_style().postProcessLayer(layer, QgsProcessingContext(), QgsProcessingFeedback(False))
    assert layer.renderer().type() == "singlebandpseudocolor"


def test_layer_without_a_style_is_shown_in_its_natural_colours(app, tmp_path):
    from osgeo import gdal
    from qgis.core import QgsProcessingContext, QgsProcessingFeedback, QgsRasterLayer
    from salina.algorithms.algorithm import sidecar_style

    for colours, bands in (("UBGRU", [4, 3, 2]), ("UBGUU", [1, 2, 3])):
        path = str(tmp_path / f"{colours}.tif")
        made = gdal.GetDriverByName("GTiff").Create(path, 8, 8, 5, gdal.GDT_Float32, ["PHOTOMETRIC=MINISBLACK"])
        for k, colour in enumerate(colours, 1):
            made.GetRasterBand(k).SetColorInterpretation({"U": 0, "R": gdal.GCI_RedBand, "G": gdal.GCI_GreenBand, "B": gdal.GCI_BlueBand}[colour])
            made.GetRasterBand(k).WriteRaster(0, 0, 1, 1, b"\0\0\x80?")
        made = None
        layer = QgsRasterLayer(path, "stack")
        sidecar_style().postProcessLayer(layer, QgsProcessingContext(), QgsProcessingFeedback(False))
        assert layer.renderer().type() == "multibandcolor" and layer.renderer().usesBands() == bands
        assert layer.renderer().redContrastEnhancement() is not None


def test_layer_that_will_be_loaded_gets_the_post_processor(fake_library, styled_raster):
    from qgis.core import QgsProcessingContext, QgsProcessingFeedback, QgsProcessingOutputLayerDefinition, QgsProject
    from salina.algorithms import algorithm
    from salina.algorithms.demo import Demo

    algorithm._styles.clear()
    for _ in range(3):
        context = QgsProcessingContext()
        context.setProject(QgsProject.instance())
        target = QgsProcessingOutputLayerDefinition(styled_raster, QgsProject.instance())
        _, ok = Demo().create().run({"OUTPUT": "/tmp/out", "MAP": target}, context, QgsProcessingFeedback(False))
        gc.collect()
        assert ok and context.willLoadLayerOnCompletion(styled_raster)
        layer = unstyled(styled_raster)
        context.layerToLoadOnCompletionDetails(styled_raster).postProcessor().postProcessLayer(layer, context, QgsProcessingFeedback(False))
        assert layer.renderer().type() == "singlebandpseudocolor"
        del context
    assert len(algorithm._styles) < 3, "those that a context deleted are forgotten"


def test_views_of_a_result_become_layers_below_it(app, styled_raster, tmp_path):
    from qgis.core import QgsProcessingContext, QgsProcessingFeedback, QgsProject
    from salina.algorithms.algorithm import sidecar_style

    project = QgsProject()
    context = QgsProcessingContext()
    context.setProject(project)
    views = [{"of": "output", "band": "di", "style": str(tmp_path / "map.qml")}]
    layer = project.addMapLayer(unstyled(styled_raster))
    other = project.addMapLayer(unstyled(styled_raster))
    sidecar_style(views).postProcessLayer(layer, context, QgsProcessingFeedback(False))
    tree = [node.layer() for node in project.layerTreeRoot().findLayers()]
    assert [tree[0].id(), tree[1].id()] == [other.id(), layer.id()] and len(tree) == 3
    assert tree[2].name() == "Dissimilarity index (no unit): map" and tree[2].renderer().type() == "singlebandpseudocolor"
    assert tree[2].source() == layer.source()
    sidecar_style(views).postProcessLayer(unstyled(styled_raster), QgsProcessingContext(), QgsProcessingFeedback(False))  # no project: nothing to add to
    sidecar_style().postProcessLayer(layer, context, QgsProcessingFeedback(False))
    assert len(project.mapLayers()) == 3
