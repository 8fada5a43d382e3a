/* test_retrieve.c - Retrieve salinity on a little delta: the map against window-by-window evaluation, at the edges too, its bits for any memory and any threads, flags, refusals
 * in clear words, and nothing left behind after a failure.
 */
#include "map/stream.h"
#include "operations/arguments.h"

#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cmocka.h>

static sal_context *ctx;
static char folder[256];

static const char *in_folder(const char *name)
{
    static char texts[8][600];
    static int next;
    char *text = texts[next++ % 8];
    snprintf(text, 600, "%s/%s", folder, name);
    return text;
}

/* Runs an operation with parameters in which ' stands for " and @ for the test folder. */
static sal_status run_operation(const char *id, const char *parameters, json_object **result)
{
    char text[4096];
    const char *json = NULL;
    size_t n = 0;
    for (const char *c = parameters; *c && n < sizeof text - 300; c++) {
        if (*c == '@') n += (size_t)snprintf(text + n, 300, "%s", folder);
        else text[n++] = *c == '\'' ? '"' : *c;
    }
    text[n] = 0;
    sal_status status = sal_operation_run(ctx, id, text, &json);
    if (result) *result = json ? json_tokener_parse(json) : NULL;
    return status;
}

static sal_status retrieve(const char *stack, const char *model, const char *output, const char *more, json_object **result)
{
    char text[1024];
    snprintf(text, sizeof text, "{'stack':'@/%s','model':'@/%s','output':'@/%s'%s}", stack, model, output, more);
    return run_operation("retrieve", text, result);
}

static void retrieve_well(const char *stack, const char *model, const char *output, const char *more, json_object **result)
{
    if (retrieve(stack, model, output, more, result) != SAL_STATUS_OK) fail_msg("%s", sal_context_message(ctx));
}

static double number_of(json_object *result, const char *key) { return json_object_get_double(json_object_object_get(result, key)); }

/* ---- rasters ---- */

static sal_stack *open_stack(const char *name)
{
    sal_stack *stack;
    sal_error_clear(ctx);
    if (sal_stack_open(ctx, in_folder(name), &stack) != SAL_STATUS_OK) fail_msg("%s", sal_context_message(ctx));
    return stack;
}

/* All of a raster, (rows, columns, bands). */
static float *read_all(const char *name, int64_t *columns, int64_t *rows, int64_t *bands)
{
    sal_raster *raster;
    sal_error_clear(ctx);
    if (sal_raster_open(ctx, in_folder(name), &raster) != SAL_STATUS_OK) fail_msg("%s", sal_context_message(ctx));
    int64_t list[64];
    *columns = sal_raster_grid(raster)->columns;
    *rows = sal_raster_grid(raster)->rows;
    *bands = sal_raster_band_count(raster);
    for (int64_t b = 0; b < *bands; b++) list[b] = b;
    float *values = malloc(sizeof(float) * (size_t)(*columns * *rows * *bands));
    assert_int_equal(sal_raster_read(raster, list, *bands, 0, 0, *columns, *rows, values), SAL_STATUS_OK);
    sal_raster_free(raster);
    return values;
}

typedef struct variation {
    int64_t column, row, columns, rows; /* what is cut out; 0 columns: all */
    const char *drop, *rename, *to;     /* bands */
    const char *sensor, *unit;          /* NULL: as in the delta; unit: of the DEM */
    double pixel;                       /* 0: as it is */
    bool (*hole)(int64_t column, int64_t row, const char *band);
} variation;

/* Writes a stack like stack.tif but for the variation. */
static void vary(const char *name, const variation *v)
{
    int64_t columns, rows, n, kept = 0, keep[64];
    float *all = read_all("stack.tif", &columns, &rows, &n);
    sal_stack *stack = open_stack("stack.tif");
    sal_grid grid = *sal_stack_grid(stack);
    sal_band_spec specs[64];
    char sensor[128];
    if (v->columns) grid.columns = v->columns, grid.rows = v->rows;
    grid.x0 += (double)v->column * grid.pixel;
    grid.y0 -= (double)v->row * grid.pixel;
    if (v->pixel > 0) grid.pixel = v->pixel;
    for (int64_t b = 0; b < n; b++) {
        const char *id = sal_stack_covariate(stack, b), *unit = sal_raster_band_unit(sal_stack_raster(stack), b);
        if (v->drop && strcmp(id, v->drop) == 0) continue;
        keep[kept] = b;
        specs[kept] = (sal_band_spec){ .name = v->rename && strcmp(id, v->rename) == 0 ? v->to : id, .unit = v->unit && strcmp(id, "DEM") == 0 ? v->unit : unit, .scale = 1 };
        kept++;
    }
    float *some = malloc(sizeof(float) * (size_t)(grid.columns * grid.rows * kept));
    for (int64_t r = 0; r < grid.rows; r++)
        for (int64_t c = 0; c < grid.columns; c++)
            for (int64_t k = 0; k < kept; k++) {
                float value = all[((r + v->row) * columns + c + v->column) * n + keep[k]];
                some[(r * grid.columns + c) * kept + k] = v->hole && v->hole(c, r, specs[k].name) ? NAN : value;
            }
    snprintf(sensor, sizeof sensor, "SENSOR=%s", v->sensor ? v->sensor : sal_stack_sensor(stack));
    const char *const metadata[] = { sensor, NULL };
    sal_raster_spec spec = { .grid = &grid, .type = SAL_RASTER_FLOAT32, .bands = specs, .band_count = kept, .nodata = NAN, .metadata = metadata };
    sal_raster_writer *writer;
    if (sal_raster_writer_new(ctx, in_folder(name), &spec, &writer) != SAL_STATUS_OK) fail_msg("%s", sal_context_message(ctx));
    assert_int_equal(sal_raster_writer_write(writer, 0, 0, grid.columns, grid.rows, some), SAL_STATUS_OK);
    assert_int_equal(sal_raster_writer_commit(writer), SAL_STATUS_OK);
    sal_raster_writer_free(writer);
    sal_stack_free(stack);
    free(some);
    free(all);
}

static void assert_same_map(const char *a, const char *b)
{
    int64_t columns, rows, bands, columns_b, rows_b, bands_b;
    float *x = read_all(a, &columns, &rows, &bands), *y = read_all(b, &columns_b, &rows_b, &bands_b);
    assert_true(columns == columns_b && rows == rows_b && bands == bands_b);
    for (int64_t i = 0; i < columns * rows * bands; i++) {
        if (isnan(x[i]) && isnan(y[i])) continue;
        if (memcmp(&x[i], &y[i], sizeof *x)) fail_msg("%s and %s differ in band %d, row %d, column %d: %.9g, %.9g", a, b, (int)(i % bands), (int)(i / bands / columns), (int)(i / bands % columns), (double)x[i], (double)y[i]);
    }
    free(x);
    free(y);
}

/* ---- the network on one window, as the trainer runs it ---- */

