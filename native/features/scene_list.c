/* scene_list.c - what the user gave as scenes: products are recognised, folders become their rasters, and each gets its
 * day, so that scenes of several days can become a stack for each.
 */
#include "features/product.h"
#include "features/scene_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A path that is no product of these is a raster, or a folder of rasters. */
static const struct {
    bool (*is)(sal_build *build, const char *path);
    sal_status (*read)(sal_build *build, const char *path, sal__product *product);
} agencies[] = { { sal__is_safe, sal__safe_read }, { sal__is_landsat, sal__landsat_read } };

enum { AGENCIES = sizeof agencies / sizeof *agencies };

sal_status sal__product_read(sal_build *build, const sal_scene *scene, sal__product *product)
{
    return agencies[scene->agency].read(build, scene->path, product);
}

static sal_status append(sal_build *build, sal_scene **scenes, int64_t *n, sal_scene scene)
{
    sal_status status = sal_reallocate(build->ctx, *n, *n + 1, sizeof **scenes, scenes);
    if (status == SAL_STATUS_OK) (*scenes)[(*n)++] = scene;
    return status;
}

sal_status sal__folder_rasters(sal_build *build, const char *path, const char *const **paths, int64_t *n)
{
    static const char *const endings[] = { ".tif", ".tiff", ".jp2", ".img", ".vrt" };
    const char *const *names, **found = NULL;
    int64_t count = 0;
    sal_status status;
    *n = 0;
    SAL_TRY(sal_files_list(build->ctx, build->arena, path, &names, &count));
    SAL_TRY(sal_arena_allocate(build->arena, count + 1, sizeof *found, &found));
    for (int64_t i = 0; i < count; i++)
        for (size_t k = 0; k < sizeof endings / sizeof *endings; k++)
            if (sal__ends_with(names[i], endings[k])) SAL_TRY(sal__build_text(build, &found[(*n)++], "%s/%s", path, names[i]));
    *paths = found;
    if (*n == 0)
        status = sal_fail(build->ctx, SAL_STATUS_DATA,
                          "folder \"%s\" is no product that is known and holds no raster (tif, jp2, img, vrt); give "
                          "the folder in which the files lie",
                          path);
done:
    return status;
}

/* Those that turn out to be no band are left out later. */
static sal_status expand(sal_build *build, const char *path, sal_scene **scenes, int64_t *n)
{
    const char *const *files;
    int64_t count = 0;
    sal_status status;
    SAL_TRY(sal__folder_rasters(build, path, &files, &count));
    for (int64_t i = 0; i < count; i++)
        SAL_TRY(append(build, scenes, n, (sal_scene){ .path = files[i], .agency = -1, .from_folder = true }));
done:
    return status;
}

int sal__product_agency(sal_build *build, const char *path)
{
    int k = 0;
    while (k < AGENCIES && !agencies[k].is(build, path)) k++;
    return k < AGENCIES ? k : -1;
}

static sal_status raster_date(sal_build *build, sal_scene *scene)
{
    sal_raster *raster = NULL;
    char stem[256];
    sal_status status = sal_raster_open(build->ctx, scene->path, &raster);
    if (status != SAL_STATUS_OK) return status;
    const char *stated = sal_raster_metadata(raster, "SALINA", "DATE");
    sal__file_stem(scene->path, stem);
    if (stated && stated[0] && !sal__date_valid(stated))
        status = sal_fail(build->ctx, SAL_STATUS_DATA,
                          "scene \"%s\" states the date \"%s\", which is no day; give it as date = YYYY-MM-DD",
                          scene->path, stated);
    else if (stated && stated[0])
        snprintf(scene->date, sizeof scene->date, "%.10s", stated);
    else if (!sal__date_find(stem, scene->date))
        scene->date[0] = 0;
    sal_raster_free(raster);
    return status;
}

sal_status sal__scenes_list(sal_build *build, const char *const *paths, int64_t n, sal_scene **scenes, int64_t *count)
{
    sal_status status;
    sal__product *product = NULL;
    *count = 0;
    SAL_TRY(sal_allocate(build->ctx, 1, sizeof *product, &product));
    for (int64_t i = 0; i < n; i++) {
        const int agency = sal__product_agency(build, paths[i]);
        if (agency < 0 && sal_files_is_folder(paths[i]))
            SAL_TRY(expand(build, paths[i], scenes, count));
        else
            SAL_TRY(append(build, scenes, count, (sal_scene){ .path = paths[i], .agency = agency }));
    }
    for (int64_t i = 0; i < *count; i++) {
        sal_scene *scene = &(*scenes)[i];
        SAL_TRY(sal_progress(build->ctx, 0, NULL));
        if (scene->agency < 0) {
            SAL_TRY(raster_date(build, scene));
            continue;
        }
        SAL_TRY(sal__product_read(build, scene, product));
        snprintf(scene->date, sizeof scene->date, "%s", product->date);
    }
done:
    sal_release(build->ctx, product);
    return status;
}
