/* test_covariates_operation.c - Build covariate stack on little rasters made here: what the stack holds, and what is refused in which words. */
#include "operations/arguments.h"
#include "data/stack.h"
#include "features/covariates.h"

#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static sal_context *ctx;
static char folder[256];

typedef float (*field)(double x, double y, int band);

static float reflectance(double x, double y, int band)
{
    return (float)(.08 + .03 * band + .05 * sin(x / 170) * cos(y / 230) + .01 * sin(x * y / 9e8));
}

static float numbers(double x, double y, int band) { return roundf(10000 * reflectance(x, y, band)); }

static float percent(double x, double y, int band) { return 100 * reflectance(x, y, band); }

static float ramp(double x, double y, int band) { return (float)(4 + .02 * (x - 500000) + .01 * (y - 4200000)); }

static float season(double x, double y, int band) { return (float)(120 + 10 * sin(x / 300)); }

static float nothing(double x, double y, int band) { return NAN; }

/* "name.tif" in the test folder. Four at a time. */
static const char *in_folder(const char *name)
{
    static char texts[4][600];
    static int next;
    char *text = texts[next++ % 4];
    snprintf(text, 600, "%s/%s", folder, name);
    return text;
}

/* Writes a raster of n bands named by "B02,B03"; its pixel centres hold f. */
static void make(const char *name, const char *bands, field f, const char *crs, double x0, double y0, double pixel,
                 int64_t columns, int64_t rows)
{
    sal_band_spec specs[16];
    char copy[256], *rest = copy;
    int64_t n = 0;
    sal_grid grid;
    sal_raster_writer *writer;
    snprintf(copy, sizeof copy, "%s", bands);
    for (char *word; (word = strsep(&rest, ","));) specs[n++] = (sal_band_spec){ .name = word, .scale = 1 };
    float *values = malloc(sizeof(float) * (size_t)(columns * rows * n));
    for (int64_t i = 0; i < columns * rows * n; i++) {
        const int64_t column = i / n % columns, row = i / n / columns;
        values[i] = f(x0 + pixel * ((double)column + .5), y0 - pixel * ((double)row + .5), (int)(i % n));
    }
    sal_error_clear(ctx);
    if (sal_grid_from_crs(ctx, crs, columns, rows, x0, y0, pixel, &grid) != SAL_STATUS_OK)
        fail_msg("%s", sal_context_message(ctx));
    sal_raster_spec spec = {
        .grid = &grid, .type = SAL_RASTER_FLOAT32, .bands = specs, .band_count = n, .nodata = NAN
    };
    if (sal_raster_writer_new(ctx, in_folder(name), &spec, &writer) != SAL_STATUS_OK)
        fail_msg("%s", sal_context_message(ctx));
    assert_int_equal(sal_raster_writer_write(writer, 0, 0, columns, rows, values), SAL_STATUS_OK);
    assert_int_equal(sal_raster_writer_commit(writer), SAL_STATUS_OK);
    sal_raster_writer_free(writer);
    sal_grid_clear(ctx, &grid);
    free(values);
}

/* Runs with parameters in which ' stands for " and @ for the test folder. */
static sal_status run(const char *parameters, json_object **result)
{
    char text[4096];
    const char *json = NULL;
    size_t n = 0;
    for (const char *c = parameters; *c && n < sizeof text - 300; c++) {
        if (*c == '@')
            n += (size_t)snprintf(text + n, 300, "%s", folder);
        else
            text[n++] = *c == '\'' ? '"' : *c;
    }
    text[n] = 0;
    sal_status status = sal_operation_run(ctx, "covariates", text, &json);
    if (result) *result = json ? json_tokener_parse(json) : NULL;
    return status;
}

static void run_well(const char *parameters, json_object **result)
{
    if (run(parameters, result) != SAL_STATUS_OK) fail_msg("%s", sal_context_message(ctx));
}

static double number_of(json_object *result, const char *key)
{
    return json_object_get_double(json_object_object_get(result, key));
}

