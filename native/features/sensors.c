/* sensors.c - which role a band plays (sensors.def): "B04" of Sentinel-2 is R, "B4" of Landsat 5 is NIR, "Red" is R
 * anywhere.
 *
 * The trap: the same name means another colour on another sensor. Two-digit names without a sensor are taken as
 * Sentinel-2, as everybody writes them; "B4" or "SR_B4" without a sensor has no role.
 */
#include "features/indices.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

typedef struct sensor_row {
    const char *name, *aliases;
} sensor_row;

typedef struct band_row {
    const char *sensor, *id, *also, *role;
} band_row;

static const sensor_row sensors[] = {
#define SAL_SENSOR(name, aliases) { name, aliases },
#define SAL_BAND(sensor, id, also, role)
#include "features/sensors.def"
#undef SAL_SENSOR
#undef SAL_BAND
};

static const band_row bands[] = {
#define SAL_SENSOR(name, aliases)
#define SAL_BAND(sensor, id, also, role) { sensor, id, also, role },
#include "features/sensors.def"
#undef SAL_SENSOR
#undef SAL_BAND
};

enum { SENSORS = sizeof sensors / sizeof *sensors, BANDS = sizeof bands / sizeof *bands };

int64_t sal__sensor_count(void) { return SENSORS; }

const char *sal__sensor_at(int64_t i) { return i >= 0 && i < SENSORS ? sensors[i].name : NULL; }

const char *sal__sensor_find(const char *name)
{
    char plain[64];
    size_t length = 0;
    for (const char *c = name ? name : ""; *c && length < sizeof plain - 1; c++)
        if (isalnum((unsigned char)*c)) plain[length++] = (char)tolower((unsigned char)*c);
    plain[length] = 0;
    if (length == 0) return NULL;
    for (int64_t i = 0; i < SENSORS; i++) {
        for (const char *alias = sensors[i].aliases; *alias;) {
            size_t n = strcspn(alias, "|");
            if (n <= length && memcmp(alias, plain, n) == 0) return sensors[i].name;
            alias += n + (alias[n] == '|');
        }
    }
    return NULL;
}

static bool listed(const char *list, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = list; *at;) {
        size_t n = strcspn(at, "|");
        if (n == length && strncasecmp(at, name, n) == 0) return true;
        at += n + (at[n] == '|');
    }
    return false;
}

static const band_row *band_find(const char *sensor, const char *name)
{
    const char *known = sal__sensor_find(sensor);
    for (int64_t i = 0; i < BANDS && name[0]; i++) {
        const band_row *band = &bands[i];
        bool same = strcasecmp(band->id, name) == 0;
        if (band->sensor[0] == 0) {
            if (same || listed(band->also, name)) return band;
        } else if (known) {
            if (strcmp(band->sensor, known) == 0 && (same || listed(band->also, name))) return band;
        } else if (same && strcmp(band->sensor, "Sentinel-2") == 0) {
            return band;
        }
    }
    return NULL;
}

const char *sal_band_role(const char *sensor, const char *band_id)
{
    const band_row *band = band_find(sensor, band_id);
    return band && band->role[0] ? band->role : NULL;
}

const char *sal__band_id(const char *sensor, const char *name)
{
    const band_row *band = band_find(sensor, name);
    return band ? band->id : NULL;
}

const char *sal__sensor_guess(const char *const *names, int64_t n)
{
    bool sentinel = false, landsat = false, six = false;
    for (int64_t i = 0; i < n; i++) {
        const char *name = names[i];
        if (!strcasecmp(name, "B8A") || !strcasecmp(name, "B12")) sentinel = true;
        if (strlen(name) == 3 && toupper((unsigned char)name[0]) == 'B' && name[1] == '0' &&
            isdigit((unsigned char)name[2]))
            sentinel = true;
        if (strncasecmp(name, "SR_B", 4) == 0) landsat = true;
        if (strcasecmp(name, "SR_B6") == 0) six = true;
    }
    if (sentinel) return "Sentinel-2";
    return landsat ? six ? "Landsat 8/9" : "Landsat 4-7" : "";
}
