/* ss_soilnet.c - SS-SoilNet: spatial features of the environment are the queries, spectrum and indices the keys and values. */
#include "ss_soilnet_parts.h"

static sal_id build(sal_tape *t, const sal_model_options *o, const sal_model_inputs *in)
{
    sal_id cover = sal_ss_soilnet_trunk(t, o, in->window);    /* (n, cell, cell, covariate channel) */
    sal_id pooled = sal_ss_soilnet_gates(t, o, cover);        /* (n, covariate, channel pool) */
    return sal_ss_soilnet_tail(t, o, in, pooled);
}

const sal_system sal_system_ss_soilnet = {
    .id = "ss_soilnet",
    .title = "SS-SoilNet",
    .help = "Spectrum, indices and a window of environmental covariates, fused by cross-attention (Zhang et al. 2026).",
    .uses = SAL_USES_SPECTRUM | SAL_USES_INDEX | SAL_USES_POINT | SAL_USES_WINDOW,
    .build = build,
};