static bool lists(json_object *result, const char *key, const char *word)
{
    json_object *array = json_object_object_get(result, key);
    for (size_t i = 0; i < json_object_array_length(array); i++)
        if (strcmp(json_object_get_string(json_object_array_get_idx(array, i)), word) == 0) return true;
    return false;
}

/* Whole stack of chosen covariates: (rows, columns, n). */
static float *read_stack(const char *name, const char *const *ids, int64_t n, sal_grid *grid)
{
    sal_stack *stack;
    sal_covariates *c;
    if (sal_stack_open(ctx, in_folder(name), &stack) != SAL_STATUS_OK) fail_msg("%s", sal_context_message(ctx));
    *grid = *sal_stack_grid(stack);
    grid->wkt = NULL;
    float *out = malloc(sizeof(float) * (size_t)(grid->columns * grid->rows * n));
    if (sal_covariates_bind(ctx, stack, ids, n, NULL, &c) != SAL_STATUS_OK) fail_msg("%s", sal_context_message(ctx));
    assert_int_equal(sal_covariates_read(c, 0, 0, grid->columns, grid->rows, out), SAL_STATUS_OK);
    sal_covariates_free(c);
    sal_stack_free(stack);
    return out;
}

/* The largest difference between covariate k of n and a field, over the pixels that have a value and lie `inside` pixels from the border. */
static double difference(const float *values, int64_t k, int64_t n, const sal_grid *g, int64_t inside, field f,
                         int band)
{
    double most = 0;
    for (int64_t i = 0; i < g->rows * g->columns; i++) {
        const int64_t column = i % g->columns, row = i / g->columns;
        if (column < inside || row < inside || column >= g->columns - inside || row >= g->rows - inside) continue;
        const double x = g->x0 + g->pixel * ((double)column + .5), y = g->y0 - g->pixel * ((double)row + .5);
        const double d = fabs(values[i * n + k] - (f ? f(x, y, band) : 0));
        if (!(d <= most)) most = isnan(d) ? INFINITY : d;
    }
    return most;
}

static void a_stack_holds_scene_elevation_terrain_and_extras_by_id(void **state)
{
    const char *ids[] = { "B04", "B12", "DEM", "SLOPE", "REL_ELEV", "PROFILE_CURV", "SOS" };
    json_object *result;
    sal_grid g;
    make("S2A_20200615_clear.tif", "B02,B03,B04,B08,B11,B12", reflectance, "EPSG:32650", 500000, 4200000, 10, 60, 50);
    make("dem30.tif", "", ramp, "EPSG:32650", 499100, 4200900, 30, 100, 100);
    make("season.tif", "", season, "EPSG:32650", 500000, 4200000, 10, 60, 50);
    run_well("{'scene':['@/S2A_20200615_clear.tif'],'dem':'@/dem30.tif','extra':['SOS=@/season.tif'],'output':'@/"
             "whole.tif'}",
             &result);
    assert_string_equal(json_object_get_string(json_object_object_get(result, "date")), "2020-06-15");
    assert_string_equal(json_object_get_string(json_object_object_get(result, "sensor")), "Sentinel-2");
    assert_string_equal(json_object_get_string(json_object_object_get(result, "campaign")), "whole");
    assert_true(number_of(result, "width") == 60 && number_of(result, "height") == 50 &&
                number_of(result, "pixel") == 10);
    assert_true(number_of(json_object_object_get(result, "nodata_share"), "PLAN_CURV") == 0);
    assert_true(lists(result, "bands", "SOS") && !lists(result, "bands", "NDVI"));
    assert_true(lists(result, "covariates", "NDVI") && lists(result, "covariates", "CRSI") &&
                !lists(result, "covariates", "NDREI"));
    float *v = read_stack("whole.tif", ids, 7, &g);
    assert_true(difference(v, 0, 7, &g, 0, reflectance, 2) < 1e-5);
    assert_true(difference(v, 1, 7, &g, 0, reflectance, 5) < 1e-5);
    assert_true(difference(v, 2, 7, &g, 0, ramp, 0) < 1e-4);
    assert_true(difference(v, 6, 7, &g, 0, season, 0) == 0);
    assert_true(difference(v, 4, 7, &g, 0, NULL, 0) < 1e-4 && difference(v, 5, 7, &g, 0, NULL, 0) < 1e-5);
    assert_true(fabs(v[3] - atan(hypot(.02, .01)) * 180 / 3.14159265358979) < 1e-4);
    free(v);
    json_object_put(result);
}