typedef struct evaluator {
    sal_model_file *model;
    sal_stack *stack;
    const sal_system *system;
    sal_model_options options;
    sal_scaling target;
    sal_tape *tape[8];
    sal_params *params[8];
    sal_program *program[8];
} evaluator;

static void evaluator_open(evaluator *e, const char *model, const char *stack)
{
    memset(e, 0, sizeof *e);
    e->stack = open_stack(stack);
    if (sal_model_file_load(ctx, in_folder(model), &e->model) != SAL_STATUS_OK) fail_msg("%s", sal_context_message(ctx));
    assert_int_equal(sal_network_options(e->model, &e->system, &e->options, &e->target), SAL_STATUS_OK);
    e->options.shows_embedding = e->model->applicability && e->model->applicability->basis == SAL_APPLICABILITY_EMBEDDING;
    for (int64_t m = 0; m < e->model->members; m++) {
        assert_int_equal(sal_params_new(ctx, &e->params[m]), SAL_STATUS_OK);
        assert_int_equal(sal_tape_new(ctx, e->params[m], false, &e->tape[m]), SAL_STATUS_OK);
        sal_model_inputs in = sal_system_inputs(e->tape[m], e->system, &e->options, 1);
        sal_tape_output(e->tape[m], e->system->build(e->tape[m], &e->options, &in), "prediction");
        assert_int_equal(sal_program_new(ctx, e->tape[m], &e->program[m]), SAL_STATUS_OK);
        assert_int_equal(sal_params_initialise(e->params[m], 0), SAL_STATUS_OK);
        assert_int_equal(sal_network_restore(e->model, m, e->params[m]), SAL_STATUS_OK);
    }
}

static void evaluator_close(evaluator *e)
{
    for (int64_t m = 0; m < e->model->members; m++) {
        sal_program_free(e->program[m]);
        sal_tape_free(e->tape[m]);
        sal_params_free(e->params[m]);
    }
    sal_model_file_free(e->model);
    sal_stack_free(e->stack);
}

static int64_t mirrored(int64_t i, int64_t n)
{
    while (i < 0 || i >= n) i = n == 1 ? 0 : i < 0 ? -i : 2 * (n - 1) - i;
    return i;
}

/* Scaled values of one part of the model at a window around a pixel, put into the input of a network; beyond the raster its mirror image. */
static void put(evaluator *e, int64_t member, const char *input, const char *role, int64_t column, int64_t row, int64_t side)
{
    const char *ids[SAL_COVARIATES_MAX];
    sal_scaling scales[SAL_COVARIATES_MAX];
    real *to = sal_program_input(e->program[member], input);
    sal_covariates *c;
    int64_t n = 1;
    if (!to) return;
    if (role) n = sal_network_covariates(e->model, role, ids, scales);
    else ids[0] = "NDVI";
    const sal_grid *g = sal_stack_grid(e->stack);
    const int64_t first_column = column - side / 2, first_row = row - side / 2;
    float *values = malloc(sizeof(float) * (size_t)(side * side * n));
    assert_int_equal(sal_covariates_bind(ctx, e->stack, ids, n, NULL, &c), SAL_STATUS_OK);
    assert_int_equal(sal_covariates_read(c, first_column, first_row, side, side, values), SAL_STATUS_OK);
    if (role) sal_scale_apply(scales, n, side * side, values);
    for (int64_t i = 0; i < side * side; i++) {
        int64_t x = mirrored(first_column + i % side, g->columns) - first_column, y = mirrored(first_row + i / side, g->rows) - first_row;
        for (int64_t k = 0; k < n; k++) {
            float v = values[(y * side + x) * n + k]; /* the mirror of a pixel of the window lies in the window */
            to[i * n + k] = isfinite(v) ? v : 0;
        }
    }
    sal_covariates_free(c);
    free(values);
}

static void put_pixel(evaluator *e, int64_t member, int64_t column, int64_t row)
{
    put(e, member, "spectrum", "spectral", column, row, 1);
    put(e, member, "index", "index", column, row, 1);
    put(e, member, "ndvi", NULL, column, row, 1);
    put(e, member, "point", "window", column, row, 1);
}

/* lower, median, upper of one member on the scale of the network. */
static void run(evaluator *e, int64_t member, double out[3])
{
    sal_program_run(e->program[member], 0, 0);
    const real *y = sal_program_output(e->program[member], "prediction");
    for (int k = 0; k < 3; k++) out[k] = (double)y[e->options.head == SAL_HEAD_HUBER ? 0 : k] * e->target.sd + e->target.mean;
}

static void evaluate(evaluator *e, int64_t column, int64_t row, double out[3])
{
    memset(out, 0, 3 * sizeof *out);
    for (int64_t m = 0; m < e->model->members; m++) {
        double one[3];
        put_pixel(e, m, column, row);
        put(e, m, "window", "window", column, row, e->options.window);
        run(e, m, one);
        for (int k = 0; k < 3; k++) out[k] += one[k] / (double)e->model->members;
    }
}

/* How far a pixel of a map is from what the networks gave, on their scale. */
static double distance(const sal_model_file *model, const sal_conformal_rule *rule, const double expected[3], const float *pixel)
{
    double worst = 0, all[3] = { expected[1], 0, 0 };
    sal_conformal_apply(rule, expected[0], expected[1], expected[2], &all[1], &all[2]);
    for (int k = 0; k < 3; k++) {
        double natural = fmax(sal_model_file_from_network(model, all[k]), 0), got = (double)pixel[k];
        double d = fabs(sal_model_file_to_network(model, got) - sal_model_file_to_network(model, natural));
        d /= k ? 1 + fabs(all[k]) : 1; /* limits are magnified half widths */
        worst = d > worst || isnan(d) ? d : worst;
    }
    return worst;
}

/* Pixel i of those that are looked at: corners, where tiles meet, the four edges, then anywhere. */
static void choose(int64_t i, int64_t columns, int64_t rows, int64_t *column, int64_t *row)
{
    *column = sal_random_below(7, 1, (uint64_t)i, columns);
    *row = sal_random_below(7, 2, (uint64_t)i, rows);
    if (i < 4) *column = i % 2 ? columns - 1 : 0, *row = i / 2 ? rows - 1 : 0;
    else if (i < 8) *column = columns > 257 ? 254 + i % 4 : 0, *row = rows > 65 ? 62 + i % 4 : 0;
    else if (i < 12) *column = i % 2 ? columns - 1 : 0;
    else if (i < 16) *row = i % 2 ? rows - 1 : 0;
}

/* Largest difference of a map from window-by-window evaluation, on the scale of the network, over chosen pixels. */
static double difference(const char *map, const char *stack, const char *model, double interval, int64_t count)
{
    evaluator e;
    int64_t columns, rows, bands, column, row;
    float *values = read_all(map, &columns, &rows, &bands);
    double worst = 0, expected[3];
    sal_conformal_rule rule;
    evaluator_open(&e, model, stack);
    assert_int_equal(sal_conformal_rule_at(ctx, &e.model->conformal, interval, &rule), SAL_STATUS_OK);
    for (int64_t i = 0; i < count; i++) {
        choose(i, columns, rows, &column, &row);
        const float *pixel = values + (row * columns + column) * bands;
        if (isnan(pixel[0])) continue;
        evaluate(&e, column, row, expected);
        double d = distance(e.model, &rule, expected, pixel);
        worst = d > worst || isnan(d) ? d : worst;
    }
    evaluator_close(&e);
    free(values);
    return worst;
}

