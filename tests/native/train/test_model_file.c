/* test_model_file.c - a model comes back whole, a changed or foreign one is refused, and the covariate contract holds.
 */
#include "train/model_file.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static sal_context *ctx;
static char folder[512];

static int setup(void **state)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/salina_XXXXXX", tmp ? tmp : "/tmp");
    return !mkdtemp(folder) || sal_context_new(&ctx) != 0;
}

static int teardown(void **state)
{
    char command[600];
    sal_context_free(ctx);
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    return system(command);
}

static const char *path_of(const char *name)
{
    static char path[4][700];
    static int next;
    char *p = path[next++ % 4];
    snprintf(p, sizeof path[0], "%s/%s", folder, name);
    return p;
}

static const char *const ids[] = { "B04", "B08", "B11", "DEM", "NDVI" };

static sal_model_file *example(void)
{
    sal_model_file *m;
    float w[6] = { 1, 2, 3, 4, 5, 6 };
    assert_int_equal(sal_model_file_new(ctx, &m), 0);
    strcpy(m->system, "ss-soilnet");
    strcpy(m->target, "salt");
    strcpy(m->unit, "g/kg");
    strcpy(m->transform, "log1p");
    strcpy(m->sensor, "Sentinel-2");
    strcpy(m->scheme, "china_salt_gkg");
    m->window = 65;
    m->pixel_m = 10;
    m->members = 2;
    assert_int_equal(sal_model_file_set_covariates(m, 5), 0);
    for (int i = 0; i < 5; i++) {
        sal_model_covariate *c = &m->covariates[i];
        strcpy(c->id, ids[i]);
        strcpy(c->role, i < 3 ? "spectral" : i == 3 ? "window" : "index");
        strcpy(c->unit, i == 3 ? "m" : "");
        c->mean = 0.1 * i;
        c->sd = 1.0 / (i + 3);
        c->low = -i, c->high = i, c->q01 = -0.9 * i, c->q99 = 0.9 * i;
    }
    for (int k = 0; k < 2; k++)
        assert_int_equal(sal_model_file_add_parameter(m, k, "trunk/weight", 2, (int64_t[]){ 2, 3 }, w), 0);
    json_object_object_add(m->hyper, "width", json_object_new_int(48));
    json_object_object_add(m->provenance, "samples", json_object_new_string("a/b \"c\".gpkg"));
    m->mean_factor = 1.25;
    m->has_conformal = true;
    m->conformal = (sal_conformal){
        .by = SAL_CONFORMAL_OBSERVED,
        .kind = SAL_CONFORMAL_SCALED,
        .groups = 2,
        .breaks = {1.1 },
        .n = { 400, 406 },
        .least_half_width = 1e-3
    };
    for (int i = 0; i < SAL_CONFORMAL_LEVELS; i++) m->conformal.q[i][0] = 0.1 * i, m->conformal.q[i][1] = 0.2 * i;
    return m;
}

static void a_model_comes_back_whole(void **state)
{
    sal_model_file *a = example(), *b;
    const float *w;
    assert_int_equal(sal_model_file_save(a, path_of("delta.safetensors")), 0);
    assert_int_equal(sal_model_file_load(ctx, path_of("delta.safetensors"), &b), 0);
    assert_string_equal(b->name, "delta.safetensors");
    assert_string_equal(b->system, a->system);
    assert_string_equal(b->unit, "g/kg");
    assert_string_equal(b->scheme, "china_salt_gkg");
    assert_string_equal(b->version, sal_version());
    assert_true(b->window == 65 && b->pixel_m == 10 && b->members == 2 && b->covariate_count == 5);
    for (int i = 0; i < 5; i++) {
        assert_string_equal(b->covariates[i].id, ids[i]);
        assert_string_equal(b->covariates[i].role, a->covariates[i].role);
        assert_true(b->covariates[i].sd == a->covariates[i].sd && b->covariates[i].q99 == a->covariates[i].q99);
    }
    assert_true(b->has_conformal && b->mean_factor == 1.25);
    assert_memory_equal(&a->conformal, &b->conformal, sizeof a->conformal);
    assert_true(json_object_equal(a->hyper, b->hyper) && json_object_equal(a->provenance, b->provenance));
    assert_int_equal(sal_model_file_parameter(b, 1, "trunk/weight", 2, (int64_t[]){ 2, -1 }, &w), 0);
    assert_true(w[5] == 6);
    sal_error_clear(ctx);
    assert_int_equal(sal_model_file_parameter(b, 2, "trunk/weight", 2, (int64_t[]){ 2, 3 }, &w), SAL_STATUS_DATA);
    assert_non_null(strstr(sal_context_message(ctx), "member2/trunk/weight"));
    sal_model_file_free(a);
    sal_model_file_free(b);
}