static void metadata_say_where_a_stack_came_from(void **state)
{
    sal_stack *stack;
    make("S2B_20200615.tif", "B03,B04", reflectance, "EPSG:32650", 500000, 4200000, 10, 20, 20);
    run_well("{'scene':['@/S2B_20200615.tif'],'campaign':'June','output':'@/meta.tif'}", NULL);
    assert_int_equal(sal_stack_open(ctx, in_folder("meta.tif"), &stack), SAL_STATUS_OK);
    const char *sources = sal_raster_metadata(sal_stack_raster(stack), "SALINA", "SOURCES");
    char hash[65];
    assert_int_equal(sal_file_sha256(ctx, in_folder("S2B_20200615.tif"), hash), SAL_STATUS_OK);
    assert_non_null(sources);
    assert_non_null(strstr(sources, hash));
    assert_string_equal(sal_stack_date(stack), "2020-06-15");
    assert_string_equal(sal_stack_sensor(stack), "Sentinel-2");
    assert_string_equal(sal_stack_campaign(stack), "June");
    assert_string_equal(sal_raster_metadata(sal_stack_raster(stack), "SALINA", "VERSION"), sal_version());
    sal_stack_free(stack);
}

static void loose_bands_are_named_by_their_files_and_take_the_finest_grid(void **state)
{
    const char *ids[] = { "B04", "B11", "LSWI" };
    sal_grid g;
    make("T50SNG_20190702T023549_B11_20m.tif", "", reflectance, "EPSG:32650", 500000, 4200000, 20, 30, 30);
    make("T50SNG_20190702T023549_B04_10m.tif", "", reflectance, "EPSG:32650", 500000, 4200000, 10, 60, 60);
    make("T50SNG_20190702T023549_B08_10m.tif", "", reflectance, "EPSG:32650", 500000, 4200000, 10, 60, 60);
    run_well("{'scene':['@/T50SNG_20190702T023549_B11_20m.tif','@/T50SNG_20190702T023549_B04_10m.tif','@/"
             "T50SNG_20190702T023549_B08_10m.tif'],"
             "'output':'@/loose.tif'}",
             NULL);
    float *v = read_stack("loose.tif", ids, 3, &g);
    assert_true(g.pixel == 10 && g.columns == 60);
    assert_true(difference(v, 0, 3, &g, 0, reflectance, 0) < 5.1e-5); /* int16 x 0.0001 */
    assert_true(difference(v, 1, 3, &g, 2, reflectance, 0) < 2e-3);
    free(v);
}

static float checkers(double x, double y, int band) { return fmod(floor(x / 10) + floor(y / 10), 2) == 0 ? .1f : .3f; }

static void a_coarser_reference_grid_takes_averages(void **state)
{
    const char *ids[] = { "R" };
    sal_grid g;
    make("fine_2021-05-01.tif", "Red,Nir", checkers, "EPSG:32650", 500000, 4200000, 10, 80, 80);
    make("coarse.tif", "", season, "EPSG:32650", 500000, 4200000, 40, 20, 20);
    run_well("{'scene':['@/fine_2021-05-01.tif'],'reference_grid':'@/coarse.tif','output':'@/average.tif'}", NULL);
    float *v = read_stack("average.tif", ids, 1, &g);
    assert_true(g.pixel == 40);
    for (int64_t i = 0; i < 400; i++) assert_true(fabs(v[i] - .2) < 1e-4);
    free(v);
}

