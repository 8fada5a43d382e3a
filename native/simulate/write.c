/* write.c - the folder of a digital delta: scenes, DEM, phenology, samples, and the truth beside them.
 *
 * Every file is made in strips of 512 rows, the block height of the files. What was written is remembered, so that a failure or a
 * cancellation can take it all away again.
 */
#include "write.h"
#include "data/raster.h"
#include "delta_private.h"
#include "folder.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SERIES_STRIP = 64 }; /* rows of a series: 73 bands then need no more than a strip of ten */

typedef struct maker {
    sal_context *ctx;
    const sal_delta_request *request;
    sal__folder *folder;
    sal_delta *delta;
    sal_delta_series *series;
    sal_delta_point *points;
    float *strip; /* (SAL__STRIP, size, BANDS) */
    sal_grid grid;
} maker;

/* ---- strips: what stands in a file ------------------------------------------------------------------------------ */

typedef sal_status (*fill_strip)(const maker *m, int64_t row, int64_t rows, float *out);

static sal_status fill_scene(const maker *m, int64_t row, int64_t rows, float *out)
{
    return sal_delta_scene(m->delta, row, rows, out);
}

static sal_status fill_phenology(const maker *m, int64_t row, int64_t rows, float *out)
{
    return sal_delta_phenology(m->series, row, rows, out);
}

static sal_status fill_ndvi(const maker *m, int64_t row, int64_t rows, float *out)
{
    return sal_delta_ndvi(m->series, row, rows, out);
}

static sal_status fill_season(const maker *m, int64_t row, int64_t rows, float *out)
{
    return sal_delta_season(m->series, row, rows, out);
}

static sal_status fill_dem(const maker *m, int64_t row, int64_t rows, float *out)
{
    memcpy(out, m->delta->dem + row * m->delta->size, (size_t)(rows * m->delta->size) * sizeof(float));
    return SAL_STATUS_OK;
}

static sal_status fill_salinity(const maker *m, int64_t row, int64_t rows, float *out)
{
    const sal_delta *d = m->delta;
    for (int64_t i = 0, from = row * d->size; i < rows * d->size; i++)
        out[i] = sal_delta_is_water(d, from + i) ? NAN : d->salinity[from + i];
    return SAL_STATUS_OK;
}

typedef struct driver_job {
    const sal_delta *d;
    int64_t row;
    float *out;
} driver_job;

static void driver_row(void *arg, int64_t r)
{
    const driver_job *job = arg;
    double f[SAL_DELTA_DRIVERS];
    for (int64_t x = 0; x < job->d->size; x++) {
        sal_delta_contributions(job->d, (job->row + r) * job->d->size + x, f);
        for (int j = 0; j < SAL_DELTA_DRIVERS; j++)
            job->out[(r * job->d->size + x) * SAL_DELTA_DRIVERS + j] = (float)f[j];
    }
}

static sal_status fill_drivers(const maker *m, int64_t row, int64_t rows, float *out)
{
    driver_job job = { m->delta, row, out };
    return sal__plane_rows(m->ctx, rows, driver_row, &job);
}

static sal_status write_raster(maker *m, const char *name, const sal_raster_spec *spec, fill_strip fill)
{
    sal_status status;
    sal_raster_writer *writer = NULL;
    char *path = NULL;
    const int64_t n = m->delta->size;
    SAL_TRY(sal_progress(m->ctx, 0, "%s", name));
    SAL_TRY(sal__folder_path(m->folder, name, &path));
    SAL_TRY(sal_raster_writer_new(m->ctx, path, spec, &writer));
    const int64_t height = spec->band_count > SAL_DELTA_BANDS ? SERIES_STRIP : SAL__STRIP;
    for (int64_t row = 0; row < n; row += height) {
        int64_t rows = n - row < height ? n - row : height;
        SAL_TRY(fill(m, row, rows, m->strip));
        SAL_TRY(sal_progress(m->ctx, ((double)row + 0.6 * (double)rows) / (double)n, NULL));
        SAL_TRY(sal_raster_writer_write(writer, 0, row, n, rows, m->strip));
        SAL_TRY(sal_progress(m->ctx, (double)(row + rows) / (double)n, NULL));
    }
    SAL_TRY(sal_raster_writer_commit(writer));
    SAL_TRY(sal__folder_made(m->folder, path));
done:
    sal_raster_writer_free(writer);
    sal_release(m->ctx, path);
    return status;
}

