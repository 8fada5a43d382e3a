/* covariates_series.c - phenology from a series, from the parameters of Build covariate stack.
 */
#include "operations/covariates_parts.h"

#include <string.h>

static sal_status choose_phenology(sal_context *ctx, const sal_arguments *arguments, sal__choice *c)
{
    char word[64];
    for (int64_t entry = 0, at = 0; sal__next_word(arguments, "phenology", &entry, &at, word);) {
        const int64_t row = sal_phenology_find(word);
        const bool all = strcmp(word, "all") == 0;
        if (row >= 0) sal__choose(c, row);
        const bool quality = strcmp(word, "quality") == 0;
        for (int64_t k = 0; k < sal_phenology_count(); k++)
            if (all || (quality && strncmp(sal_phenology_at(k)->id, "PHENO_", 6) == 0)) sal__choose(c, k);
        if (row < 0 && !all && !quality)
            return sal_fail(ctx, SAL_STATUS_ARGUMENT,
                            "phenology has \"%s\"; use all, quality or SOS, GUS, SDPS, PEAK, PEAK_DOY, EOS, LENGTH, AMPLITUDE, PHENO_OBS, "
                            "PHENO_RMSE, PHENO_GAP, PHENO_QUALITY",
                            word);
    }
    if (c->n == 0) return sal_fail(ctx, SAL_STATUS_ARGUMENT, "phenology names no covariate, but series is given; leave one of them out");
    return SAL_STATUS_OK;
}

/* Which of "a|b|c" a choice is, from 1: the enums of phenology.h stand in the order of the choices. */
static int chosen(const sal_arguments *arguments, const char *key, const char *choices)
{
    const char *text = sal_argument_text(arguments, key);
    int number = 1;
    for (const char *at = choices; *at; at++) {
        const size_t n = strcspn(at, "|");
        if (strlen(text) == n && strncmp(at, text, n) == 0) return number;
        number++;
        at += n - (at[n] == 0);
    }
    return 1;
}

static sal_phenology_options phenology_options(const sal_arguments *arguments)
{
    sal_phenology_options o = sal_phenology_defaults();
    o.smoother = (sal_smoother)chosen(arguments, "smoother", "whittaker|savitzky_golay|double_logistic");
    o.season = (sal_season_choice)chosen(arguments, "season", "main|first|second");
    o.step = sal_argument_f64(arguments, "series_step");
    o.lambda = sal_argument_f64(arguments, "lambda");
    o.envelope = sal_argument_f64(arguments, "envelope");
    o.floor = sal_argument_f64(arguments, "series_floor");
    o.sos = sal_argument_f64(arguments, "sos_threshold");
    o.sdps = sal_argument_f64(arguments, "sdps_threshold");
    o.eos = sal_argument_f64(arguments, "eos_threshold");
    o.gus[0] = sal_argument_f64(arguments, "gus_low");
    o.gus[1] = sal_argument_f64(arguments, "gus_high");
    o.min_amplitude = sal_argument_f64(arguments, "min_amplitude");
    o.contrast = sal_argument_f64(arguments, "season_contrast");
    o.max_gap = sal_argument_f64(arguments, "max_gap");
    o.min_observations = sal_argument_i64(arguments, "min_observations");
    return o;
}

sal_status sal__take_series(sal_context *ctx, sal_build *build, const sal_arguments *arguments, sal__choice *phenology)
{
    sal_status status;
    const char **paths = NULL;
    const int64_t rasters = sal_argument_count(arguments, "series"), n = rasters + sal_argument_count(arguments, "series_product");
    if (n == 0) return SAL_STATUS_OK;
    SAL_TRY(choose_phenology(ctx, arguments, phenology));
    SAL_TRY(sal_allocate(ctx, n, sizeof *paths, &paths));
    for (int64_t i = 0; i < n; i++) paths[i] = i < rasters ? sal_argument_text_at(arguments, "series", i) : sal_argument_text_at(arguments, "series_product", i - rasters);
    const sal_series_request request = { .paths = paths,
                                         .count = n,
                                         .index = sal_argument_text(arguments, "series_index"),
                                         .year = sal_argument_i64(arguments, "series_year"),
                                         .date = build->date,
                                         .scale = sal_argument_f64(arguments, "series_scale"),
                                         .offset = sal_argument_f64(arguments, "series_offset") };
    build->phenology_options = phenology_options(arguments);
    build->phenology = phenology->rows;
    build->phenology_count = phenology->n;
    SAL_TRY(sal__series_open(ctx, &request, &build->series));
done:
    sal_release(ctx, paths);
    return status;
}

const char *sal__reference_grid(const sal_build *build, const sal_arguments *arguments)
{
    const char *given = sal_argument_text(arguments, "reference_grid");
    return given || build->source_count > 0 || !build->series ? given : sal__series_grid_path(build->series);
}