static float codes(double x, double y, int band) { return (int64_t)floor((x - 500000) / 30 + (y - 4200000) / 30 + 1e-6) % 2 ? 1 : 5; }

/* A view of codes.tif as bytes, with names of its classes or without. */
static void make_codes(const char *name, const char *categories)
{
    FILE *f = fopen(in_folder(name), "w");
    fprintf(f,
            "<VRTDataset rasterXSize=\"30\" rasterYSize=\"30\"><SRS>EPSG:32650</SRS><GeoTransform>499995,30,0,4200005,0,-30</GeoTransform>"
            "<VRTRasterBand dataType=\"Byte\" band=\"1\">%s<SimpleSource><SourceFilename relativeToVRT=\"1\">codes.tif</SourceFilename>"
            "<SourceBand>1</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>",
            categories);
    fclose(f);
}

/* Pixels of a covariate that are neither 1 nor 5. */
static int64_t between(const char *stack, const char *id)
{
    sal_grid g;
    float *values = read_stack(stack, &id, 1, &g);
    int64_t n = 0;
    for (int64_t i = 0; i < g.rows * g.columns; i++) n += isfinite(values[i]) && values[i] != 1 && values[i] != 5;
    free(values);
    return n;
}

static void classes_are_taken_from_the_nearest_pixel_and_numbers_are_not(void **state)
{
    json_object *result;
    make("codes.tif", "", codes, "EPSG:32650", 499995, 4200005, 30, 30, 30);
    make("S2A_20200715.tif", "B04,B08", reflectance, "EPSG:32650", 500000, 4200000, 10, 80, 80);
    make("grid100.tif", "", ramp, "EPSG:32650", 500000, 4200000, 100, 8, 8);
    make_codes("named.vrt", "<CategoryNames><Category>water</Category><Category>field</Category></CategoryNames>");
    make_codes("coloured.vrt", "<ColorInterp>Palette</ColorInterp><ColorTable><Entry c1=\"0\" c2=\"0\" c3=\"0\" c4=\"255\"/></ColorTable>");
    make_codes("number.vrt", "");
    const char *grids[] = { "@/S2A_20200715.tif", "@/grid100.tif" };
    for (int k = 0; k < 2; k++) {
        char text[600];
        snprintf(text, sizeof text, "{'scene':['@/S2A_20200715.tif'],'extra':['LC=@/named.vrt','LC2=@/coloured.vrt','AGE=@/number.vrt'],'reference_grid':'%s','output':'@/landcover.tif'}", grids[k]);
        run_well(text, &result);
        assert_non_null(strstr(json_object_to_json_string(json_object_object_get(result, "log")), "nearest"));
        json_object_put(result);
        assert_int_equal(between("landcover.tif", "LC"), 0);
        assert_int_equal(between("landcover.tif", "LC2"), 0);
        assert_true(between("landcover.tif", "AGE") > 30);
    }
}

static void indices_are_written_when_asked_for_and_equal_those_on_the_fly(void **state)
{
    const char *ids[] = { "NDVI", "CRSI", "LSWI" };
    json_object *result;
    sal_grid g;
    make("S2A_20200616.tif", "B02,B03,B04,B08,B11,B12", reflectance, "EPSG:32650", 500000, 4200000, 10, 40, 30);
    make("season2.tif", "", season, "EPSG:32650", 500000, 4200000, 10, 40, 30);
    run_well("{'scene':['@/S2A_20200616.tif'],'indices':['CRSI,NDVI','water'],'output':'@/with.tif'}", &result);
    assert_true(lists(result, "bands", "CRSI") && lists(result, "bands", "MNDWI") && !lists(result, "bands", "EVI"));
    json_object_put(result);
    run_well("{'scene':['@/S2A_20200616.tif'],'extra':['SOS=@/season2.tif'],'output':'@/without.tif'}", NULL);
    float *with = read_stack("with.tif", ids, 3, &g), *without = read_stack("without.tif", ids, 3, &g);
    for (int64_t i = 0; i < g.columns * g.rows * 3; i++)
        assert_true(isnan(with[i]) ? isnan(without[i]) : with[i] == without[i]);
    free(with);
    free(without);
    run_well("{'scene':['@/S2A_20200616.tif'],'indices':['all'],'output':'@/all.tif'}", &result);
    assert_true(lists(result, "bands", "SI_ASTER") && !lists(result, "bands", "NDREI"));
    json_object_put(result);
}