/* ---- rasters ---------------------------------------------------------------------------------------------------- */

static const char *const fast[] = { "ZLEVEL=1", NULL }; /* a demo is made more often than it is sent */

static sal_raster_spec raster_spec(const maker *m, sal_raster_type type, const sal_band_spec *bands, int64_t count,
                                   double nodata)
{
    return (sal_raster_spec){
        .grid = &m->grid, .type = type, .bands = bands, .band_count = count, .nodata = nodata, .options = fast
    };
}

static sal_status write_dem(maker *m)
{
    static const sal_band_spec band = { "DEM", "m", 1, 0 };
    sal_raster_spec spec = raster_spec(m, SAL_RASTER_FLOAT32, &band, 1, NAN);
    return write_raster(m, "dem.tif", &spec, fill_dem);
}

static sal_status write_drivers(maker *m)
{
    sal_band_spec bands[SAL_DELTA_DRIVERS];
    for (int j = 0; j < SAL_DELTA_DRIVERS; j++)
        bands[j] = (sal_band_spec){ sal_delta_driver_names[j], "log g/kg", 0.0005, 0 };
    sal_raster_spec spec = raster_spec(m, SAL_RASTER_INT16, bands, SAL_DELTA_DRIVERS, -32768);
    return write_raster(m, "truth/drivers.tif", &spec, fill_drivers);
}

static sal_status write_scene(maker *m, const sal_delta_campaign *c)
{
    sal_status status;
    sal_band_spec bands[SAL_DELTA_BANDS];
    char *name = NULL, *date = NULL, *campaign = NULL;
    for (int b = 0; b < SAL_DELTA_BANDS; b++)
        bands[b] = (sal_band_spec){ sal_delta_band_names[b], "reflectance", 1e-4, 0, b < 3 ? SAL_COLOUR_BLUE - b : SAL_COLOUR_NONE };
    SAL_TRY(sal_text_format(m->ctx, &name, "scene_%s.tif", c->date));
    SAL_TRY(sal_text_format(m->ctx, &date, "DATE=%s", c->date));
    SAL_TRY(sal_text_format(m->ctx, &campaign, "CAMPAIGN=%s", c->name));
    const char *const metadata[] = { "SENSOR=Sentinel-2", date, campaign, NULL };
    sal_raster_spec spec = raster_spec(m, SAL_RASTER_UINT16, bands, SAL_DELTA_BANDS, 0);
    spec.metadata = metadata;
    SAL_TRY(write_raster(m, name, &spec, fill_scene));
done:
    sal_release(m->ctx, name);
    sal_release(m->ctx, date);
    sal_release(m->ctx, campaign);
    return status;
}

static sal_status write_phenology(maker *m, const sal_delta_campaign *c)
{
    sal_status status;
    static const sal_band_spec bands[3] = {
        {"SOS",   "day of year", 0.02, 0},
        { "GUS",  "1/day",       2e-6, 0},
        { "SDPS", "day of year", 0.02, 0}
    };
    char *name = NULL, *campaign = NULL;
    SAL_TRY(sal_text_format(m->ctx, &name, "phenology_%s.tif", c->name));
    SAL_TRY(sal_text_format(m->ctx, &campaign, "CAMPAIGN=%s", c->name));
    const char *const metadata[] = { campaign, NULL };
    sal_raster_spec spec = raster_spec(m, SAL_RASTER_INT16, bands, 3, -32768);
    spec.metadata = metadata;
    SAL_TRY(write_raster(m, name, &spec, fill_phenology));
done:
    sal_release(m->ctx, name);
    sal_release(m->ctx, campaign);
    return status;
}

