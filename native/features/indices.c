/* indices.c - the table of spectral indices (indices.def) and its evaluation on planes of float32 reflectance.
 *
 * One switch holds one loop per index, so that the compiler vectorises every formula; missing values, negative
 * reflectance and divisors near zero are handled here, once, around the formula. The trap: a radicand below zero (CRSI
 * over water) is no data, not 0.
 */
#include "features/clones.h"
#include "features/indices.h"

#include <math.h>
#include <string.h>
#include <tgmath.h>

static const char *const role_names[SAL_ROLE_COUNT] = { "B",   "G",   "R",    "RE1",   "RE2",
                                                        "RE3", "NIR", "NIR2", "SWIR1", "SWIR2" };

static const sal_index table[] = {
#define SAL_INDEX(id, group, roles, formula, divisor, low, high, source)                                               \
    { #id, group, #formula, source, #roles, low, high },
#include "features/indices.def"
#undef SAL_INDEX
};

enum {
#define SAL_INDEX(id, group, roles, formula, divisor, low, high, source) INDEX_##id,
#include "features/indices.def"
#undef SAL_INDEX
    INDEX_COUNT
};

int64_t sal_index_count(void) { return INDEX_COUNT; }

const sal_index *sal_index_at(int64_t i) { return i >= 0 && i < INDEX_COUNT ? &table[i] : NULL; }

const sal_index *sal_index_find(const char *id)
{
    for (int64_t i = 0; i < INDEX_COUNT; i++)
        if (strcmp(table[i].id, id) == 0) return &table[i];
    return NULL;
}

const char *sal__role_name(sal_role role) { return role_names[role]; }

int32_t sal__role_find(const char *name, int64_t length)
{
    for (int32_t r = 0; r < SAL_ROLE_COUNT; r++)
        if ((int64_t)strlen(role_names[r]) == length && memcmp(role_names[r], name, (size_t)length) == 0) return r;
    return -1;
}

uint32_t sal__index_roles(const sal_index *index)
{
    uint32_t mask = 0;
    for (const char *at = index->roles; *at;) {
        size_t length = strcspn(at, " |");
        int32_t role = length ? sal__role_find(at, (int64_t)length) : -1;
        if (role >= 0) mask |= 1u << role;
        at += length ? length : 1;
    }
    return mask;
}

static inline float reflectance(float value) { return value < 0 ? 0 : value; /* keeps NaN */ }

/* Added to a value, so that the loop has no branch around the division and is vectorised. */
static inline float nodata_near_zero(float divisor) { return fabs(divisor) < 1e-6f ? NAN : 0; }

#define ROLE(name) SAL_UNUSED const float name = reflectance(roles[SAL_ROLE_##name][i])

SAL__CLONES void sal__index_evaluate(int64_t index, const float *const roles[SAL_ROLE_COUNT], int64_t n,
                                     float *restrict out)
{
    switch (index) {
#define SAL_INDEX(id, group, needed, formula, divisor, low, high, source)                                              \
    case INDEX_##id:                                                                                                   \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            ROLE(B);                                                                                                   \
            ROLE(G);                                                                                                   \
            ROLE(R);                                                                                                   \
            ROLE(RE1);                                                                                                 \
            ROLE(RE2);                                                                                                 \
            ROLE(RE3);                                                                                                 \
            ROLE(NIR);                                                                                                 \
            ROLE(SWIR1);                                                                                               \
            ROLE(SWIR2);                                                                                               \
            const float value = formula, by = divisor;                                                                 \
            out[i] = value + nodata_near_zero(by);                                                                     \
        }                                                                                                              \
        break;
#include "features/indices.def"
#undef SAL_INDEX
    default:
        for (int64_t i = 0; i < n; i++) out[i] = NAN;
    }
}