/* The same with what the trainer reads at samples on those pixels. */
static double difference_from_training_windows(const char *map, const char *stack, const char *model, int64_t count)
{
    evaluator e;
    sal_sample items[64];
    sal_samples samples = { .count = count, .items = items };
    sal_roles roles;
    sal_dataset *d;
    sal_scaling scales[SAL_COVARIATES_MAX];
    const char *ids[SAL_COVARIATES_MAX];
    int64_t columns, rows, bands, column, row;
    float *values = read_all(map, &columns, &rows, &bands);
    double worst = 0, expected[3];
    sal_conformal_rule rule;
    evaluator_open(&e, model, stack);
    assert_int_equal(sal_conformal_rule_at(ctx, &e.model->conformal, 0.9, &rule), SAL_STATUS_OK);
    for (int64_t i = 0; i < count; i++) {
        choose(i, columns, rows, &column, &row);
        items[i] = (sal_sample){ .fid = i, .column = column, .row = row };
    }
    assert_int_equal(sal_roles_find(ctx, &e.stack, 1, e.options.window, &roles), SAL_STATUS_OK);
    assert_int_equal(sal_dataset_new(ctx, &samples, &e.stack, 1, &roles, count, &d), SAL_STATUS_OK);
    const int64_t n = sal_network_covariates(e.model, "window", ids, scales), pixels = roles.window * roles.window;
    for (int64_t k = 0; k < n; k++) assert_string_equal(ids[k], roles.covariates[k]);
    sal_scale_apply(scales, n, count * pixels, d->window);
    for (int64_t i = 0; i < count; i++) {
        put_pixel(&e, 0, items[i].column, items[i].row);
        real *to = sal_program_input(e.program[0], "window");
        for (int64_t k = 0; k < pixels * n; k++) to[k] = d->window[i * pixels * n + k];
        run(&e, 0, expected);
        double off = distance(e.model, &rule, expected, values + (items[i].row * columns + items[i].column) * bands);
        worst = off > worst || isnan(off) ? off : worst;
    }
    sal_dataset_free(ctx, d);
    sal_roles_clear(ctx, &roles);
    evaluator_close(&e);
    free(values);
    return worst;
}

/* ---- the map ---- */

static void the_map_equals_window_by_window_evaluation(void **state)
{
    const char *models[] = { "window.safetensors", "spec.safetensors", "stacked.safetensors", "index.safetensors", "two.safetensors" };
    for (int k = 0; k < 5; k++) {
        json_object *result;
        retrieve_well("stack.tif", models[k], "map.tif", "", &result);
        assert_true(number_of(result, "valid_pixels") == 300 * 300);
        json_object_put(result);
        double d = difference("map.tif", "stack.tif", models[k], 0.9, 40);
        if (!(d < 1e-5)) fail_msg("%s: %g", models[k], d);
    }
}

static void block_size_threads_and_memory_do_not_change_a_bit(void **state)
{
    const char *ways[] = { ",'block_size':64,'threads':2", ",'block_size':100,'threads':1", ",'block_size':1000000,'threads':3", ",'threads':2,'max_memory':'160MiB'" };
    const char *models[] = { "window.safetensors", "spec.safetensors" };
    for (int m = 0; m < 2; m++) {
        retrieve_well("stack.tif", models[m], "map.tif", ",'threads':1", NULL);
        for (int k = 0; k < 4; k++) {
            json_object *result;
            retrieve_well("stack.tif", models[m], "other.tif", ways[k], &result);
            if (k == 1) assert_true(number_of(result, "rows_at_a_time") == SAL_TILE_ROWS);
            json_object_put(result);
            assert_same_map("map.tif", "other.tif");
        }
    }
}

static void little_and_thin_rasters_are_mapped(void **state)
{
    const variation shapes[] = { { .column = 3, .row = 5, .columns = 120, .rows = 1 }, { .column = 40, .columns = 1, .rows = 130 },
                                 { .column = 100, .row = 100, .columns = 1, .rows = 1 }, { .row = 20, .columns = 290, .rows = 5 } };
    for (int k = 0; k < 4; k++) {
        json_object *result;
        vary("thin.tif", &shapes[k]);
        retrieve_well("thin.tif", "window.safetensors", "thin_map.tif", "", &result);
        assert_true(number_of(result, "share_edge") == 1); /* every window of 17 reaches beyond */
        json_object_put(result);
        double d = difference("thin_map.tif", "thin.tif", "window.safetensors", 0.9, 12);
        if (!(d < 1e-5)) fail_msg("shape %d: %g", k, d);
    }
}

static void the_map_sees_the_windows_of_the_trainer_at_every_edge(void **state)
{
    const variation shapes[] = { { .columns = 300, .rows = 300 }, { .column = 9, .row = 4, .columns = 40, .rows = 30 }, { .column = 50, .row = 60, .columns = 9, .rows = 6 } };
    for (int k = 0; k < 3; k++) {
        vary("edge.tif", &shapes[k]);
        retrieve_well("edge.tif", "window.safetensors", "edge_map.tif", "", NULL);
        double d = difference_from_training_windows("edge_map.tif", "edge.tif", "window.safetensors", 24);
        if (!(d < 1e-5)) fail_msg("shape %d: %g", k, d);
    }
}

/* Tiles are 256 rows high and 528 columns wide: the last ones hold a single row or column, or fewer than the window reaches, and see reflected rows that
 * were read for the tiles before. */
static void narrow_last_tiles_see_the_same_whatever_is_read_at_a_time(void **state)
{
    const int64_t sizes[][2] = { { 529, 257 }, { 535, 258 }, { 528, 261 } };
    const char *ways[] = { ",'block_size':64,'threads':2", ",'block_size':200,'threads':3", ",'threads':2" };
    for (int k = 0; k < 3; k++) {
        const variation v = { .column = 20, .row = 10, .columns = sizes[k][0], .rows = sizes[k][1] };
        vary("narrow.tif", &v);
        retrieve_well("narrow.tif", "window.safetensors", "narrow_map.tif", ",'block_size':64,'threads':1", NULL);
        double d = difference("narrow_map.tif", "narrow.tif", "window.safetensors", 0.9, 24);
        if (!(d < 1e-5)) fail_msg("size %d: %g", k, d);
        for (int w = 0; w < 3; w++) {
            retrieve_well("narrow.tif", "window.safetensors", "other.tif", ways[w], NULL);
            assert_same_map("narrow_map.tif", "other.tif");
        }
    }
}

static bool stripes(int64_t column, int64_t row, const char *band) { return row % 40 >= 30 && strcmp(band, "B04") == 0; }