static void roles_name_bands_that_have_no_names(void **state)
{
    const char *ids[] = { "NIR", "NDVI" };
    sal_grid g;
    make("plain.tif", ",,,", reflectance, "EPSG:32650", 500000, 4200000, 10, 20, 20);
    run_well("{'scene':['@/plain.tif'],'roles':'B=1, R=3, NIR=4','output':'@/pairs.tif'}", NULL);
    float *v = read_stack("pairs.tif", ids, 2, &g);
    assert_true(difference(v, 0, 2, &g, 0, reflectance, 3) < 5.1e-5);
    free(v);
    run_well("{'scene':['@/plain.tif'],'roles':'Red,-,-,nir','output':'@/ordered.tif'}", NULL);
    v = read_stack("ordered.tif", ids, 2, &g);
    assert_true(difference(v, 0, 2, &g, 0, reflectance, 3) < 5.1e-5);
    free(v);
}

static void scale_and_offset_turn_numbers_into_reflectance(void **state)
{
    const char *ids[] = { "SR_B4" };
    sal_grid g;
    make("LC08_20200101.tif", "SR_B4,SR_B5", numbers, "EPSG:32650", 500000, 4200000, 30, 20, 20);
    run_well("{'scene':['@/LC08_20200101.tif'],'scale':0.0001,'offset':0.01,'output':'@/scaled.tif'}", NULL);
    float *v = read_stack("scaled.tif", ids, 1, &g);
    for (int64_t i = 0; i < 400; i++) v[i] -= .01f;
    assert_true(difference(v, 0, 1, &g, 0, reflectance, 0) < 1.1e-4);
    free(v);
}

static void memory_and_threads_do_not_change_the_stack(void **state)
{
    const char *ids[] = { "B04", "DEM", "SLOPE", "PLAN_CURV", "REL_ELEV", "NDVI" };
    sal_grid g;
    make("S2A_20200617.tif", "B04,B08", reflectance, "EPSG:32650", 500000, 4200000, 10, 600, 530);
    make("dem10.tif", "", percent, "EPSG:32650", 499500, 4200500, 10, 700, 700);
    run_well("{'scene':['@/S2A_20200617.tif'],'dem':'@/dem10.tif','threads':1,'output':'@/large.tif'}", NULL);
    run_well(
        "{'scene':['@/S2A_20200617.tif'],'dem':'@/dem10.tif','threads':3,'max_memory':'176MiB','output':'@/small.tif'}",
        NULL);
    float *large = read_stack("large.tif", ids, 6, &g), *small = read_stack("small.tif", ids, 6, &g);
    assert_memory_equal(large, small, sizeof(float) * 600 * 530 * 6);
    assert_true(difference(large, 1, 6, &g, 0, percent, 0) < 1e-5);
    free(large);
    free(small);
}

