/* climate_names.c - what is known of a climate variable by its name (climate.def), its unit, and the covariate id made of it.
 */
#include "features/climate_private.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const sal__climate_kind known[] = {
#define SAL_CLIMATE(names, unit, amount) { names, unit, amount },
#include "features/climate.def"
#undef SAL_CLIMATE
};


static const char *last_word(const char *variable)
{
    const char *at = strrchr(variable, '_');
    return at ? at + 1 : variable;
}

static bool among(const char *names, const char *word)
{
    for (const char *at = names; *at;) {
        const size_t n = strcspn(at, "|");
        if (strlen(word) == n && strncasecmp(at, word, n) == 0) return true;
        at += n + (at[n] == '|');
    }
    return false;
}

const sal__climate_kind *sal__climate_kind_of(const char *variable)
{
    for (size_t k = 0; k < sizeof known / sizeof *known; k++)
        if (among(known[k].names, variable) || among(known[k].names, last_word(variable))) return &known[k];
    return NULL;
}

const char *sal_climate_unit(const sal_climate *c, int64_t i)
{
    const sal__climate_kind *kind = sal__climate_kind_of(sal_climate_variable(c, i));
    for (int64_t k = 0; k < c->band_count; k++)
        if (c->bands[k].variable == i) {
            const char *unit = sal_raster_band_unit(c->rasters[c->bands[k].raster], c->bands[k].band);
            if (unit[0]) return unit;
            break;
        }
    return kind ? kind->unit : "";
}

/* PPT of "TerraClimate_ppt", else the whole name in capitals. */
void sal__climate_name(const char *variable, const char *ending, char id[64])
{
    const char *from = sal__climate_kind_of(variable) ? last_word(variable) : variable;
    size_t n = 0;
    if (!isalpha((unsigned char)from[0])) id[n++] = 'C';
    for (; *from && n < 40; from++) id[n++] = isalnum((unsigned char)*from) ? (char)toupper((unsigned char)*from) : '_';
    snprintf(id + n, 64 - n, "_%s", ending);
}
