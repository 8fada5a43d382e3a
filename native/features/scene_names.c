/* scene_names.c - what the name of a file says of a scene: its day, its sensor, and which band it holds.
 */
#include "data/date.h"
#include "features/indices.h"
#include "features/masks.h"
#include "features/scene_names.h"
#include "features/stack_build.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- dates ---- */

static int digits(const char *text, int n)
{
    int value = 0;
    for (int i = 0; i < n; i++) {
        if (!isdigit((unsigned char)text[i])) return -1;
        value = 10 * value + text[i] - '0';
    }
    return value;
}

static bool date_at(const char *text, char date[11])
{
    int year = digits(text, 4), month, day;
    if (year < 0) return false;
    if (text[4] == '-' || text[4] == '_') {
        month = digits(text + 5, 2);
        if (month < 0 || text[7] != text[4]) return false;
        day = digits(text + 8, 2);
        if (day < 0 || isdigit((unsigned char)text[10])) return false;
    } else {
        month = digits(text + 4, 2);
        if (month < 0) return false;
        day = digits(text + 6, 2);
        if (day < 0 || isdigit((unsigned char)text[8])) return false;
    }
    snprintf(date, 11, "%04d-%02d-%02d", year % 10000, month % 100, day % 100);
    return year >= 1900 && year <= 2200 && sal_date_days(date) != INT64_MIN;
}

/* HLS names hold the year and the day of the year: HLS.S30.T31UFS.2020167T105031.v2.0.B04. */
static bool hls_date(const char *text, char date[11])
{
    static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    if (strncmp(text, "HLS.", 4) != 0 || strlen(text) < 23) return false;
    const int year = digits(text + 15, 4);
    int day = digits(text + 19, 3), month = 0;
    if (year < 1900 || day < 1 || text[22] != 'T') return false;
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    for (int length; month < 12 && day > (length = lengths[month] + (month == 1 && leap)); month++) day -= length;
    snprintf(date, 11, "%04u-%02u-%02u", (unsigned)year % 10000, (unsigned)(month + 1) % 100, (unsigned)day % 100);
    return month < 12;
}

bool sal__date_find(const char *text, char date[11])
{
    if (hls_date(text, date)) return true;
    for (const char *at = text; *at; at++)
        if ((at == text || !isdigit((unsigned char)at[-1])) && date_at(at, date)) return true;
    return false;
}

bool sal__date_valid(const char *text)
{
    char date[11];
    return strlen(text) == 10 && date_at(text, date) && strcmp(text, date) == 0;
}

/* ---- names ---- */

void sal__file_stem(const char *path, char stem[256])
{
    const char *slash = strrchr(path, '/');
    snprintf(stem, 256, "%s", slash ? slash + 1 : path);
    char *dot = strrchr(stem, '.');
    if (dot && dot != stem) *dot = 0;
}

bool sal__looks_like_band(const char *token)
{
    size_t n = strlen(token);
    if (n < 2 || n > 4 || toupper((unsigned char)token[0]) != 'B' || !isdigit((unsigned char)token[1])) return false;
    for (size_t i = 1; i < n; i++)
        if (!isdigit((unsigned char)token[i]) && !(i == n - 1 && toupper((unsigned char)token[i]) == 'A')) return false;
    return true;
}

bool sal__band_in_stem(const char *stem, char name[SAL__NAME])
{
    char copy[256], *tokens[64], *rest = copy;
    int n = 0;
    snprintf(copy, sizeof copy, "%s", stem);
    for (char *token; n < 64 && (token = strtok_r(rest, "_-. ", &rest));) tokens[n++] = token;
    for (int i = n - 1; i >= 0; i--) {
        const bool landsat = i > 0 && strcasecmp(tokens[i], "PIXEL") == 0 && strcasecmp(tokens[i - 1], "QA") == 0;
        const char *mask = sal__mask_kind(landsat ? "QA_PIXEL" : tokens[i]);
        if (mask) {
            const bool early = strcmp(mask, "BQA") == 0 && stem[0] == 'L' && isdigit((unsigned char)stem[2]) && stem[2] != '0';
            snprintf(name, SAL__NAME, "%s", early ? "BQA_2013" : mask);
            return true;
        }
        if (sal__looks_like_band(tokens[i])) {
            bool surface = i > 0 && strcmp(tokens[i - 1], "SR") == 0;
            snprintf(name, SAL__NAME, "%s%.8s", surface ? "SR_" : "", tokens[i]);
            return true;
        }
        if ((strlen(tokens[i]) > 1 || i == n - 1) && strlen(tokens[i]) < SAL__NAME && sal__band_id("", tokens[i])) {
            snprintf(name, SAL__NAME, "%s", tokens[i]);
            return true;
        }
    }
    return false;
}

/* Sensor from names such as S2A_MSIL2A_..., LC08_L2SP_..., HLS.S30....; NULL when the name does not begin like those. */
const char *sal__sensor_in_stem(const char *stem)
{
    char token[8];
    size_t n = strcspn(stem, "_-.");
    if (n < 2 || n > 4) return NULL;
    snprintf(token, sizeof token, "%.*s", (int)n, stem);
    if (strncmp(token, "S2", 2) == 0 && (n == 2 || (n == 3 && isalpha((unsigned char)token[2]))))
        return sal__sensor_find(token);
    if (strcmp(token, "HLS") == 0 && strlen(stem) > 8) {
        snprintf(token, sizeof token, "HLS%.3s", stem + 4);
        return sal__sensor_find(token);
    }
    return n == 4 && token[0] == 'L' && strchr("CETO", token[1]) && token[2] == '0' ? sal__sensor_find(token) : NULL;
}