/* One well inside, one whose image lies beyond the corner. */
static bool gaps(int64_t column, int64_t row, const char *band) { return ((column == 60 && row == 50) || (column == 4 && row == 3)) && strcmp(band, "SOS") == 0; }

static bool everything(int64_t column, int64_t row, const char *band) { return true; }

static void pixels_without_bands_are_nodata_in_every_band(void **state)
{
    const variation v = { .columns = 130, .rows = 110, .hole = stripes };
    int64_t columns, rows, bands;
    vary("stripes.tif", &v);
    retrieve_well("stripes.tif", "window.safetensors", "striped_map.tif", "", NULL);
    float *map = read_all("striped_map.tif", &columns, &rows, &bands);
    for (int64_t i = 0; i < columns * rows * bands; i++) assert_true(isnan(map[i]) == (i / bands / columns % 40 >= 30));
    free(map);
    assert_true(difference("striped_map.tif", "stripes.tif", "window.safetensors", 0.9, 20) < 1e-5);
}

static void a_stack_of_nothing_gives_an_empty_map_and_a_warning(void **state)
{
    const variation v = { .columns = 70, .rows = 80, .hole = everything };
    int64_t columns, rows, bands;
    json_object *result;
    vary("empty.tif", &v);
    retrieve_well("empty.tif", "window.safetensors", "empty_map.tif", "", &result);
    assert_true(number_of(result, "valid_pixels") == 0);
    assert_non_null(strstr(json_object_to_json_string(json_object_object_get(result, "log")), "map is empty"));
    json_object_put(result);
    float *map = read_all("empty_map.tif", &columns, &rows, &bands);
    for (int64_t i = 0; i < columns * rows * bands; i++) assert_true(isnan(map[i]));
    free(map);
}

/* Flags of one pixel by looking at all of its window. */
static int32_t flags_of(evaluator *e, int64_t column, int64_t row, double *di)
{
    double x[3 * SAL_COVARIATES_MAX];
    const sal_grid *g = sal_stack_grid(e->stack);
    int64_t side = e->options.window, half = side / 2, flags = 0;
    const char *ids[SAL_COVARIATES_MAX];
    float *values = malloc(sizeof(float) * (size_t)(side * side));
    if (column < half || row < half || column + half >= g->columns || row + half >= g->rows) flags |= SAL_QUALITY_EDGE;
    for (int64_t i = 0; i < e->model->covariate_count; i++) {
        const sal_model_covariate *c = &e->model->covariates[i];
        sal_covariates *read;
        bool window = strcmp(c->role, "window") == 0;
        int64_t n = window ? side : 1;
        ids[0] = c->id;
        assert_int_equal(sal_covariates_bind(ctx, e->stack, ids, 1, NULL, &read), SAL_STATUS_OK);
        assert_int_equal(sal_covariates_read(read, column - n / 2, row - n / 2, n, n, values), SAL_STATUS_OK);
        sal_covariates_free(read);
        for (int64_t k = 0; k < n * n; k++) {
            int64_t at_column = column - n / 2 + k % n, at_row = row - n / 2 + k / n;
            bool inside = at_column >= 0 && at_row >= 0 && at_column < g->columns && at_row < g->rows;
            if (inside && !isfinite(values[k])) flags |= SAL_QUALITY_MISSING;
        }
        double centre = x[i] = (double)values[n * n / 2];
        if (centre < c->low - 1e-5 * (c->high - c->low) || centre > c->high + 1e-5 * (c->high - c->low)) flags |= SAL_QUALITY_RANGE;
    }
    free(values);
    *di = sal_applicability_at(e->model->applicability, x, NULL);
    if ((double)(float)*di > e->model->applicability->threshold) flags |= SAL_QUALITY_OUTSIDE;
    return (int32_t)flags;
}

static void quality_equals_flags_found_pixel_by_pixel(void **state)
{
    const variation v = { .column = 20, .row = 20, .columns = 270, .rows = 90, .hole = gaps };
    evaluator e;
    int64_t columns, rows, bands, seen[8] = { 0 }, wrong = 0, around = 0, outside = 0;
    vary("gaps.tif", &v);
    retrieve_well("gaps.tif", "window.safetensors", "gaps_map.tif", "", NULL);
    float *map = read_all("gaps_map.tif", &columns, &rows, &bands);
    evaluator_open(&e, "window.safetensors", "gaps.tif");
    for (int64_t i = 0; i < columns * rows; i++) {
        int64_t column = i % columns, row = i / columns;
        around += ((int32_t)map[i * bands + sal_map_quality(true, false)] & SAL_QUALITY_MISSING) != 0;
        if (i % 97 && !(column >= 50 && column <= 70 && row >= 57 && row <= 59) && !(column < 14 && row < 13)) continue;
        double di;
        int32_t expected = flags_of(&e, column, row, &di), got = (int32_t)map[i * bands + sal_map_quality(true, false)];
        wrong += expected != got;
        wrong += !(fabs((double)map[i * bands + SAL_MAP_DI] - di) <= 1e-6 * fmax(1, di));
        outside += (got & SAL_QUALITY_OUTSIDE) != 0;
        seen[got & 7]++;
    }
    assert_int_equal(wrong, 0);
    assert_int_equal(bands, 5);
    assert_true(outside > 0);
    assert_true(around >= 17 * 17);                             /* the windows that hold the gap */
    assert_true(seen[0] && seen[1] && seen[2] && seen[3] && seen[4]); /* the case is not empty */
    evaluator_close(&e);
    free(map);
}

static void without_aoa_the_map_has_no_band_di(void **state)
{
    int64_t columns, rows, bands, columns_b, rows_b, bands_b;
    json_object *result;
    retrieve_well("small.tif", "window.safetensors", "plain.tif", ",'aoa':false", &result);
    assert_true(json_object_object_get(result, "share_outside_aoa") == NULL);
    json_object_put(result);
    retrieve_well("small.tif", "window.safetensors", "aoa.tif", ",'aoa':true", &result);
    assert_true(number_of(result, "di_threshold") > 0 && number_of(result, "share_outside_aoa") >= 0);
    json_object_put(result);
    float *plain = read_all("plain.tif", &columns, &rows, &bands), *aoa = read_all("aoa.tif", &columns_b, &rows_b, &bands_b);
    assert_true(bands == 4 && bands_b == 5 && columns == columns_b && rows == rows_b);
    for (int64_t i = 0; i < columns * rows; i++) {
        if (isnan(plain[4 * i])) continue;
        for (int64_t b = 0; b < 3; b++) assert_true(plain[4 * i + b] == aoa[5 * i + b]);
        assert_int_equal((int32_t)plain[4 * i + 3], (int32_t)aoa[5 * i + 4] & 7);
    }
    free(plain);
    free(aoa);
}