static void a_model_from_before_there_was_a_mean_factor_loads_without_one(void **state)
{
    sal_model_file *a = example(), *b;
    a->mean_factor = 0;
    assert_int_equal(sal_model_file_save(a, path_of("old.safetensors")), 0);
    assert_null(strstr(sal_tensors_metadata(a->tensors, "salina"), "mean_factor"));
    assert_int_equal(sal_model_file_load(ctx, path_of("old.safetensors"), &b), 0);
    assert_true(b->mean_factor == 0);
    sal_model_file_free(a);
    sal_model_file_free(b);
}

static void the_transform_and_its_inverse_agree(void **state)
{
    sal_model_file *m = example();
    assert_true(fabs(sal_model_file_to_network(m, 3.5) - log1p(3.5)) < 1e-15);
    assert_true(fabs(sal_model_file_from_network(m, sal_model_file_to_network(m, 3.5)) - 3.5) < 1e-12);
    assert_true(sal_model_file_from_network(m, -0.4) == 0);
    strcpy(m->transform, "none");
    assert_true(sal_model_file_from_network(m, -0.4) == -0.4 && sal_model_file_to_network(m, 2) == 2);
    sal_model_file_free(m);
}

static void load_fails(const char *path, sal_status wanted, const char *needle)
{
    sal_model_file *m;
    sal_error_clear(ctx);
    assert_int_equal(sal_model_file_load(ctx, path, &m), wanted);
    assert_null(m);
    if (!strstr(sal_context_message(ctx), needle))
        fail_msg("\"%s\" is not in \"%s\"", needle, sal_context_message(ctx));
}

static void cut_changed_and_foreign_files_are_refused(void **state)
{
    sal_model_file *m = example();
    char *bytes;
    int64_t length;
    sal_tensors *t;
    assert_int_equal(sal_model_file_save(m, path_of("good.safetensors")), 0);
    assert_int_equal(sal_file_read(ctx, path_of("good.safetensors"), &bytes, &length), 0);
    assert_int_equal(sal_file_write(ctx, path_of("cut.safetensors"), bytes, length - 3), 0);
    load_fails(path_of("cut.safetensors"), SAL_STATUS_DATA, "model \"cut.safetensors\" is cut short");
    bytes[length - 1] ^= 4;
    assert_int_equal(sal_file_write(ctx, path_of("changed.safetensors"), bytes, length), 0);
    load_fails(path_of("changed.safetensors"), SAL_STATUS_DATA,
               "model \"changed.safetensors\" was changed after it was written");
    assert_int_equal(sal_file_write(ctx, path_of("text.safetensors"), "name,value\n1,2\n", 15), 0);
    load_fails(path_of("text.safetensors"), SAL_STATUS_DATA, "is not a safetensors file");
    assert_int_equal(sal_tensors_new(ctx, &t), 0);
    assert_int_equal(sal_tensors_save(t, path_of("foreign.safetensors")), 0);
    load_fails(path_of("foreign.safetensors"), SAL_STATUS_DATA, "is not a model of Salina");
    assert_int_equal(sal_tensors_set_metadata(t, "salina", "{\"format\":99,\"version\":\"9.0.0\"}"), 0);
    assert_int_equal(sal_tensors_save(t, path_of("future.safetensors")), 0);
    load_fails(path_of("future.safetensors"), SAL_STATUS_DATA, "written by Salina 9.0.0");
    assert_int_equal(sal_tensors_set_metadata(t, "salina", "{\"format\":1,\"version\":\"0.1.0\"}"), 0);
    assert_int_equal(sal_tensors_save(t, path_of("bare.safetensors")), 0);
    load_fails(path_of("bare.safetensors"), SAL_STATUS_DATA, "\"system\"");
    sal_tensors_free(t);
    sal_release(ctx, bytes);
    sal_model_file_free(m);
}

