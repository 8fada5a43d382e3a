/* folder.c - the output folder of a digital delta: what may be written there, taking it away again, samples and README.
 */
#include "folder.h"
#include "data/samples.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct sal__folder {
    sal_context *ctx;
    char *path, *truth;
    bool made_path, made_truth, keep;
    char **files;
    int64_t count, capacity;
};

sal_status sal__folder_path(const sal__folder *folder, const char *name, char **path)
{
    return sal_text_format(folder->ctx, path, "%s/%s", folder->path, name);
}

/* ARGUMENT when folder/name exists. The text is taken. */
static sal_status refuse_existing(sal__folder *folder, char *name)
{
    sal_status status;
    char *path = NULL;
    SAL_TRY(sal__folder_path(folder, name, &path));
    if (sal_file_exists(path))
        status = sal_fail(folder->ctx, SAL_STATUS_ARGUMENT,
                          "folder \"%s\" holds %s already; choose another folder or remove the earlier delta",
                          folder->path, name);
done:
    sal_release(folder->ctx, path);
    sal_release(folder->ctx, name);
    return status;
}

static sal_status check_names(sal__folder *folder, int64_t campaigns)
{
    static const char *const fixed[] = { "dem.tif", "samples.gpkg", "README.txt", "truth/drivers.tif",
                                         "truth/samples_drivers.csv" };
    sal_status status = SAL_STATUS_OK;
    char *name = NULL;
    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
        SAL_TRY(sal_text_copy(folder->ctx, fixed[i], &name));
        SAL_TRY(refuse_existing(folder, name));
    }
    for (int64_t c = 0; c < campaigns; c++) {
        SAL_TRY(sal_text_format(folder->ctx, &name, "scene_%s.tif", sal_delta_campaigns[c].date));
        SAL_TRY(refuse_existing(folder, name));
        SAL_TRY(sal_text_format(folder->ctx, &name, "phenology_%s.tif", sal_delta_campaigns[c].name));
        SAL_TRY(refuse_existing(folder, name));
        SAL_TRY(sal_text_format(folder->ctx, &name, "truth/salinity_%s.tif", sal_delta_campaigns[c].name));
        SAL_TRY(refuse_existing(folder, name));
        SAL_TRY(sal_text_format(folder->ctx, &name, "ndvi_series_%s.tif", sal_delta_campaigns[c].name));
        SAL_TRY(refuse_existing(folder, name));
        SAL_TRY(sal_text_format(folder->ctx, &name, "truth/phenology_%s.tif", sal_delta_campaigns[c].name));
        SAL_TRY(refuse_existing(folder, name));
    }
done:
    return status;
}

/* Makes a folder unless it is there; *made says which. */
static sal_status make_folder(sal_context *ctx, const char *path, bool *made)
{
    struct stat info;
    if (stat(path, &info) == 0) {
        if (S_ISDIR(info.st_mode)) return SAL_STATUS_OK;
        return sal_fail(ctx, SAL_STATUS_ARGUMENT, "\"%s\" is a file, not a folder; choose another name", path);
    }
    if (mkdir(path, 0777) != 0)
        return sal_fail(ctx, SAL_STATUS_IO,
                        "folder \"%s\" cannot be made: %s; its parent folder must exist and be writable", path,
                        strerror(errno));
    *made = true;
    return SAL_STATUS_OK;
}

sal_status sal__folder_open(sal_context *ctx, const sal_delta_request *request, sal__folder **out)
{
    sal_status status;
    sal__folder *folder = NULL;
    *out = NULL;
    SAL_TRY(sal_allocate(ctx, 1, sizeof(*folder), &folder));
    folder->ctx = ctx;
    SAL_TRY(sal_text_copy(ctx, request->folder, &folder->path));
    for (size_t n = strlen(folder->path); n > 1 && folder->path[n - 1] == '/'; n--) folder->path[n - 1] = '\0';
    SAL_TRY(sal__folder_path(folder, "truth", &folder->truth));
    SAL_TRY(check_names(folder, request->campaigns));
    SAL_TRY(make_folder(ctx, folder->path, &folder->made_path));
    SAL_TRY(make_folder(ctx, folder->truth, &folder->made_truth));
    *out = folder;
    folder = NULL;
done:
    sal__folder_free(folder);
    return status;
}