/* The band, its mean and its meaning, for two reading blocks and numbers of threads; the other bands stay what they are. */
static void lpd_adds_a_band_that_counts_samples(void **state)
{
    int64_t columns, rows, bands, columns_b, rows_b, bands_b;
    json_object *result;
    evaluator e;
    retrieve_well("small.tif", "window.safetensors", "aoa.tif", "", NULL);
    retrieve_well("small.tif", "window.safetensors", "lpd.tif", ",'lpd':true", &result);
    sal_context_set_threads(ctx, 1);
    retrieve_well("small.tif", "window.safetensors", "lpd_one.tif", ",'lpd':true,'block_size':64", NULL);
    float *aoa = read_all("aoa.tif", &columns, &rows, &bands), *lpd = read_all("lpd.tif", &columns_b, &rows_b, &bands_b), *one = read_all("lpd_one.tif", &columns_b, &rows_b, &bands_b);
    assert_true(bands == 5 && bands_b == 6 && columns == columns_b && rows == rows_b);
    assert_memory_equal(lpd, one, sizeof(float) * (size_t)(columns * rows * bands_b));
    evaluator_open(&e, "window.safetensors", "small.tif");
    double sum = 0, threshold = e.model->applicability->threshold;
    int64_t some = 0, none = 0;
    for (int64_t i = 0; i < columns * rows; i++) {
        float count = lpd[6 * i + SAL_MAP_LPD];
        for (int64_t b = 0; b < 5; b++) assert_true(lpd[6 * i + b + (b == 4)] == aoa[5 * i + b]);
        assert_true(count == floorf(count) && count >= 0 && count <= (float)e.model->applicability->n);
        if (fabs((double)lpd[6 * i + SAL_MAP_DI] - threshold) > 1e-6) assert_true((count > 0) == ((double)lpd[6 * i + SAL_MAP_DI] < threshold));
        sum += (double)count;
        some += count > 1, none += count == 0;
    }
    assert_true(some && none);
    assert_true(fabs(number_of(result, "mean_local_point_density") - sum / (double)(columns * rows)) < 1e-9);
    json_object_put(result);
    evaluator_close(&e);
    sal_error_clear(ctx);
    assert_int_equal(retrieve("small.tif", "window.safetensors", "no.tif", ",'lpd':true,'aoa':false", NULL), SAL_STATUS_ARGUMENT);
    assert_non_null(strstr(sal_context_message(ctx), "retrieve with aoa true or with lpd false"));
    free(aoa), free(lpd), free(one);
}

/* The index of a pixel from the tapes of all members, on the window around it. */
static double index_on_embedding(evaluator *e, int64_t column, int64_t row)
{
    int64_t hidden = e->options.hidden;
    double *x = malloc(sizeof(double) * (size_t)(hidden * e->model->members)), ignored[3];
    for (int64_t m = 0; m < e->model->members; m++) {
        put_pixel(e, m, column, row);
        put(e, m, "window", "window", column, row, e->options.window);
        run(e, m, ignored);
        const real *h = sal_program_output(e->program[m], "embedding");
        for (int64_t c = 0; c < hidden; c++) x[m * hidden + c] = (double)h[c];
    }
    double di = sal_applicability_at(e->model->applicability, x, NULL);
    free(x);
    return di;
}

/* To 1e-5, for one network and an ensemble, with and without a window; what else the map has is that of the same networks without embedding. */
static void the_index_on_the_embedding_equals_window_by_window_evaluation(void **state)
{
    const char *models[][2] = { { "window_embedded.safetensors", "window.safetensors" }, { "two_embedded.safetensors", "two.safetensors" }, { "stacked_embedded.safetensors", "stacked.safetensors" } };
    for (int k = 0; k < 3; k++) {
        evaluator e;
        int64_t columns, rows, bands, column, row, differs = 0;
        retrieve_well("small.tif", models[k][0], "embedded_map.tif", ",'lpd':true", NULL);
        retrieve_well("small.tif", models[k][0], "embedded_again.tif", ",'lpd':true,'block_size':64,'threads':1", NULL);
        assert_same_map("embedded_map.tif", "embedded_again.tif");
        retrieve_well("small.tif", models[k][1], "covariates_map.tif", ",'lpd':true", NULL);
        float *map = read_all("embedded_map.tif", &columns, &rows, &bands), *other = read_all("covariates_map.tif", &columns, &rows, &bands);
        evaluator_open(&e, models[k][0], "small.tif");
        assert_int_equal(e.model->applicability->basis, SAL_APPLICABILITY_EMBEDDING);
        assert_int_equal(e.model->applicability->p, e.options.hidden * e.model->members);
        for (int64_t i = 0; i < columns * rows; i++) {
            for (int b = 0; b < 3; b++) assert_true(map[i * bands + b] == other[i * bands + b]);
            differs += map[i * bands + SAL_MAP_DI] != other[i * bands + SAL_MAP_DI];
            bool outside = (double)map[i * bands + SAL_MAP_DI] > e.model->applicability->threshold;
            assert_true(outside == (((int32_t)map[i * bands + 5] & SAL_QUALITY_OUTSIDE) != 0));
        }
        assert_true(differs > columns * rows / 2);
        for (int64_t i = 0; i < 30; i++) {
            choose(i, columns, rows, &column, &row);
            double expected = index_on_embedding(&e, column, row), got = (double)map[(row * columns + column) * bands + SAL_MAP_DI];
            if (!(fabs(got - expected) < 1e-5 * fmax(1, expected))) fail_msg("%s: %.9g instead of %.9g", models[k][0], got, expected);
        }
        evaluator_close(&e);
        free(map), free(other);
    }
}

/* Units that the file does not have. */
static void an_embedding_of_another_width_is_refused(void **state)
{
    sal_model_file *model;
    sal_error_clear(ctx);
    assert_int_equal(sal_model_file_load(ctx, in_folder("stacked.safetensors"), &model), SAL_STATUS_OK);
    model->applicability->basis = SAL_APPLICABILITY_EMBEDDING;
    assert_int_equal(sal_model_file_save(model, in_folder("lying.safetensors")), SAL_STATUS_OK);
    sal_model_file_free(model);
    assert_int_equal(retrieve("small.tif", "lying.safetensors", "lying.tif", "", NULL), SAL_STATUS_DATA);
    assert_non_null(strstr(sal_context_message(ctx), "units of its last hidden layers, which have 64; train it again"));
    sal_error_clear(ctx);
}

/* A model from before there was an area of applicability. */
static void a_model_without_applicability_maps_unless_it_is_asked_for(void **state)
{
    sal_model_file *model;
    int64_t columns, rows, bands;
    sal_error_clear(ctx);
    assert_int_equal(sal_model_file_load(ctx, in_folder("window.safetensors"), &model), SAL_STATUS_OK);
    sal_applicability_free(model->applicability);
    model->applicability = NULL;
    assert_int_equal(sal_model_file_save(model, in_folder("old.safetensors")), SAL_STATUS_OK);
    sal_model_file_free(model);
    assert_int_equal(retrieve("small.tif", "old.safetensors", "old.tif", ",'aoa':true", NULL), SAL_STATUS_DATA);
    assert_non_null(strstr(sal_context_message(ctx), "does not say where it is applicable; train it again with applicability covariates or embedding, or retrieve with aoa false"));
    sal_error_clear(ctx);
    assert_int_equal(retrieve("small.tif", "old.safetensors", "old.tif", ",'lpd':true", NULL), SAL_STATUS_DATA); /* nothing to count */
    assert_non_null(strstr(sal_context_message(ctx), "retrieve with aoa false and lpd false"));
    sal_error_clear(ctx);
    retrieve_well("small.tif", "old.safetensors", "old.tif", "", NULL);
    free(read_all("old.tif", &columns, &rows, &bands));
    assert_int_equal(bands, 4);
}

