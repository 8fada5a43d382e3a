/* test_style.c - styles are well-formed, and QGIS, where it is installed, loads them and paints the colours they name
 * (style_in_qgis.py). */
#include "data_test.h"
#include "data/layer_style.h"
#include <cpl_minixml.h>

static void style_is_well_formed_and_escapes_labels(void **state)
{
    const double upper[3] = { 2, 4.5, INFINITY };
    const uint8_t colours[9] = { 0, 0, 255, 0, 255, 0, 255, 0, 0 };
    const char *labels[3] = { "< 2 g/kg", "2 - 4.5 & \"more\"", "> 4.5" };
    assert_done(sal_style_write_classes(ctx, in_folder("classes.qml"), 1, 3, upper, colours, labels));
    CPLXMLNode *tree = CPLParseXMLFile(in_folder("classes.qml"));
    assert_non_null(tree);
    CPLXMLNode *shader = CPLSearchXMLNode(tree, "=colorrampshader");
    assert_non_null(shader);
    assert_string_equal(CPLGetXMLValue(shader, "colorRampType", ""), "DISCRETE");
    int n = 0;
    for (CPLXMLNode *item = shader->psChild; item; item = item->psNext)
        if (item->eType == CXT_Element && !strcmp(item->pszValue, "item")) {
            assert_string_equal(CPLGetXMLValue(item, "label", ""), labels[n]);
            n++;
        }
    assert_int_equal(n, 3);
    CPLDestroyXMLNode(tree);
    assert_int_equal(sal_style_write_ramp(ctx, "/no/such/folder/a.qml", 1, 0, 1, NULL), SAL_STATUS_IO);
}

/* Seven classes of which the fourth ends at the threshold; two where it is 0. */
static void index_style_marks_the_threshold(void **state)
{
    const double thresholds[2] = { 0.24, 0 };
    for (int k = 0; k < 2; k++) {
        int n = 0, outside = 0;
        assert_done(sal_style_write_index(ctx, in_folder("index.qml"), 4, thresholds[k]));
        CPLXMLNode *tree = CPLParseXMLFile(in_folder("index.qml"));
        CPLXMLNode *shader = CPLSearchXMLNode(tree, "=colorrampshader");
        assert_string_equal(CPLGetXMLValue(CPLSearchXMLNode(tree, "=rasterrenderer"), "band", ""), "4");
        for (CPLXMLNode *item = shader->psChild; item; item = item->psNext) {
            if (item->eType != CXT_Element || strcmp(item->pszValue, "item")) continue;
            const char *label = CPLGetXMLValue(item, "label", "");
            bool beyond = strstr(label, "not applicable") != NULL;
            if (strstr(label, "(threshold)")) assert_true(CPLAtof(CPLGetXMLValue(item, "value", "")) == thresholds[k] && !outside);
            outside += beyond, n++;
        }
        assert_true(n == (k ? 2 : 7) && outside == (k ? 1 : 3));
        CPLDestroyXMLNode(tree);
    }
}

static void style_paints_in_qgis_what_it_says(void **state)
{
    char command[4096];
    if (system("/usr/bin/python3 -c 'import qgis.core' > /dev/null 2>&1") != 0) {
        print_message("no QGIS for /usr/bin/python3\n");
        skip();
    }
    double v[5] = { 1, 2, 3, 100, -9999 };
    GDALDatasetH ds = make_raster(in_folder("painted.tif"), GDT_Float32, 5, 1, 1, v, NULL);
    GDALSetRasterNoDataValue(GDALGetRasterBand(ds, 1), -9999);
    GDALClose(ds);
    GDALClose(make_raster(in_folder("codes.tif"), GDT_Byte, 5, 1, 1, (double[]){ 0, 1, 2, 4, 4 }, NULL));
    const double upper[3] = { 2, 4.5, INFINITY };
    const uint8_t colours[9] = { 0, 0, 255, 0, 255, 0, 255, 0, 0 };
    const char *labels[3] = { "low", "medium", "high" };
    const int32_t codes[3] = { 0, 1, 4 };
    assert_done(sal_style_write_classes(ctx, in_folder("classes.qml"), 1, 3, upper, colours, labels));
    assert_done(sal_style_write_palette(ctx, in_folder("palette.qml"), 1, 3, codes, colours, labels));
    assert_done(sal_style_write_ramp(ctx, in_folder("ramp.qml"), 1, 1, 3, "g/kg"));
    assert_done(sal_style_write_index(ctx, in_folder("index.qml"), 1, 2));
    int here = (int)(strrchr(__FILE__, '/') - __FILE__);
    snprintf(command, sizeof command,
             "QT_QPA_PLATFORM=offscreen /usr/bin/python3 '%.*s/style_in_qgis.py' '%s' > '%s' 2>&1", here, __FILE__,
             folder, in_folder("qgis.log"));
    int exit_status = system(command);
    if (exit_status != 0) {
        char line[1024];
        FILE *log = fopen(in_folder("qgis.log"), "r");
        while (log && fgets(line, sizeof line, log)) print_message("%s", line);
        if (log) fclose(log);
    }
    assert_int_equal(exit_status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(style_is_well_formed_and_escapes_labels),
        TEST(index_style_marks_the_threshold),
        TEST(style_paints_in_qgis_what_it_says),
    };
    return cmocka_run_group_tests(tests, data_setup, data_teardown);
}