/* 73 dates in bytes of .005: a quarter of the noise. */
static sal_status write_ndvi(maker *m, const sal_delta_campaign *c)
{
    static const char *const options[] = { "ZLEVEL=1", "BLOCKXSIZE=512", "BLOCKYSIZE=64", "INTERLEAVE=BAND", NULL };
    sal_status status;
    sal_band_spec bands[SAL_DELTA_DATES];
    char days[SAL_DELTA_DATES][16], *name = NULL, *campaign = NULL;
    for (int t = 0; t < SAL_DELTA_DATES; t++) {
        sal_delta_date(c->year, 3 + 5 * t, days[t]);
        bands[t] = (sal_band_spec){ days[t], NULL, 0.005, -0.25 };
    }
    SAL_TRY(sal_text_format(m->ctx, &name, "ndvi_series_%s.tif", c->name));
    SAL_TRY(sal_text_format(m->ctx, &campaign, "CAMPAIGN=%s", c->name));
    const char *const metadata[] = { campaign, NULL };
    sal_raster_spec spec = raster_spec(m, SAL_RASTER_UINT8, bands, SAL_DELTA_DATES, 255);
    spec.metadata = metadata;
    spec.options = options;
    SAL_TRY(write_raster(m, name, &spec, fill_ndvi));
done:
    sal_release(m->ctx, name);
    sal_release(m->ctx, campaign);
    return status;
}

/* What the season of the year really was. */
static sal_status write_season(maker *m, const sal_delta_campaign *c)
{
    sal_status status;
    static const sal_band_spec bands[3] = {
        { "SOS", "day of year", 1, 0 }, { "GUS", "1/day", 1, 0 }, { "SDPS", "day of year", 1, 0 }
    };
    char *name = NULL, *campaign = NULL;
    SAL_TRY(sal_text_format(m->ctx, &name, "truth/phenology_%s.tif", c->name));
    SAL_TRY(sal_text_format(m->ctx, &campaign, "CAMPAIGN=%s", c->name));
    const char *const metadata[] = { campaign, NULL };
    sal_raster_spec spec = raster_spec(m, SAL_RASTER_FLOAT32, bands, 3, NAN);
    spec.metadata = metadata;
    SAL_TRY(write_raster(m, name, &spec, fill_season));
done:
    sal_release(m->ctx, name);
    sal_release(m->ctx, campaign);
    return status;
}

static sal_status write_truth(maker *m, const sal_delta_campaign *c)
{
    sal_status status;
    static const sal_band_spec band = { "SALINITY", "g/kg", 1, 0 };
    char *name = NULL, *campaign = NULL;
    SAL_TRY(sal_text_format(m->ctx, &name, "truth/salinity_%s.tif", c->name));
    SAL_TRY(sal_text_format(m->ctx, &campaign, "CAMPAIGN=%s", c->name));
    const char *const metadata[] = { campaign, NULL };
    sal_raster_spec spec = raster_spec(m, SAL_RASTER_FLOAT32, &band, 1, NAN);
    spec.metadata = metadata;
    SAL_TRY(write_raster(m, name, &spec, fill_salinity));
done:
    sal_release(m->ctx, name);
    sal_release(m->ctx, campaign);
    return status;
}

/* One step of a progress bar: [from, to] of the whole. */
#define STEP(from, to, call)                                                                                           \
    do {                                                                                                               \
        sal_progress_push(m->ctx, from, to);                                                                           \
        status = (call);                                                                                               \
        sal_progress_pop(m->ctx);                                                                                      \
        if (status != SAL_STATUS_OK) goto done;                                                                        \
    } while (0)