static void what_cannot_be_built_is_refused_in_one_sentence(void **state)
{
    static const struct {
        const char *parameters, *words[4];
    } cases[] = {
        { "'scene':['@/dn.tif']", { "dn.tif", "B04", "scale = 0.0001" } },
        { "'scene':['@/percent.tif']", { "percent.tif", "scale = 0.01" } },
        { "'scene':['@/good.tif'],'dem':'@/elsewhere.tif'",
          { "elsewhere.tif", "does not overlap", "600000", "500000" } },
        { "'scene':['@/degrees.tif']", { "degrees.tif", "not metric", "EPSG:32650", "reference_grid" } },
        { "'scene':['@/good.tif'],'reference_grid':'@/degrees.tif'", { "degrees.tif", "not metric", "EPSG:4326" } },
        { "'scene':['@/row.tif'],'dem':'@/row.tif'", { "3 rows" } },
        { "'scene':['@/good.tif','@/good2.tif'],'date':'2020-01-01'", { "B04", "same ground", "good.tif", "good2.tif" } },
        { "'scene':['@/good.tif'],'extra':['B04=@/ready.tif']", { "B04", "twice", "ready.tif" } },
        { "'scene':['@/good.tif'],'dem':'@/ready.tif','extra':['SLOPE=@/ready.tif']", { "SLOPE", "twice" } },
        { "'scene':['@/good.tif'],'extra':['@/ready.tif']", { "ready.tif", "write ID=" } },
        { "'scene':['@/good.tif'],'extra':['@/two.tif']", { "9 lives", "two.tif", "id" } },
        { "'scene':['@/good.tif'],'extra':['SOS=@/two.tif']", { "two.tif", "2 bands" } },
        { "'scene':['@/good.tif'],'extra':['SOS=@/none.tif']", { "none.tif" } },
        { "'scene':['@/good.tif'],'extra':['SOS=@/empty.tif']", { "SOS", "no value", "empty.tif" } },
        { "'scene':['@/good.tif'],'indices':['LSWI']", { "LSWI", "SWIR1" } },
        { "'scene':['@/good.tif'],'indices':['NVDI']", { "NVDI", "no index" } },
        { "'scene':['@/good.tif'],'dem':'@/ready.tif','terrain':['STEEPNESS']", { "STEEPNESS", "SLOPE" } },
        { "'scene':['@/good.tif'],'date':'2020-02-30'", { "2020-02-30", "YYYY-MM-DD" } },
        { "'scene':['@/day_20200101_B04.tif','@/day_20200201_B08.tif']",
          { "different days", "2020-01-01", "2020-02-01" } },
        { "'scene':['@/unnamed.tif']", { "unnamed.tif", "roles" } },
        { "'scene':['@/unnamed.tif'],'roles':'Purple,R'", { "Purple", "SWIR1" } },
        { "'scene':['@/unnamed.tif'],'roles':'R=1,NIR=9'", { "NIR", "band 9", "2 bands" } },
        { "'scene':['@/unnamed.tif'],'roles':'R=one'", { "R=one", "number" } },
        { "'campaign':'x'", { "scene, dem, series and extra" } },
        { "'scene':['@/good.tif'],'dem':'@/ready.tif','max_memory':'1MiB'", { "max_memory", "MiB" } },
    };
    make("good.tif", "B04,B08", reflectance, "EPSG:32650", 500000, 4200000, 10, 30, 30);
    make("good2.tif", "B04", reflectance, "EPSG:32650", 500000, 4200000, 10, 30, 30);
    make("dn.tif", "B04,B08", numbers, "EPSG:32650", 500000, 4200000, 10, 30, 30);
    make("percent.tif", "B04,B08", percent, "EPSG:32650", 500000, 4200000, 10, 30, 30);
    make("elsewhere.tif", "", ramp, "EPSG:32650", 600000, 4200000, 10, 30, 30);
    make("degrees.tif", "B04", reflectance, "EPSG:4326", 117, 38, 1e-4, 30, 30);
    make("row.tif", "B04", reflectance, "EPSG:32650", 500000, 4200000, 10, 30, 1);
    make("ready.tif", "", season, "EPSG:32650", 500000, 4200000, 10, 30, 30);
    make("empty.tif", "", nothing, "EPSG:32650", 500000, 4200000, 10, 30, 30);
    make("two.tif", "SOS,9 lives", season, "EPSG:32650", 500000, 4200000, 10, 30, 30);
    make("unnamed.tif", "one,two", reflectance, "EPSG:32650", 500000, 4200000, 10, 30, 30);
    make("day_20200101_B04.tif", "", reflectance, "EPSG:32650", 500000, 4200000, 10, 30, 30);
    make("day_20200201_B08.tif", "", reflectance, "EPSG:32650", 500000, 4200000, 10, 30, 30);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char parameters[1024];
        snprintf(parameters, sizeof parameters, "{%s,'output':'@/refused.tif'}", cases[i].parameters);
        if (run(parameters, NULL) == SAL_STATUS_OK) fail_msg("accepted: %s", cases[i].parameters);
        for (int w = 0; w < 4 && cases[i].words[w]; w++)
            if (!strstr(sal_context_message(ctx), cases[i].words[w]))
                fail_msg("%s: \"%s\" is not in: %s", cases[i].parameters, cases[i].words[w], sal_context_message(ctx));
        assert_int_equal(access(in_folder("refused.tif"), F_OK), -1);
    }
}

