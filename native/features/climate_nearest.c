/* climate_nearest.c - the site of a climate table that is nearest to each point, for tables that say where their sites are.
 *
 * Columns lon and lat (longitude, latitude) in degrees, by the great circle; else x and y in the CRS of the points.
 */
#include "features/climate.h"
#include "data/samples.h"
#include "data/table.h"

#include <math.h>
#include <string.h>
#include <strings.h>

typedef struct places {
    const char **ids;
    double *x, *y;
    int64_t n, room;
    bool degrees;
} places;

static const double radius = 6371008.8, degree = 3.14159265358979323846 / 180; /* m, mean radius of the Earth (IUGG) */

static int64_t either(const sal_table *table, const char *one, const char *other)
{
    const int64_t column = sal_table_find(table, one);
    return column >= 0 || !other ? column : sal_table_find(table, other);
}

static bool find_columns(const sal_table *table, int64_t at[2], bool *degrees)
{
    at[0] = either(table, "lon", "longitude"), at[1] = either(table, "lat", "latitude");
    *degrees = at[0] >= 0 && at[1] >= 0;
    if (!*degrees) at[0] = either(table, "x", NULL), at[1] = either(table, "y", NULL);
    return at[0] >= 0 && at[1] >= 0;
}

bool sal_climate_is_place(const char *column)
{
    static const char *const names[] = { "lon", "longitude", "lat", "latitude", "x", "y" };
    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
        if (strcasecmp(column, names[k]) == 0) return true;
    return false;
}

bool sal_climate_table_has_places(const sal_table *table)
{
    int64_t at[2];
    bool degrees;
    return find_columns(table, at, &degrees);
}

/* A site once for each run of rows of it. */
static sal_status add_place(sal_context *ctx, sal_arena *arena, const char *id, double x, double y, places *p)
{
    sal_status status;
    char *copy;
    if (p->n > 0 && strcmp(p->ids[p->n - 1], id) == 0) return SAL_STATUS_OK;
    if (p->n == p->room) {
        const int64_t room = 2 * p->room + 256;
        SAL_TRY(sal_reallocate(ctx, p->room, room, sizeof *p->ids, &p->ids));
        SAL_TRY(sal_reallocate(ctx, p->room, room, sizeof *p->x, &p->x));
        SAL_TRY(sal_reallocate(ctx, p->room, room, sizeof *p->y, &p->y));
        p->room = room;
    }
    SAL_TRY(sal_arena_text(arena, id, &copy));
    p->ids[p->n] = copy;
    p->x[p->n] = x;
    p->y[p->n++] = y;
done:
    return status;
}

static sal_status read_places(sal_context *ctx, sal_arena *arena, const char *path, const char *id, places *p)
{
    sal_status status;
    sal_table *table = NULL;
    int64_t at[2] = { -1, -1 }, column, row = 0;
    bool found, good[2];
    SAL_TRY(sal_table_open(ctx, path, &table));
    column = sal_table_find(table, id);
    if (column < 0 || !find_columns(table, at, &p->degrees))
        SAL_TRY(sal_fail(ctx, SAL_STATUS_DATA, "climate table \"%s\" lacks %s; to join by place it needs it beside lon and lat, or x and y", path, column < 0 ? id : "coordinates"));
    SAL_TRY(sal_table_rewind(table));
    SAL_TRY(sal_table_next(table, &found));
    for (; found; row++) {
        const double x = sal_table_number(table, at[0], &good[0]), y = sal_table_number(table, at[1], &good[1]);
        if (!good[0] || !good[1] || !isfinite(x) || !isfinite(y) || (p->degrees && (fabs(x) > 360 || fabs(y) > 90)))
            SAL_TRY(sal_fail(ctx, SAL_STATUS_DATA, "row %lld of climate table \"%s\" (\"%s\") has no valid coordinates; fill them, or join by an id that climate_points has too",
                             (long long)row + 1, path, sal_table_text(table, column)));
        SAL_TRY(add_place(ctx, arena, sal_table_text(table, column), x, y, p));
        SAL_TRY(sal_look(ctx) ? sal_progress(ctx, 0, NULL) : SAL_STATUS_OK);
        SAL_TRY(sal_table_next(table, &found));
    }
    if (p->n == 0) SAL_TRY(sal_fail(ctx, SAL_STATUS_DATA, "climate table \"%s\" has no rows", path));
done:
    sal_table_free(table);
    return status;
}

static double distance(const places *p, int64_t i, double x, double y)
{
    if (!p->degrees) return hypot(p->x[i] - x, p->y[i] - y);
    const double s = sin((p->y[i] - y) * degree / 2), t = sin((p->x[i] - x) * degree / 2);
    return 2 * radius * asin(fmin(1, sqrt(s * s + cos(y * degree) * cos(p->y[i] * degree) * t * t)));
}

sal_status sal_climate_nearest(sal_context *ctx, sal_arena *arena, const char *path, const char *id, const char *wkt, int64_t n, const double *x,
                               const double *y, const char **ids, double *farthest)
{
    sal_status status;
    places p = { 0 };
    double *u = NULL, *v = NULL;
    *farthest = 0;
    SAL_TRY(read_places(ctx, arena, path, id, &p));
    SAL_TRY(sal_allocate(ctx, n, sizeof *u, &u));
    SAL_TRY(sal_allocate(ctx, n, sizeof *v, &v));
    memcpy(u, x, sizeof *u * (size_t)n);
    memcpy(v, y, sizeof *v * (size_t)n);
    if (p.degrees) SAL_TRY(sal_points_transform(ctx, wkt, "EPSG:4326", n, u, v));
    for (int64_t i = 0; i < n; i++) {
        double least = INFINITY;
        SAL_TRY(sal_progress(ctx, (double)i / (double)n, NULL));
        for (int64_t k = 0; k < p.n; k++) {
            const double away = distance(&p, k, u[i], v[i]);
            if (away >= least) continue;
            least = away;
            ids[i] = p.ids[k];
        }
        *farthest = fmax(*farthest, least);
    }
done:
    sal_release(ctx, p.ids);
    sal_release(ctx, p.x);
    sal_release(ctx, p.y);
    sal_release(ctx, u);
    sal_release(ctx, v);
    return status;
}
