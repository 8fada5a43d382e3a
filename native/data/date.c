/* date.c - calendar dates as field tables write them. Month-first dates (06/15/2020) are not read: they cannot be told
 * from day-first ones. Day count after Hinnant's civil calendar algorithm (proleptic Gregorian).
 */
#include "date.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

static bool digits(const char *text, int n, int *value)
{
    *value = 0;
    for (int i = 0; i < n; i++) {
        if (text[i] < '0' || text[i] > '9') return false;
        *value = *value * 10 + (text[i] - '0');
    }
    return true;
}

static bool valid(int y, int m, int d)
{
    static const int length[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    if (y < 1800 || y > 2200 || m < 1 || m > 12 || d < 1) return false;
    bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    return d <= length[m - 1] + (m == 2 && leap);
}

/* What may follow a date: nothing, or a time. */
static bool ended(const char *rest)
{
    return !*rest || ((*rest == 'T' || *rest == ' ') && isdigit((unsigned char)rest[1]));
}

bool sal_date_parse(const char *text, char out[11])
{
    char t[40];
    int y = 0, m = 0, d = 0;
    out[0] = 0;
    if (!text) return false;
    while (isspace((unsigned char)*text)) text++;
    size_t n = strlen(text);
    while (n && isspace((unsigned char)text[n - 1])) n--;
    if (n < 7 || n >= sizeof t) return false;
    memcpy(t, text, n);
    t[n] = 0;
    bool found = false;
    if (n >= 8 && digits(t, 4, &y) && digits(t + 4, 2, &m) && digits(t + 6, 2, &d))
        found = ended(t + 8);
    else if (n >= 10 && digits(t, 4, &y) && (t[4] == '-' || t[4] == '/') && digits(t + 5, 2, &m) && t[7] == t[4] &&
             digits(t + 8, 2, &d))
        found = ended(t + 10);
    else if (n >= 10 && digits(t, 2, &d) && t[2] == '.' && digits(t + 3, 2, &m) && t[5] == '.' && digits(t + 6, 4, &y))
        found = ended(t + 10);
    else if (n == 7 && digits(t, 4, &y) && t[4] == '-' && digits(t + 5, 2, &m))
        found = (d = 15) != 0;
    if (!found || !valid(y, m, d)) return false;
    char whole[40];
    snprintf(whole, sizeof whole, "%04d-%02d-%02d", y, m, d);
    memcpy(out, whole, 11);
    return true;
}

int64_t sal_date_days(const char *date)
{
    int y, m, d;
    if (!date || strlen(date) < 10 || !digits(date, 4, &y) || date[4] != '-' || !digits(date + 5, 2, &m) ||
        date[7] != '-' || !digits(date + 8, 2, &d) || !valid(y, m, d))
        return INT64_MIN;
    y -= m <= 2;
    int64_t era = y / 400, year = y - era * 400;
    int64_t day = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + year * 365 + year / 4 - year / 100 + day - 719468;
}
