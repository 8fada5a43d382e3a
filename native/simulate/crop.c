/* crop.c - what grows on a pixel and how its leaf area runs through the year.
 *
 * Growth falls with root-zone salinity by van Genuchten & Hoffman, G = 1 / (1 + (S_r / 6)^2.2). The parcel draws its crop; where the
 * root zone is too salty for it, wheat gives way to cotton and everything to bare ground: about 21 / 48 / 22 / 9 % bare, wheat-maize,
 * cotton, rice. Salty crops green up later and slower.
 */
#include "delta_private.h"
#include "noise.h"
#include <math.h>

static const float lai_max[4] = { 0.25f, 4.6f, 3.2f, 4.8f };
static const float sos[4] = { 120, 64, 135, 165 };
static const float duration[4] = { 40, 50, 55, 45 };
static const float harvest[4] = { 285, 157, 288, 282 };
static const float senescence[4] = { 14, 4, 11, 8 }; /* days */
static const float background = 0.06f;               /* LAI of weeds and stubble */

sal__crop_keys sal__crop_keys_of(const sal_delta *d)
{
    uint64_t year = (uint64_t)sal_delta_campaigns[d->campaign].year, c = (uint64_t)d->campaign;
    return (sal__crop_keys){ .lottery = sal_random_stream("crop", year, 0),
                             .tolerance = sal_random_stream("tolerance", year, 0),
                             .parcel_start = sal__noise_key(d->seed, "start of parcels", year, 0),
                             .start = sal__noise_key(d->seed, "start", c, 0),
                             .chlorophyll = sal__noise_key(d->seed, "chlorophyll", c, 0) };
}

static int32_t choose(const sal_delta *d, const sal__crop_keys *keys, uint64_t parcel, float root)
{
    float u = (float)sal_random_uniform(d->seed, keys->lottery, parcel);
    float tolerance = expf(0.25f * (float)sal_random_normal(d->seed, keys->tolerance, parcel));
    if (u < 0.06f || root > 9.0f * tolerance) return SAL__BARE;
    if (u < 0.19f && root < 5.5f * tolerance) return SAL__RICE;
    if (u < 0.84f && root < 4.8f * tolerance) return SAL__WHEAT_MAIZE;
    return SAL__COTTON;
}

void sal__crop_at(const sal_delta *d, const sal__crop_keys *keys, int64_t i, sal__crop *crop)
{
    const uint64_t parcel = sal__delta_parcel(i / d->size, i % d->size);
    const float root = d->root[i];
    const int32_t t = choose(d, keys, parcel, root);
    const float g = 1.0f / (1.0f + powf(root / 6.0f, 2.2f)), vigour = expf(0.22f * d->fertility[i]);
    const uint32_t mixed = sal__mix32((uint32_t)parcel ^ (uint32_t)(parcel >> 32) * 0x9E3779B9u);
    crop->type = t;
    crop->growth = g;
    crop->lai_max = lai_max[t] * vigour * powf(g, 0.8f);
    crop->second_max = t == SAL__WHEAT_MAIZE ? 4.0f * vigour * g : 0.0f;
    crop->sos = sos[t] + 9.0f * (1.0f - g) + 3.0f * sal__noise_normal(keys->parcel_start, mixed) +
                2.0f * sal__noise_normal(keys->start, (uint32_t)i);
    crop->duration = duration[t] + 6.0f * (1.0f - g);
    crop->chlorophyll = 48.0f * (0.5f + 0.5f * g) * (1.0f + 0.10f * sal__noise_normal(keys->chlorophyll, (uint32_t)i));
}

void sal__crop_edges(const sal__crop *crop, sal__edge edges[4])
{
    const float rise = crop->duration / 4.394f; /* a logistic takes 4.394 widths from 10 to 90 % */
    edges[0] = (sal__edge){ crop->sos + 0.5f * crop->duration, rise };
    edges[1] = (sal__edge){ harvest[crop->type], -senescence[crop->type] };
    edges[2] = (sal__edge){ 202.0f + 6.0f * (1.0f - crop->growth), 7.5f };
    edges[3] = (sal__edge){ 268.0f, -6.0f };
}

float sal__crop_lai(const sal__crop *crop, float day)
{
    sal__edge e[4];
    float v[4];
    sal__crop_edges(crop, e);
    for (int k = 0; k < 4; k++) v[k] = 1.0f / (1.0f + expf(fminf((e[k].middle - day) / e[k].width, 80.0f)));
    return background + crop->lai_max * v[0] * v[1] + crop->second_max * v[2] * v[3];
}