static void a_higher_coverage_gives_wider_intervals_around_the_same_median(void **state)
{
    int64_t columns, rows, bands;
    json_object *result;
    retrieve_well("small.tif", "window.safetensors", "half.tif", ",'interval':0.5", NULL);
    retrieve_well("small.tif", "window.safetensors", "most.tif", ",'interval':0.95", &result);
    assert_true(number_of(result, "interval") == 0.95);
    json_object_put(result);
    float *half = read_all("half.tif", &columns, &rows, &bands), *most = read_all("most.tif", &columns, &rows, &bands);
    int64_t wider = 0;
    for (int64_t i = 0; i < columns * rows * bands; i += bands) {
        assert_true(half[i] == most[i]);
        assert_true(most[i + 1] <= half[i + 1] && half[i + 1] <= half[i] && half[i] <= half[i + 2] && half[i + 2] <= most[i + 2]);
        assert_true(most[i + 1] >= 0);
        wider += most[i + 2] - most[i + 1] > half[i + 2] - half[i + 1];
    }
    assert_true(wider > columns * rows * 99 / 100); /* but where both lie at 0 */
    free(half);
    free(most);
    assert_true(difference("most.tif", "small.tif", "window.safetensors", 0.95, 10) < 1e-5);
}

static void the_mean_lies_above_the_median_by_the_factor_of_the_model(void **state)
{
    const char *models[] = { "window.safetensors", "stacked.safetensors", "index.safetensors" }; /* the last learns the value as it is */
    const char *ways[] = { ",'centre':'median','interval':0.5", ",'centre':'mean','interval':0.5" };
    for (int k = 0; k < 3; k++) {
        int64_t columns, rows, bands, pushed = 0;
        double sum = 0;
        sal_model_file *model;
        json_object *result;
        sal_raster *raster;
        retrieve_well("small.tif", models[k], "median.tif", ways[0], NULL);
        retrieve_well("small.tif", models[k], "mean.tif", ways[1], &result);
        assert_int_equal(sal_model_file_load(ctx, in_folder(models[k]), &model), SAL_STATUS_OK);
        double factor = model->mean_factor;
        assert_true(k == 2 ? factor == 1 : factor > 0.5 && factor < 3 && factor != 1);
        float *median = read_all("median.tif", &columns, &rows, &bands), *mean = read_all("mean.tif", &columns, &rows, &bands);
        for (int64_t i = 0; i < columns * rows * bands; i += bands) {
            double expected = k == 2 ? (double)median[i] : factor * (1 + (double)median[i]) - 1;
            sum += (double)mean[i];
            assert_true(fabs((double)mean[i] - fmax(expected, 0)) < 1e-5 * (1 + fabs(expected)));
            assert_true(mean[i + 1] == fminf(median[i + 1], mean[i]) && mean[i + 2] == fmaxf(median[i + 2], mean[i]));
            assert_true(mean[i + 3] == median[i + 3]);
            pushed += mean[i + 2] != median[i + 2] || mean[i + 1] != median[i + 1];
        }
        assert_true(fabs(number_of(result, "mean") - sum / (double)(columns * rows)) < 1e-6 * sum);
        assert_string_equal(json_object_get_string(json_object_object_get(result, "centre")), "mean");
        assert_true(pushed < columns * rows);
        assert_int_equal(sal_raster_open(ctx, in_folder("mean.tif"), &raster), SAL_STATUS_OK);
        assert_string_equal(sal_raster_band_name(raster, 0), "salinity");
        assert_non_null(strstr(sal_raster_metadata(raster, "SALINA", "CENTRE"), k == 2 ? "mean (no transform" : "mean (ratio estimator"));
        sal_raster_free(raster);
        assert_int_equal(sal_raster_open(ctx, in_folder("median.tif"), &raster), SAL_STATUS_OK);
        assert_string_equal(sal_raster_metadata(raster, "SALINA", "CENTRE"), "median");
        sal_raster_free(raster);
        json_object_put(result);
        sal_model_file_free(model);
        free(median);
        free(mean);
    }
}

static void the_file_says_where_the_map_came_from(void **state)
{
    const char *keys[] = { "MODEL", "MODEL_SHA256", "SYSTEM", "TARGET", "UNIT", "CENTRE", "INTERVAL", "SCHEME", "STACK", "SENSOR", "DATE", "VERSION", "QUALITY" };
    const char *names[] = { "salinity", "lower", "upper", "di", "quality" };
    const char *formats[] = { ",'format':'gtiff'", ",'format':'cog'" };
    char hash[65];
    for (int f = 0; f < 2; f++) {
        sal_raster *raster;
        json_object *result;
        retrieve_well("stack.tif", "window.safetensors", "told.tif", formats[f], &result);
        double hectares = 0;
        json_object *classes = json_object_object_get(result, "classes");
        for (size_t k = 0; k < json_object_array_length(classes); k++) hectares += number_of(json_object_array_get_idx(classes, k), "hectares");
        assert_true(fabs(hectares - 900) < 1e-9); /* 300 x 300 pixels of 10 m */
        assert_true(number_of(result, "share_edge") > 0 && number_of(result, "megapixels_per_second") > 0);
        assert_string_equal(json_object_get_string(json_object_object_get(result, "style")), in_folder("told.qml"));
        json_object_put(result);
        assert_int_equal(sal_raster_open(ctx, in_folder("told.tif"), &raster), SAL_STATUS_OK);
        for (int k = 0; k < 5; k++) assert_string_equal(sal_raster_band_name(raster, k), names[k]);
        assert_string_equal(sal_raster_band_unit(raster, 0), "g/kg");
        for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
            const char *value = sal_raster_metadata(raster, "SALINA", keys[k]);
            if (!value || !value[0]) fail_msg("%s is empty", keys[k]);
        }
        assert_string_equal(sal_raster_metadata(raster, "SALINA", "MODEL"), "window.safetensors");
        assert_int_equal(sal_file_sha256(ctx, in_folder("window.safetensors"), hash), SAL_STATUS_OK);
        assert_string_equal(sal_raster_metadata(raster, "SALINA", "MODEL_SHA256"), hash);
        sal_raster_free(raster);
        char *style;
        int64_t length;
        assert_int_equal(sal_file_read(ctx, in_folder("told.qml"), &style, &length), SAL_STATUS_OK);
        assert_non_null(strstr(style, "slightly saline"));
        sal_release(ctx, style);
        remove(in_folder("told.qml"));
    }
}