sal_status sal__folder_made(sal__folder *folder, const char *path)
{
    if (folder->count == folder->capacity) {
        int64_t capacity = folder->capacity * 2 + 32;
        sal_status status = sal_reallocate(folder->ctx, folder->capacity, capacity, sizeof(char *), &folder->files);
        if (status != SAL_STATUS_OK) {
            unlink(path);
            return status;
        }
        folder->capacity = capacity;
    }
    sal_status status = sal_text_copy(folder->ctx, path, &folder->files[folder->count]);
    if (status == SAL_STATUS_OK)
        folder->count++;
    else
        unlink(path);
    return status;
}

int64_t sal__folder_count(const sal__folder *folder) { return folder->count; }

void sal__folder_keep(sal__folder *folder) { folder->keep = true; }

void sal__folder_free(sal__folder *folder)
{
    if (!folder) return;
    for (int64_t i = 0; i < folder->count; i++) {
        if (!folder->keep) unlink(folder->files[i]);
        sal_release(folder->ctx, folder->files[i]);
    }
    if (!folder->keep && folder->made_truth) rmdir(folder->truth);
    if (!folder->keep && folder->made_path) rmdir(folder->path);
    sal_release(folder->ctx, folder->files);
    sal_release(folder->ctx, folder->path);
    sal_release(folder->ctx, folder->truth);
    sal_release(folder->ctx, folder);
}

/* ---- samples ---------------------------------------------------------------------------------------------------- */

typedef struct sample_table {
    int64_t *id;
    const char **campaign, **date;
    double *x, *y, *salinity;
} sample_table;

static sal_status write_points(sal__folder *folder, const char *wkt, const sample_table *t, int64_t count)
{
    sal_status status;
    char *path = NULL;
    const sal_column columns[] = {
        {"id",        'i', t->id      },
        { "campaign", 't', t->campaign},
        { "date",     't', t->date    },
        { "salinity", 'f', t->salinity},
        { "x",        'f', t->x       },
        { "y",        'f', t->y       }
    };
    SAL_TRY(sal__folder_path(folder, "samples.gpkg", &path));
    SAL_TRY(sal_points_write(folder->ctx, path, "samples", wkt, count, t->x, t->y, columns, 6));
    SAL_TRY(sal__folder_made(folder, path));
done:
    sal_release(folder->ctx, path);
    return status;
}

static sal_status write_text(sal__folder *folder, const char *name, sal_text *text)
{
    sal_status status;
    char *path = NULL, *whole = NULL;
    SAL_TRY(sal_text_finish(folder->ctx, text, &whole));
    SAL_TRY(sal__folder_path(folder, name, &path));
    SAL_TRY(sal_file_write(folder->ctx, path, whole, (int64_t)strlen(whole)));
    SAL_TRY(sal__folder_made(folder, path));
done:
    sal_release(folder->ctx, path);
    sal_release(folder->ctx, whole);
    return status;
}

static sal_status write_drivers(sal__folder *folder, const sal_delta_point *points, int64_t count)
{
    sal_context *ctx = folder->ctx;
    sal_text text = { 0 };
    sal_text_append(ctx, &text, "id,campaign,column,row,x,y,salinity,truth,eta");
    for (int j = 0; j < SAL_DELTA_DRIVERS; j++) sal_text_append(ctx, &text, ",%s", sal_delta_driver_names[j]);
    sal_text_append(ctx, &text, ",CAMPAIGN,NUGGET\n");
    for (int64_t i = 0; i < count; i++) {
        const sal_delta_point *p = &points[i];
        double eta = SAL_DELTA_MEAN + p->campaign_part + p->nugget;
        for (int j = 0; j < SAL_DELTA_DRIVERS; j++) eta += p->contributions[j];
        sal_text_append(ctx, &text, "%lld,%s,%d,%d,%.2f,%.2f,%.6g,%.6g,%.6f", (long long)i + 1,
                        sal_delta_campaigns[p->campaign].name, p->column, p->row, p->x, p->y, p->salinity, p->truth,
                        eta);
        for (int j = 0; j < SAL_DELTA_DRIVERS; j++) sal_text_append(ctx, &text, ",%.6f", p->contributions[j]);
        sal_text_append(ctx, &text, ",%.6f,%.6f\n", p->campaign_part, p->nugget);
    }
    return write_text(folder, "truth/samples_drivers.csv", &text);
}