/* Every single number and text of the description is broken in turn; nothing that sizes or divides may come through. */
static void descriptions_that_make_no_sense_are_refused(void **state)
{
    static const char *const edits[][2] = {
        {"\"window\":65",     "\"window\":-5"        },
        { "\"window\":65",    "\"window\":1000000000"},
        { "\"members\":2",    "\"members\":0"        },
        { "\"pixel_m\":10.0", "\"pixel_m\":-1.0"     },
        { "\"log1p\"",        "\"magic\""            },
        { "\"spectral\"",     "\"spooky\""           },
        { "\"id\":\"B04\"",   "\"id\":\"\""          },
        { "\"covariates\":[", "\"covariates\":[7,"   },
        { "\"hyper\":{",      "\"hyper\":3,\"x\":{"  }
    };
    sal_model_file *m = example();
    assert_int_equal(sal_model_file_save(m, path_of("plain.safetensors")), 0);
    char *text;
    sal_tensors *t;
    assert_int_equal(sal_text_copy(ctx, sal_tensors_metadata(m->tensors, "salina"), &text), 0);
    assert_int_equal(sal_tensors_new(ctx, &t), 0);
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        char *at = strstr(text, edits[i][0]), *changed;
        assert_non_null(at);
        assert_int_equal(
            sal_text_format(ctx, &changed, "%.*s%s%s", (int)(at - text), text, edits[i][1], at + strlen(edits[i][0])),
            0);
        assert_int_equal(sal_tensors_set_metadata(t, "salina", changed), 0);
        assert_int_equal(sal_tensors_save(t, path_of("broken.safetensors")), 0);
        load_fails(path_of("broken.safetensors"), SAL_STATUS_DATA, "model \"broken.safetensors\"");
        sal_release(ctx, changed);
    }
    sal_tensors_free(t);
    sal_release(ctx, text);
    sal_model_file_free(m);
}

/* A 4 x 4 stack with the given bands. */
static sal_stack *stack_of(const char *name, const char *sensor, double pixel, const char *const *bands, int64_t n,
                           const char *dem_unit)
{
    static const char wkt[] = "PROJCRS[\"WGS 84 / UTM zone 50N\",BASEGEOGCRS[\"WGS 84\",DATUM[\"World Geodetic System "
                              "1984\",ELLIPSOID[\"WGS 84\",6378137,"
                              "298.257223563,LENGTHUNIT[\"metre\",1]]]],CONVERSION[\"UTM zone "
                              "50N\",METHOD[\"Transverse Mercator\",ID[\"EPSG\",9807]],"
                              "PARAMETER[\"Latitude of natural "
                              "origin\",0,ANGLEUNIT[\"degree\",0.0174532925199433]],PARAMETER[\"Longitude of natural "
                              "origin\",117,ANGLEUNIT[\"degree\",0.0174532925199433]],PARAMETER[\"Scale factor at "
                              "natural origin\",0.9996,SCALEUNIT["
                              "\"unity\",1]],PARAMETER[\"False "
                              "easting\",500000,LENGTHUNIT[\"metre\",1]],PARAMETER[\"False northing\",0,LENGTHUNIT["
                              "\"metre\",1]]],CS[Cartesian,2],AXIS[\"(E)\",east],AXIS[\"(N)\",north],LENGTHUNIT["
                              "\"metre\",1],ID[\"EPSG\",32650]]";
    sal_grid grid = {
        .columns = 4, .rows = 4, .x0 = 500000, .y0 = 4200000, .pixel = pixel, .wkt = (char *)wkt, .is_metric = true
    };
    sal_band_spec specs[8] = { 0 };
    float values[4 * 4 * 8] = { 0 };
    char text[64];
    const char *metadata[] = { text, NULL };
    for (int64_t b = 0; b < n; b++)
        specs[b] = (sal_band_spec){ bands[b], !strcmp(bands[b], "DEM") ? dem_unit : NULL, 1, 0 };
    snprintf(text, sizeof text, "SENSOR=%s", sensor);
    sal_raster_spec spec = { .grid = &grid,
                             .type = SAL_RASTER_FLOAT32,
                             .bands = specs,
                             .band_count = n,
                             .nodata = NAN,
                             .metadata = sensor[0] ? metadata : NULL };
    sal_raster_writer *writer;
    sal_stack *stack;
    const char *path = path_of(name);
    sal_error_clear(ctx);
    if (sal_raster_writer_new(ctx, path, &spec, &writer) || sal_raster_writer_write(writer, 0, 0, 4, 4, values) ||
        sal_raster_writer_commit(writer))
        fail_msg("%s", sal_context_message(ctx));
    sal_raster_writer_free(writer);
    if (sal_stack_open(ctx, path, &stack)) fail_msg("%s", sal_context_message(ctx));
    return stack;
}