static void a_model_without_classes_is_shown_as_a_ramp(void **state)
{
    char *style;
    int64_t length;
    retrieve_well("small.tif", "plain.safetensors", "plain.tif", "", NULL);
    assert_int_equal(sal_file_read(ctx, in_folder("plain.qml"), &style, &length), SAL_STATUS_OK);
    assert_non_null(strstr(style, "INTERPOLATED"));
    sal_release(ctx, style);
}

/* ---- refusals ---- */

static int files_in_folder(void)
{
    int n = 0;
    DIR *dir = opendir(folder);
    while (readdir(dir)) n++;
    closedir(dir);
    return n;
}

static void refuse(const char *stack, const char *model, const char *output, const char *more, const char *words, const char *words_2)
{
    int before = files_in_folder();
    if (retrieve(stack, model, output, more, NULL) == SAL_STATUS_OK) fail_msg("accepted: %s %s %s", stack, model, more);
    if (!strstr(sal_context_message(ctx), words) || !strstr(sal_context_message(ctx), words_2)) fail_msg("\"%s\" or \"%s\" is not in: %s", words, words_2, sal_context_message(ctx));
    assert_int_equal(files_in_folder(), before);
}

static void stacks_that_do_not_fit_are_refused_by_name(void **state)
{
    const struct {
        variation v;
        const char *words, *words_2;
    } cases[] = { { { .columns = 40, .rows = 40, .drop = "B11" }, "B11", "window.safetensors" },
                  { { .columns = 40, .rows = 40, .drop = "SOS" }, "\"SOS\"", "Build covariate stack" },
                  { { .columns = 40, .rows = 40, .rename = "DEM", .to = "HEIGHT" }, "\"DEM\"", "odd.tif" },
                  { { .columns = 40, .rows = 40, .sensor = "Landsat 8" }, "Landsat 8", "Sentinel-2" },
                  { { .columns = 40, .rows = 40, .pixel = 20 }, "20 m", "10 m" } };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        vary("odd.tif", &cases[k].v);
        refuse("odd.tif", "window.safetensors", "refused.tif", "", cases[k].words, cases[k].words_2);
    }
}

static void put_file(const char *name, const char *bytes, int64_t length)
{
    if (sal_file_write(ctx, in_folder(name), bytes, length) != SAL_STATUS_OK) fail_msg("%s", sal_context_message(ctx));
}

static void cut_and_edited_models_are_refused(void **state)
{
    char *bytes;
    int64_t length;
    sal_error_clear(ctx);
    assert_int_equal(sal_file_read(ctx, in_folder("window.safetensors"), &bytes, &length), SAL_STATUS_OK);
    for (int k = 0; k < 6; k++) {
        put_file("bad.safetensors", bytes, length * k / 6);
        refuse("small.tif", "bad.safetensors", "refused.tif", "", "bad.safetensors", "");
    }
    for (int k = 0; k < 6; k++) {
        int64_t at = 8 + (length - 9) * k / 5;
        bytes[at] ^= 4;
        put_file("bad.safetensors", bytes, length);
        refuse("small.tif", "bad.safetensors", "refused.tif", "", "bad.safetensors", "");
        bytes[at] ^= 4;
    }
    sal_release(ctx, bytes);
    refuse("small.tif", "small.tif", "refused.tif", "", "small.tif", "");
    remove(in_folder("bad.safetensors"));
}

static void a_model_without_a_mean_factor_maps_the_median_only(void **state)
{
    sal_model_file *model;
    assert_int_equal(sal_model_file_load(ctx, in_folder("spec.safetensors"), &model), SAL_STATUS_OK);
    model->mean_factor = 0;
    assert_int_equal(sal_model_file_save(model, in_folder("old.safetensors")), SAL_STATUS_OK);
    sal_model_file_free(model);
    refuse("small.tif", "old.safetensors", "refused.tif", ",'centre':'mean'", "model \"old.safetensors\"", "train it again or retrieve with centre median");
    refuse("small.tif", "spec.safetensors", "refused.tif", ",'centre':'middle'", "centre", "median");
    retrieve_well("small.tif", "old.safetensors", "map.tif", "", NULL);
    retrieve_well("small.tif", "spec.safetensors", "other.tif", "", NULL);
    assert_same_map("map.tif", "other.tif");
}

static void memory_that_cannot_do_is_refused_with_the_least_that_would(void **state)
{
    refuse("stack.tif", "window.safetensors", "refused.tif", ",'max_memory':'1MiB'", "max_memory is 1 MiB", "needs at least");
    const char *least = strstr(sal_context_message(ctx), "at least") + 9;
    char more[64];
    json_object *result;
    snprintf(more, sizeof more, ",'max_memory':'%d MiB'", atoi(least));
    retrieve_well("stack.tif", "window.safetensors", "other.tif", more, &result);
    assert_true(number_of(result, "workers") == 1 && number_of(result, "rows_at_a_time") < 320);
    json_object_put(result);
    retrieve_well("stack.tif", "window.safetensors", "map.tif", "", NULL);
    assert_same_map("map.tif", "other.tif");
}

static void outputs_that_cannot_be_written_are_named(void **state)
{
    put_file("file", "x", 1);
    refuse("small.tif", "window.safetensors", "file/map.tif", "", "file", "");
    refuse("small.tif", "window.safetensors", "no/such/map.tif", "", "no/such", "");
    refuse("small.tif", "window.safetensors", "small.tif", "", "small.tif", "");
    refuse("small.tif", "window.safetensors", "map2.tif", ",'interval':1", "interval", "");
    char text[1024];
    snprintf(text, sizeof text, "{'stack':'@/small.tif','model':'@/window.safetensors','output':'/proc/map.tif'}");
    assert_true(run_operation("retrieve", text, NULL) != SAL_STATUS_OK);
    assert_non_null(strstr(sal_context_message(ctx), "/proc"));
}

static void a_full_disk_leaves_nothing(void **state)
{
    struct rlimit before, little;
    getrlimit(RLIMIT_FSIZE, &before);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    const long sizes[] = { 0, 1000, 60000, 300000 };
    const char *formats[] = { "", ",'format':'cog'" };
    for (int f = 0; f < 2; f++)
        for (int k = 0; k < 4; k++) {
            int files = files_in_folder();
            little = before;
            little.rlim_cur = (rlim_t)sizes[k];
            setrlimit(RLIMIT_FSIZE, &little);
            sal_status status = retrieve("stack.tif", "spec.safetensors", "full.tif", formats[f], NULL);
            setrlimit(RLIMIT_FSIZE, &before);
            assert_int_equal(status, SAL_STATUS_IO);
            assert_int_equal(files_in_folder(), files);
        }
    signal(SIGXFSZ, handler);
}

typedef struct stop {
    int calls, at;
    double last, longest;
} stop;