static sal_status write_campaign(maker *m, int32_t c)
{
    sal_status status;
    const sal_delta_campaign *campaign = &sal_delta_campaigns[c];
    STEP(0.0, 0.25, sal_delta_enter(m->delta, c));
    sal_delta_measure(m->delta, m->points, m->request->samples);
    STEP(0.25, 0.5, write_scene(m, campaign));
    SAL_TRY(sal_delta_series_new(m->delta, &m->series));
    STEP(0.5, 0.7, write_phenology(m, campaign));
    if (c < m->request->series) {
        STEP(0.7, 0.9, write_ndvi(m, campaign));
        STEP(0.9, 0.95, write_season(m, campaign));
    }
    STEP(0.95, 1.0, write_truth(m, campaign));
done:
    sal_delta_series_free(m->series);
    m->series = NULL;
    return status;
}

static sal_status make(maker *m)
{
    sal_status status;
    const sal_delta_request *q = m->request;
    STEP(0.0, 0.06, sal_delta_new(m->ctx, q->size, q->seed, &m->delta));
    SAL_TRY(sal_allocate(m->ctx, SAL__STRIP * q->size * SAL_DELTA_BANDS, sizeof(float), &m->strip));
    SAL_TRY(sal_allocate(m->ctx, q->samples, sizeof(*m->points), &m->points));
    SAL_TRY(sal_delta_place(m->delta, q->campaigns, q->samples, m->points));
    STEP(0.06, 0.08, write_dem(m));
    sal_delta_release_relief(m->delta);
    STEP(0.08, 0.11, write_drivers(m));
    for (int32_t c = 0; c < q->campaigns; c++) {
        double from = 0.11 + 0.87 * c / (double)q->campaigns;
        STEP(from, from + 0.87 / (double)q->campaigns, write_campaign(m, c));
    }
    SAL_TRY(sal__folder_samples(m->folder, m->grid.wkt, m->points, q->samples));
    SAL_TRY(sal__folder_readme(m->folder, q));
done:
    return status;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static sal_status summarise(const maker *m, sal_delta_summary *summary)
{
    double *values = NULL, sum = 0;
    const int64_t n = m->request->samples;
    sal_status status = sal_allocate(m->ctx, n, sizeof(double), &values);
    if (status != SAL_STATUS_OK) return status;
    for (int64_t i = 0; i < n; i++) sum += values[i] = m->points[i].salinity;
    qsort(values, (size_t)n, sizeof(double), ascending);
    *summary = (sal_delta_summary){ .files = sal__folder_count(m->folder),
                                    .samples = n,
                                    .mean = sum / (double)n,
                                    .median = values[n / 2],
                                    .largest = values[n - 1] };
    sal_release(m->ctx, values);
    return SAL_STATUS_OK;
}

sal_status sal_delta_write(sal_context *ctx, const sal_delta_request *request, sal_delta_summary *summary)
{
    sal_status status;
    maker m = { .ctx = ctx, .request = request };
    const double bytes = (double)sal_delta_memory(request->size, sal_context_threads(ctx)),
                 gib = 1024.0 * 1024.0 * 1024.0;
    if (bytes > (double)request->max_memory)
        return sal_fail(ctx, SAL_STATUS_ARGUMENT,
                        "a delta of %lld x %lld pixels needs %.1f GiB of memory, more than max_memory %.1f GiB; choose "
                        "a smaller size or raise max_memory",
                        (long long)request->size, (long long)request->size, bytes / gib,
                        (double)request->max_memory / gib);
    SAL_TRY(sal_grid_from_crs(ctx, "EPSG:32650", request->size, request->size, SAL_DELTA_WEST,
                              SAL_DELTA_SOUTH + SAL_DELTA_PIXEL * (double)request->size, SAL_DELTA_PIXEL, &m.grid));
    SAL_TRY(sal__folder_open(ctx, request, &m.folder));
    SAL_TRY(make(&m));
    SAL_TRY(summarise(&m, summary));
    sal__folder_keep(m.folder);
done:
    sal__folder_free(m.folder);
    sal_delta_free(m.delta);
    sal_release(ctx, m.strip);
    sal_release(ctx, m.points);
    sal_grid_clear(ctx, &m.grid);
    return status;
}