static int files_in_folder(void)
{
    int n = 0;
    DIR *dir = opendir(folder);
    while (readdir(dir)) n++;
    closedir(dir);
    return n;
}

static int32_t stop_at(void *user, double fraction, const char *message) { return fraction > *(double *)user; }

static void cancelling_leaves_nothing_behind(void **state)
{
    make("S2A_20200618.tif", "B04,B08", reflectance, "EPSG:32650", 500000, 4200000, 10, 1100, 1100);
    const int before = files_in_folder();
    for (double fraction = 0; fraction < .3; fraction += .1) {
        sal_context_set_progress(ctx, stop_at, &fraction);
        assert_int_equal(run("{'scene':['@/S2A_20200618.tif'],'output':'@/cancelled.tif'}", NULL),
                         SAL_STATUS_CANCELLED);
        assert_int_equal(files_in_folder(), before);
    }
    sal_context_set_progress(ctx, NULL, NULL);
}

static void an_output_folder_that_is_missing_is_named(void **state)
{
    make("good3.tif", "B04,B08", reflectance, "EPSG:32650", 500000, 4200000, 10, 30, 30);
    assert_true(run("{'scene':['@/good3.tif'],'output':'@/no/such/stack.tif'}", NULL) != SAL_STATUS_OK);
    assert_non_null(strstr(sal_context_message(ctx), "no/such"));
}

static int64_t allocations, failing;

static void *allocate_or_fail(void *user, size_t bytes)
{
    return ++allocations == failing ? NULL : aligned_alloc(64, (bytes + 63) / 64 * 64);
}

static void release(void *user, void *memory)
{
    free(memory);
}

static void every_failing_allocation_is_reported_and_leaves_no_file(void **state)
{
    make("S2A_20200619.tif", "B04,B08", reflectance, "EPSG:32650", 500000, 4200000, 10, 20, 20);
    make("dem20.tif", "", ramp, "EPSG:32650", 499900, 4200100, 20, 40, 40);
    make("season3.tif", "", season, "EPSG:32650", 500000, 4200000, 10, 20, 20);
    sal_context *kept = ctx;
    const int before = files_in_folder();
    sal_status status = SAL_STATUS_MEMORY;
    for (failing = 1; status != SAL_STATUS_OK; failing++) {
        assert_int_equal(sal_context_new(&ctx), SAL_STATUS_OK);
        sal_context_set_allocator(ctx, (sal_allocator){ allocate_or_fail, release, NULL });
        allocations = 0;
        status = run("{'scene':['@/S2A_20200619.tif'],'dem':'@/dem20.tif','extra':['SOS=@/season3.tif'],'indices':['NDVI'],"
                     "'output':'@/short.tif'}",
                     NULL);
        if (status != SAL_STATUS_OK) {
            if (!sal_context_message(ctx)[0]) fail_msg("allocation %d fails without a message", (int)failing);
            if (files_in_folder() != before) fail_msg("allocation %d leaves a file", (int)failing);
        }
        sal_context_free(ctx);
        assert_true(failing < 2000);
    }
    assert_true(failing > 50);
    ctx = kept;
}

