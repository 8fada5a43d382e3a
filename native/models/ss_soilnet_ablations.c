/* ss_soilnet_ablations.c - SS-SoilNet with parts taken away: what each part is worth is the difference to the whole.
 *
 * SS-Stack keeps every covariate but sees the environment at the pixel only and stacks it without attention; Spec-Index drops the
 * environment; Index drops the spectrum as well.
 */
#include "ss_soilnet_parts.h"

static sal_id flat_index(sal_tape *t, const sal_model_options *o, const sal_model_inputs *in)
{
    return sal_reshape(t, sal_index_tokens(t, o, in->index, in->ndvi), SAL_SHAPE(sal_tape_dim(t, in->index, 0), 2 * o->width));
}

static sal_id build_index(sal_tape *t, const sal_model_options *o, const sal_model_inputs *in)
{
    return sal_regression_head(t, o, flat_index(t, o, in));
}

static sal_id build_spec_index(sal_tape *t, const sal_model_options *o, const sal_model_inputs *in)
{
    sal_id band = sal_spectral_tokens(t, o, in->spectrum);
    sal_id parts[2] = { sal_reshape(t, band, SAL_SHAPE(sal_tape_dim(t, band, 0), o->bands * o->width)), flat_index(t, o, in) };
    return sal_regression_head(t, o, sal_concat(t, parts, 2, 1));
}

static sal_id build_stack(sal_tape *t, const sal_model_options *o, const sal_model_inputs *in)
{
    sal_id band = sal_spectral_tokens(t, o, in->spectrum);
    sal_id point = sal_point_features(t, o, in->point);
    sal_id parts[3] = { sal_reshape(t, band, SAL_SHAPE(sal_tape_dim(t, band, 0), o->bands * o->width)), flat_index(t, o, in), point };
    return sal_regression_head(t, o, sal_concat(t, parts, 3, 1));
}

const sal_system sal_system_ss_stack = {
    .id = "ss_stack",
    .title = "SS-Stack",
    .help = "Ablation: spectrum, indices and the environment at the pixel, stacked; no window, no attention.",
    .uses = SAL_USES_SPECTRUM | SAL_USES_INDEX | SAL_USES_POINT,
    .build = build_stack,
};

const sal_system sal_system_spec_index = {
    .id = "spec_index",
    .title = "Spec-Index",
    .help = "Ablation: spectrum and indices at the pixel.",
    .uses = SAL_USES_SPECTRUM | SAL_USES_INDEX,
    .build = build_spec_index,
};

const sal_system sal_system_index = {
    .id = "index",
    .title = "Index",
    .help = "Ablation: spectral indices at the pixel only.",
    .uses = SAL_USES_INDEX,
    .build = build_index,
};
