/* covariates_run.c - running Build covariate stack: the stack of one day, or one for each day of the scenes.
 */
#include "data/files.h"
#include "features/indices.h"
#include "features/masks.h"
#include "operations/covariates_parts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- lists of ids ---- */

static bool index_available(const sal_build *build, const sal_index *index)
{
    uint32_t missing = sal__index_roles(index);
    for (int64_t i = 0; i < build->source_count; i++) {
        const char *role = sal_band_role(build->sensor, build->sources[i].id);
        if (build->sources[i].kind == SAL_SOURCE_REFLECTANCE && role)
            missing &= ~(1u << sal__role_find(role, (int64_t)strlen(role)));
    }
    return missing == 0;
}

/* all or a group: what the bands allow; an id: that one, checked later. */
static sal_status choose_indices(sal_context *ctx, const sal_build *build, const sal_arguments *arguments, sal__choice *c)
{
    char word[64];
    for (int64_t entry = 0, at = 0; sal__next_word(arguments, "indices", &entry, &at, word);) {
        const sal_index *one = sal_index_find(word);
        const bool all = strcmp(word, "all") == 0;
        bool known = one || all || strcmp(word, "none") == 0;
        if (one) sal__choose(c, one - sal_index_at(0));
        for (int64_t k = 0; k < sal_index_count() && !one; k++) {
            const sal_index *index = sal_index_at(k);
            const bool in_group = strcmp(index->group, word) == 0;
            known = known || in_group;
            if (!all && !in_group) continue;
            if (index_available(build, index))
                sal__choose(c, k);
            else
                sal_log(ctx, "index %s is left out: the scenes lack one of %s", index->id, index->roles);
        }
        if (!known)
            return sal_fail(ctx, SAL_STATUS_ARGUMENT,
                            "indices has \"%s\", which is no index; use none, all, salinity, vegetation, water, "
                            "salinity_extra, vegetation_extra or ids "
                            "such as NDVI, CRSI, LSWI",
                            word);
    }
    return SAL_STATUS_OK;
}

/* ---- one stack ---- */

typedef struct request {
    const sal_arguments *arguments;
    const sal_scene *scenes; /* of one day, or of no known day */
    int64_t scene_count;
    const char *output, *campaign; /* campaign: "" for that of the arguments */
    bool write;                    /* false: only check that it can be built */
    bool first;                    /* of several stacks: it writes what belongs to all of them */
    bool cloudy;                   /* out: no clear pixel, so no stack */
} request;

static sal_status build_one(sal_context *ctx, request *r, json_object *result)
{
    sal_status status;
    sal_build build;
    const sal_arguments *arguments = r->arguments;
    sal__choice indices = { .n = 0 }, terrain = { .n = 0 }, phenology = { .n = 0 };
    SAL_TRY(sal__build_new(ctx, &build));
    SAL_TRY(sal__take_texts(ctx, &build, arguments));
    if (r->campaign[0]) snprintf(build.campaign, sizeof build.campaign, "%s", r->campaign);
    SAL_TRY(sal__take_masks(&build, arguments));
    SAL_TRY(sal__take_sources(ctx, &build, arguments, r->scenes, r->scene_count));
    SAL_TRY(sal__take_series(ctx, &build, arguments, &phenology));
    SAL_TRY(choose_indices(ctx, &build, arguments, &indices));
    SAL_TRY(sal__take_terrain(ctx, &build, arguments, &terrain));
    build.indices = indices.rows;
    build.index_count = indices.n;
    build.terrain = terrain.rows;
    build.terrain_count = terrain.n;
    SAL_TRY(sal__build_choose_grid(&build, sal__reference_grid(&build, arguments)));
    SAL_TRY(sal__take_smoothing(ctx, &build, arguments));
    SAL_TRY(sal__take_climate(ctx, &build, arguments, r->write && r->first));
    sal_progress_push(ctx, 0, r->write ? 0.05 : 1);
    status = sal__build_place(&build);
    sal_progress_pop(ctx);
    if (status != SAL_STATUS_OK || !r->write) goto done;
    sal_progress_push(ctx, 0.05, 1);
    status = sal__build_write(&build, r->output, result);
    sal_progress_pop(ctx);
    if (status == SAL_STATUS_OK && build.climate_table) status = sal_output_commit(build.climate_table);
    r->cloudy = status == SAL_STATUS_DATA && sal__masks_took_all(&build);
done:
    sal__build_clear(&build);
    return status;
}