static int32_t stop_at_call(void *user, double fraction, const char *message)
{
    stop *s = user;
    double now = sal_clock();
    if (s->calls && now - s->last > s->longest) s->longest = now - s->last;
    s->last = now;
    return ++s->calls >= s->at;
}

static void cancelling_at_any_moment_leaves_nothing(void **state)
{
    int cancelled = 0;
    for (int at = 1; at < 200; at += 1 + at / 4) {
        stop s = { .at = at };
        int before = files_in_folder();
        sal_context_set_progress(ctx, stop_at_call, &s);
        sal_status status = retrieve("stack.tif", "window.safetensors", "stopped.tif", ",'block_size':64", NULL);
        sal_context_set_progress(ctx, NULL, NULL);
        if (status == SAL_STATUS_OK) break;
        assert_int_equal(status, SAL_STATUS_CANCELLED);
        assert_int_equal(files_in_folder(), before);
        cancelled++;
    }
    assert_true(cancelled >= 3 && cancelled < 199);
    remove(in_folder("stopped.tif"));
    remove(in_folder("stopped.qml"));
}

static int64_t allocations, failing;

static void *allocate_or_fail(void *user, size_t bytes) { return ++allocations == failing ? NULL : aligned_alloc(64, (bytes + 63) / 64 * 64); }

static void release(void *user, void *memory) { free(memory); }

static void failing_allocations_are_reported_and_leave_no_file(void **state)
{
    const variation v = { .columns = 20, .rows = 70 };
    vary("tiny.tif", &v);
    sal_context *kept = ctx;
    int before = files_in_folder();
    sal_status status = SAL_STATUS_MEMORY;
    for (failing = 1; status != SAL_STATUS_OK; failing += 1 + failing / 8) {
        assert_int_equal(sal_context_new(&ctx), SAL_STATUS_OK);
        sal_context_set_allocator(ctx, (sal_allocator){ allocate_or_fail, release, NULL });
        allocations = 0;
        status = retrieve("tiny.tif", "window.safetensors", "short.tif", ",'threads':1", NULL);
        if (status != SAL_STATUS_OK) {
            if (!sal_context_message(ctx)[0]) fail_msg("allocation %d fails without a message", (int)failing);
            if (files_in_folder() != before) fail_msg("allocation %d leaves a file: %s", (int)failing, sal_context_message(ctx));
        }
        sal_context_free(ctx);
        assert_true(failing < 100000);
    }
    assert_true(failing > 100);
    ctx = kept;
}

/* ---- */

static int make_inputs(void)
{
    const struct {
        const char *id, *parameters;
    } steps[] = {
        { "demo", "{'output':'@/delta','size':300,'campaigns':1,'samples':80}" },
        { "covariates", "{'scene':['@/delta/scene_2019-07-18.tif'],'dem':'@/delta/dem.tif','extra':['@/delta/phenology_2019-07.tif'],'output':'@/stack.tif'}" },
#define TRAIN "{'stacks':['@/stack.tif'],'samples':'@/delta/samples.gpkg','target':'salinity','window':17,'epochs':2,'folds':2,"
        { "train", TRAIN "'unit':'g/kg','system':'ss_soilnet','output':'@/window.safetensors'}" },
        { "train", TRAIN "'unit':'g/kg','system':'spec_index','output':'@/spec.safetensors'}" },
        { "train", TRAIN "'unit':'g/kg','system':'ss_stack','loss':'huber','output':'@/stacked.safetensors'}" },
        { "train", TRAIN "'unit':'g/kg','system':'index','transform':'none','output':'@/index.safetensors'}" },
        { "train", TRAIN "'unit':'g/kg','system':'ss_soilnet','seeds':2,'output':'@/two.safetensors'}" },
        { "train", TRAIN "'unit':'g/kg','system':'ss_soilnet','applicability':'embedding','output':'@/window_embedded.safetensors'}" },
        { "train", TRAIN "'unit':'g/kg','system':'ss_soilnet','seeds':2,'applicability':'embedding','output':'@/two_embedded.safetensors'}" },
        { "train", TRAIN "'unit':'g/kg','system':'ss_stack','loss':'huber','applicability':'embedding','output':'@/stacked_embedded.safetensors'}" },
        { "train", TRAIN "'unit':'furlong','system':'spec_index','output':'@/plain.safetensors'}" },
    };
    const variation v = { .column = 30, .row = 30, .columns = 60, .rows = 70 };
    for (size_t k = 0; k < sizeof steps / sizeof *steps; k++) {
        if (run_operation(steps[k].id, steps[k].parameters, NULL) == SAL_STATUS_OK) continue;
        print_error("%s\n", sal_context_message(ctx));
        return -1;
    }
    vary("small.tif", &v);
    return 0;
}

static int set_up(void **state)
{
    const char *root = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/salina-XXXXXX", root ? root : "/tmp");
    return mkdtemp(folder) && sal_context_new(&ctx) == SAL_STATUS_OK ? make_inputs() : -1;
}

static int tear_down(void **state)
{
    char command[400];
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    sal_context_free(ctx);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_map_equals_window_by_window_evaluation),
        cmocka_unit_test(block_size_threads_and_memory_do_not_change_a_bit),
        cmocka_unit_test(little_and_thin_rasters_are_mapped),
        cmocka_unit_test(the_map_sees_the_windows_of_the_trainer_at_every_edge),
        cmocka_unit_test(narrow_last_tiles_see_the_same_whatever_is_read_at_a_time),
        cmocka_unit_test(pixels_without_bands_are_nodata_in_every_band),
        cmocka_unit_test(a_stack_of_nothing_gives_an_empty_map_and_a_warning),
        cmocka_unit_test(quality_equals_flags_found_pixel_by_pixel),
        cmocka_unit_test(without_aoa_the_map_has_no_band_di),
        cmocka_unit_test(lpd_adds_a_band_that_counts_samples),
        cmocka_unit_test(the_index_on_the_embedding_equals_window_by_window_evaluation),
        cmocka_unit_test(an_embedding_of_another_width_is_refused),
        cmocka_unit_test(a_model_without_applicability_maps_unless_it_is_asked_for),
        cmocka_unit_test(a_higher_coverage_gives_wider_intervals_around_the_same_median),
        cmocka_unit_test(the_mean_lies_above_the_median_by_the_factor_of_the_model),
        cmocka_unit_test(the_file_says_where_the_map_came_from),
        cmocka_unit_test(a_model_without_classes_is_shown_as_a_ramp),
        cmocka_unit_test(stacks_that_do_not_fit_are_refused_by_name),
        cmocka_unit_test(cut_and_edited_models_are_refused),
        cmocka_unit_test(a_model_without_a_mean_factor_maps_the_median_only),
        cmocka_unit_test(memory_that_cannot_do_is_refused_with_the_least_that_would),
        cmocka_unit_test(outputs_that_cannot_be_written_are_named),
        cmocka_unit_test(a_full_disk_leaves_nothing),
        cmocka_unit_test(cancelling_at_any_moment_leaves_nothing),
        cmocka_unit_test(failing_allocations_are_reported_and_leave_no_file),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