static void check(const sal_model_file *m, sal_stack *stack, sal_status wanted, const char *message)
{
    sal_error_clear(ctx);
    sal_status status = sal_model_file_check_stack(m, stack);
    if (status != wanted) fail_msg("status %d: %s", status, sal_context_message(ctx));
    if (message) assert_string_equal(sal_context_message(ctx), message);
    sal_stack_free(stack);
}

static void a_stack_that_does_not_fit_is_refused_in_one_sentence(void **state)
{
    static const char *const all[] = { "DEM", "B11", "B08", "B04" }, *const no_swir[] = { "B04", "B08", "DEM" },
                             *const no_red[] = { "B08", "DEM" };
    sal_model_file *m = example();
    assert_int_equal(sal_model_file_save(m, path_of("delta.safetensors")), 0);
    check(m, stack_of("a.tif", "Sentinel-2", 10, all, 4, "m"), SAL_STATUS_OK,
          NULL); /* another order; NDVI comes from the bands */
    check(m, stack_of("a1.tif", "Sentinel-2", 10.05, all, 4, NULL), SAL_STATUS_OK, NULL);
    check(m, stack_of("b.tif", "Sentinel-2", 10, no_swir, 3, "m"), SAL_STATUS_DATA,
          "stack \"b.tif\" has no band \"B11\", which model \"delta.safetensors\" needs; add it with Build covariate "
          "stack or train a model without it");
    check(m, stack_of("c.tif", "Sentinel-2", 10, no_red, 2, "m"), SAL_STATUS_DATA,
          "stack \"c.tif\" has no bands \"B04\", \"B11\", \"NDVI\" (an index of R and NIR), which model "
          "\"delta.safetensors\" needs; add them with "
          "Build covariate stack or train a model without them");
    check(m, stack_of("d.tif", "Landsat-8", 10, all, 4, "m"), SAL_STATUS_DATA,
          "stack \"d.tif\" is of sensor \"Landsat-8\", but model \"delta.safetensors\" was trained on \"Sentinel-2\"; "
          "use a stack of that sensor or train "
          "a model for this one");
    check(m, stack_of("e.tif", "Sentinel-2", 30, all, 4, "m"), SAL_STATUS_DATA,
          "stack \"e.tif\" has pixels of 30 m, but model \"delta.safetensors\" was trained on pixels of 10 m; build "
          "the stack with that pixel size");
    check(m, stack_of("f.tif", "Sentinel-2", 10, all, 4, "ft"), SAL_STATUS_DATA,
          "band \"DEM\" of stack \"f.tif\" is in \"ft\", but model \"delta.safetensors\" was trained on \"m\"; convert "
          "the band or correct its unit");
    sal_log_clear(ctx);
    check(m, stack_of("g.tif", "", 10, all, 4, "m"), SAL_STATUS_OK, NULL);
    bool warning = false;
    assert_int_equal(sal_log_count(ctx), 1);
    assert_non_null(strstr(sal_log_line(ctx, 0, &warning), "does not say which sensor"));
    assert_true(warning);
    sal_model_file_free(m);
}

static void an_incomplete_model_is_not_saved(void **state)
{
    sal_model_file *m = example();
    m->covariates[2].sd = 0;
    sal_error_clear(ctx);
    assert_int_equal(sal_model_file_save(m, path_of("none.safetensors")), SAL_STATUS_INTERNAL);
    assert_false(sal_file_exists(path_of("none.safetensors")));
    m->covariates[2].sd = 1;
    m->target[0] = 0;
    assert_int_equal(sal_model_file_save(m, path_of("none.safetensors")), SAL_STATUS_INTERNAL);
    sal_model_file_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_comes_back_whole),
        cmocka_unit_test(a_model_from_before_there_was_a_mean_factor_loads_without_one),
        cmocka_unit_test(the_transform_and_its_inverse_agree),
        cmocka_unit_test(cut_changed_and_foreign_files_are_refused),
        cmocka_unit_test(descriptions_that_make_no_sense_are_refused),
        cmocka_unit_test(a_stack_that_does_not_fit_is_refused_in_one_sentence),
        cmocka_unit_test(an_incomplete_model_is_not_saved),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