/* By day; scenes of one day keep their order, which is that of the bands in the stack. */
static void sort_by_date(sal_scene *scenes, int64_t n)
{
    for (int64_t i = 1; i < n; i++) {
        const sal_scene scene = scenes[i];
        int64_t k = i;
        for (; k > 0 && strcmp(scenes[k - 1].date, scene.date) > 0; k--) scenes[k] = scenes[k - 1];
        scenes[k] = scene;
    }
}

/* The folder that takes a stack for each day; NULL where output names a file. */
static const char *folder_of(const sal_arguments *arguments)
{
    const char *folder = sal_argument_text(arguments, "output_folder"), *output = sal_argument_text(arguments, "output");
    if (folder && folder[0]) return folder;
    return output && sal_files_is_folder(output) ? output : NULL;
}

/* Where a stack of several goes. */
static sal_status name_stack(sal_context *ctx, const sal_arguments *arguments, const char *date, request *r,
                             char path[4096], char campaign[256])
{
    const char *given = sal_argument_text(arguments, "campaign");
    snprintf(campaign, 256, "%.200s%s%s", given ? given : "", given && given[0] ? "_" : "", date);
    const int n = snprintf(path, 4096, "%s/stack_%s.tif", folder_of(arguments), date);
    r->output = path;
    r->campaign = campaign;
    for (int64_t i = 0; i < r->scene_count; i++)
        if (n >= 4096 || strcmp(r->scenes[i].path, path) == 0)
            return sal_fail(ctx, SAL_STATUS_ARGUMENT, "the stack \"%s\" would overwrite a scene; choose another folder",
                            path);
    return SAL_STATUS_OK;
}

/* Checks or writes the stack of scenes of one day; one without clear ground is left out with a warning. */
static sal_status build_day(sal_context *ctx, request *r, json_object *stacks)
{
    char path[4096], campaign[256];
    const char *date = r->scenes[0].date;
    json_object *one = NULL;
    sal_status status = name_stack(ctx, r->arguments, date, r, path, campaign);
    if (status != SAL_STATUS_OK) return status;
    one = json_object_new_object();
    status = build_one(ctx, r, one);
    if (status != SAL_STATUS_OK && r->cloudy) {
        sal_warn(ctx, "no stack for %s: %s", date, sal_context_message(ctx));
        sal_error_clear(ctx);
        status = SAL_STATUS_OK;
    } else if (status == SAL_STATUS_OK && r->write) {
        json_object_array_add(stacks, json_object_get(one));
    }
    json_object_put(one);
    return status;
}

static sal_status make_folder(sal_context *ctx, const char *folder, bool *made)
{
    *made = mkdir(folder, 0777) == 0;
    if (*made || sal_files_is_folder(folder)) return SAL_STATUS_OK;
    return sal_fail(ctx, SAL_STATUS_IO, "the folder \"%s\" cannot be made: %s; choose another output_folder", folder, strerror(errno));
}

/* One stack for each day: all are checked before the folder is made and the first is written. */
static sal_status build_campaigns(sal_context *ctx, const sal_arguments *arguments, const sal_scene *scenes, int64_t n,
                                  json_object *result)
{
    sal_status status = SAL_STATUS_OK;
    bool made = false;
    json_object *stacks = json_object_new_array();
    for (int round = 0; round < 2; round++) {
        if (round == 1) SAL_TRY(make_folder(ctx, folder_of(arguments), &made));
        for (int64_t first = 0, next; first < n; first = next) {
            const double from = round ? 0.1 : 0, share = (round ? 0.9 : 0.1) / (double)n;
            for (next = first + 1; next < n && strcmp(scenes[next].date, scenes[first].date) == 0;) next++;
            request r = { .arguments = arguments, .scenes = scenes + first, .scene_count = next - first,
                          .write = round == 1, .first = json_object_array_length(stacks) == 0 };
            sal_progress_push(ctx, from + share * (double)first, from + share * (double)next);
            status = build_day(ctx, &r, stacks);
            sal_progress_pop(ctx);
            if (status != SAL_STATUS_OK) goto done;
        }
    }
    if (json_object_array_length(stacks) == 0)
        SAL_TRY(sal_fail(ctx, SAL_STATUS_DATA, "none of the scenes shows clear ground; set mask_classes or mask_buffer "
                                               "lower, or take other days"));
    SAL_TRY(sal_json_add_text(ctx, result, "output", folder_of(arguments)));
    SAL_TRY(sal_json_add(ctx, result, "stacks", json_object_get(stacks)));
done:
    if (status != SAL_STATUS_OK && made) rmdir(folder_of(arguments)); /* only when it is empty */
    json_object_put(stacks);
    return status;
}