static void every_failing_allocation_of_a_product_is_reported_and_leaves_no_file(void **state)
{
    char name[64];
    for (int band = 2; band <= 7; band++) {
        snprintf(name, sizeof name, "LC08_L2SP_193024_20200615_20200823_02_T1_SR_B%d.TIF", band);
        make(name, "", numbers, "EPSG:32650", 500000, 4200000, 30, 20, 20);
    }
    make("LC08_L2SP_193024_20200615_20200823_02_T1_QA_PIXEL.TIF", "", season, "EPSG:32650", 500000, 4200000, 30, 20, 20);
    FILE *mtl = fopen(in_folder("LC08_L2SP_193024_20200615_20200823_02_T1_MTL.txt"), "w");
    fputs("GROUP = LANDSAT_METADATA_FILE\n  DATE_ACQUIRED = 2020-06-15\nEND_GROUP = LANDSAT_METADATA_FILE\nEND\n", mtl);
    fclose(mtl);
    sal_context *kept = ctx;
    const int before = files_in_folder();
    sal_status status = SAL_STATUS_MEMORY;
    allocations = 0;
    for (failing = 1; allocations >= failing - 1; failing++) { /* until none fails: not every one matters */
        assert_int_equal(sal_context_new(&ctx), SAL_STATUS_OK);
        sal_context_set_allocator(ctx, (sal_allocator){ allocate_or_fail, release, NULL });
        allocations = 0;
        status = run("{'product':['@/LC08_L2SP_193024_20200615_20200823_02_T1_MTL.txt'],'mask_classes':['water'],"
                     "'mask_buffer':2,'output':'@/short2.tif'}",
                     NULL);
        if (status != SAL_STATUS_OK) {
            if (!sal_context_message(ctx)[0]) fail_msg("allocation %d fails without a message", (int)failing);
            const int whole = access(in_folder("short2.tif"), F_OK) == 0; /* the text of the result comes after it */
            if (files_in_folder() != before + whole) fail_msg("allocation %d leaves a file", (int)failing);
        }
        remove(in_folder("short2.tif"));
        sal_context_free(ctx);
    }
    ctx = kept;
    assert_true(failing > 100 && failing < 4000 && status == SAL_STATUS_OK);
}

static int set_up(void **state)
{
    const char *root = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/salina-XXXXXX", root ? root : "/tmp");
    return mkdtemp(folder) && sal_context_new(&ctx) == SAL_STATUS_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    DIR *dir = opendir(folder);
    for (struct dirent *entry; (entry = readdir(dir));)
        if (entry->d_name[0] != '.') remove(in_folder(entry->d_name));
    closedir(dir);
    rmdir(folder);
    sal_context_free(ctx);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stack_holds_scene_elevation_terrain_and_extras_by_id),
        cmocka_unit_test(metadata_say_where_a_stack_came_from),
        cmocka_unit_test(loose_bands_are_named_by_their_files_and_take_the_finest_grid),
        cmocka_unit_test(a_coarser_reference_grid_takes_averages),
        cmocka_unit_test(classes_are_taken_from_the_nearest_pixel_and_numbers_are_not),
        cmocka_unit_test(indices_are_written_when_asked_for_and_equal_those_on_the_fly),
        cmocka_unit_test(roles_name_bands_that_have_no_names),
        cmocka_unit_test(scale_and_offset_turn_numbers_into_reflectance),
        cmocka_unit_test(memory_and_threads_do_not_change_the_stack),
        cmocka_unit_test(what_cannot_be_built_is_refused_in_one_sentence),
        cmocka_unit_test(cancelling_leaves_nothing_behind),
        cmocka_unit_test(every_failing_allocation_is_reported_and_leaves_no_file),
        cmocka_unit_test(every_failing_allocation_of_a_product_is_reported_and_leaves_no_file),
        cmocka_unit_test(an_output_folder_that_is_missing_is_named),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