sal_status sal__folder_samples(sal__folder *folder, const char *wkt, const sal_delta_point *points, int64_t count)
{
    sal_status status;
    sal_context *ctx = folder->ctx;
    sample_table t = { 0 };
    SAL_TRY(sal_allocate(ctx, count, sizeof(*t.id), &t.id));
    SAL_TRY(sal_allocate(ctx, count, sizeof(*t.campaign), &t.campaign));
    SAL_TRY(sal_allocate(ctx, count, sizeof(*t.date), &t.date));
    SAL_TRY(sal_allocate(ctx, count, sizeof(*t.x), &t.x));
    SAL_TRY(sal_allocate(ctx, count, sizeof(*t.y), &t.y));
    SAL_TRY(sal_allocate(ctx, count, sizeof(*t.salinity), &t.salinity));
    for (int64_t i = 0; i < count; i++) {
        t.id[i] = i + 1;
        t.campaign[i] = sal_delta_campaigns[points[i].campaign].name;
        t.date[i] = sal_delta_campaigns[points[i].campaign].date;
        t.x[i] = points[i].x;
        t.y[i] = points[i].y;
        t.salinity[i] = points[i].salinity;
    }
    SAL_TRY(write_points(folder, wkt, &t, count));
    SAL_TRY(write_drivers(folder, points, count));
done:
    sal_release(ctx, t.id);
    sal_release(ctx, t.campaign);
    sal_release(ctx, t.date);
    sal_release(ctx, t.x);
    sal_release(ctx, t.y);
    sal_release(ctx, t.salinity);
    return status;
}

sal_status sal__folder_readme(sal__folder *folder, const sal_delta_request *request)
{
    sal_text text = { 0 };
    sal_text_append(
        folder->ctx, &text,
        "Digital delta, seed %llu, %lld x %lld pixels of 10 m, EPSG:32650, made by Salina %s. Synthetic: nothing here "
        "was measured.\n"
        "\n"
        "dem.tif                    elevation, m: the true ground averaged over 30 m, with 0.2 m of correlated noise, "
        "like a radar DEM\n"
        "scene_<date>.tif           Sentinel-2-like surface reflectance, ten bands, stored as integers of 1e-4\n"
        "phenology_<campaign>.tif   SOS and SDPS (day of the year), GUS (NDVI per day), estimated from a cloudy, noisy "
        "NDVI series of the\n"
        "                           campaign's year; filled everywhere, and uncertain where hardly anything grows\n"
        "ndvi_series_<campaign>.tif the NDVI of that year as the satellite saw it, a band every fifth day (the date is its "
        "description), no data\n"
        "                           under clouds, for the first campaigns\n"
        "samples.gpkg               %lld field samples: id, campaign, date, salinity (total salt of 0-20 cm, g/kg, "
        "laboratory error 6 %%), x, y\n"
        "truth/salinity_<campaign>.tif  the salinity itself, g/kg, no data on open water. It includes the variation "
        "from pixel to pixel (the\n"
        "                           nugget, sd 0.10 in log), which no covariate can explain\n"
        "truth/phenology_<campaign>.tif  the true SOS, GUS and SDPS: of the NDVI on every day without clouds and noise, no "
        "data where it rises\n"
        "                           by less than 0.1; where there is a series\n"
        "truth/drivers.tif          what makes it, as additive parts of log-salinity (mean 0): COAST nearness of the "
        "sea, SEEPAGE belts\n"
        "                           190 m beside canals, LEACHING beside canals and drains, RELIEF height over the 650 "
        "m mean, TEXTURE, FIELD\n"
        "                           management of parcels, COAST_RELIEF interaction, UNEXPLAINED\n"
        "truth/samples_drivers.csv  the same at the samples, with the campaign's part and the nugget\n"
        "\n"
        "eta = %.2f + sum of the parts;  salinity = 41 (1 - exp(-exp(eta) / 41)) g/kg.\n"
        "The scenes see the surface crust and the root zone, which differ from the 0-20 cm sample by a factor exp(1.05 "
        "N(0, 1)) each,\n"
        "so spectra alone cannot explain the salinity; relief and canals in the neighbourhood can explain more.\n",
        (unsigned long long)request->seed, (long long)request->size, (long long)request->size, sal_version(),
        (long long)request->samples, SAL_DELTA_MEAN);
    return write_text(folder, "README.txt", &text);
}