/* Whether the scenes are of several days, and then whether the user wants a stack for each. */
static sal_status several_days(sal_context *ctx, const sal_arguments *arguments, const sal_scene *scenes, int64_t n,
                               bool *several)
{
    const char *date = sal_argument_text(arguments, "date"), *folder = folder_of(arguments);
    int64_t days = 0;
    const char *first = "";
    for (int64_t i = n - 1; i >= 0 && scenes[i].date[0]; i--) { /* those without a day stand in front */
        days += i == n - 1 || strcmp(scenes[i].date, first) != 0;
        first = scenes[i].date;
    }
    *several = days > 0 && folder && !(date && date[0]);
    if (folder && days == 0)
        return sal_fail(ctx, SAL_STATUS_ARGUMENT,
                        "the folder \"%s\" takes a stack for each day, but no scene tells its day; name a file for the stack as output",
                        folder);
    if (!*several && days > 1 && !(date && date[0]))
        return sal_fail(ctx, SAL_STATUS_DATA,
                        "scenes are of different days, %lld from %s to %s; give output_folder for one stack a day, or date if they belong together",
                        (long long)days, first, scenes[n - 1].date);
    for (int64_t i = 0; i < n && *several; i++)
        if (!scenes[i].date[0])
            return sal_fail(ctx, SAL_STATUS_DATA,
                            "scene \"%s\" does not tell its day, so it belongs to no stack; put the day into its name, "
                            "such as 2020-06-15",
                            scenes[i].path);
    return SAL_STATUS_OK;
}

/* One of the two places has to be named. A date of the user's makes one stack of all scenes, which is a file. */
static sal_status check_places(sal_context *ctx, const sal_arguments *arguments)
{
    const char *output = sal_argument_text(arguments, "output"), *folder = sal_argument_text(arguments, "output_folder"),
               *date = sal_argument_text(arguments, "date");
    const bool file = output && output[0], several = folder && folder[0];
    if (file && several)
        return sal_fail(ctx, SAL_STATUS_ARGUMENT, "both output and output_folder are given; give output for one stack, output_folder for one a day");
    if (!file && !several)
        return sal_fail(ctx, SAL_STATUS_ARGUMENT, "output is missing: a GeoTIFF for one stack, or output_folder for a stack for each day of the scenes");
    if (several && date && date[0])
        return sal_fail(ctx, SAL_STATUS_ARGUMENT, "date makes one stack of all scenes, so output_folder has none to part; give output, or leave date out");
    return SAL_STATUS_OK;
}

sal_status sal__covariates_run(sal_context *ctx, const sal_arguments *arguments, json_object *result)
{
    sal_status status;
    sal_build lists; /* only to own texts */
    sal_scene *scenes = NULL;
    const char **paths = NULL;
    bool several = false;
    int64_t n = 0;
    const int64_t rasters = sal_argument_count(arguments, "scene"),
                  given = rasters + sal_argument_count(arguments, "product");
    SAL_TRY(sal__build_new(ctx, &lists));
    SAL_TRY(check_places(ctx, arguments));
    lists.scale = sal_argument_f64(arguments, "scale"); /* what a product does not tell need not be told then */
    lists.offset = sal_argument_f64(arguments, "offset");
    if (given == 0 && sal_argument_count(arguments, "extra") == 0 && sal_argument_count(arguments, "series") == 0 && sal_argument_count(arguments, "series_product") == 0 &&
        !sal_argument_text(arguments, "dem") &&
        !(sal_argument_count(arguments, "climate") > 0 && sal_argument_text(arguments, "reference_grid")))
        SAL_TRY(sal_fail(ctx, SAL_STATUS_ARGUMENT,
                         "nothing to build a stack from: give at least one of product, scene, dem, series and extra, or climate "
                         "with a reference_grid"));
    SAL_TRY(sal_allocate(ctx, given, sizeof *paths, &paths));
    for (int64_t i = 0; i < given; i++)
        paths[i] = i < rasters ? sal_argument_text_at(arguments, "scene", i)
                               : sal_argument_text_at(arguments, "product", i - rasters);
    SAL_TRY(sal__scenes_list(&lists, paths, given, &scenes, &n));
    sort_by_date(scenes, n);
    SAL_TRY(several_days(ctx, arguments, scenes, n, &several));
    request r = { .arguments = arguments, .scenes = scenes, .scene_count = n, .write = true, .first = true,
                  .output = sal_argument_text(arguments, "output"), .campaign = "" };
    status = several ? build_campaigns(ctx, arguments, scenes, n, result) : build_one(ctx, &r, result);
done:
    sal_release(ctx, scenes);
    sal_release(ctx, paths);
    sal__build_clear(&lists);
    return status;
}
