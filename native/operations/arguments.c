/* arguments.c - checks the parameters of an operation against its rows, before anything is written.
 *
 * Every value is kept as text and, where the row is a number, as a number: JSON, the command line and QGIS give the same parameter in
 * different types ("0.9" or 0.9, one name or a list of one), and all of them mean the same.
 */
#define _GNU_SOURCE
#include "arguments.h"
#include <ctype.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct value {
    bool given;
    int64_t count;
    char **texts;  /* (count) */
    double number; /* of the first */
    int64_t whole;
} value;

struct sal_arguments {
    sal_context *ctx;
    const sal_operation *operation;
    int64_t rows;
    value *values; /* (rows) */
};

static const sal_param common_rows[] = {
    {"threads",
     SAL_PARAM_I64, "0",
     { 0, 256 },
     SAL_ADVANCED, "Threads",
     "Threads to work with; 0 uses every available core. The result does not depend on it." },
    { NULL     }
};

const sal_param *sal__operation_row(const sal_operation *operation, int64_t i)
{
    int64_t own = 0;
    bool has_threads = false;
    for (; operation->params && operation->params[own].key; own++)
        if (strcmp(operation->params[own].key, common_rows[0].key) == 0) has_threads = true;
    if (i < own) return &operation->params[i];
    return i == own && !has_threads ? &common_rows[0] : NULL;
}

bool sal__param_is_input(sal_param_type type)
{
    return type == SAL_PARAM_RASTER || type == SAL_PARAM_VECTOR || type == SAL_PARAM_FILE_IN ||
           type == SAL_PARAM_FOLDER_IN;
}

bool sal__param_is_output(sal_param_type type) { return type >= SAL_PARAM_RASTER_OUT && type <= SAL_PARAM_FOLDER_OUT; }

/* ---- words ---- */

/* Levenshtein distance of two short words; longer ones are cut. */
static int distance(const char *a, const char *b)
{
    enum { MOST = 63 };
    int row[MOST + 1], n = (int)strnlen(b, MOST), m = (int)strnlen(a, MOST);
    for (int j = 0; j <= n; j++) row[j] = j;
    for (int i = 1; i <= m; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= n; j++) {
            int swap = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            int best = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;
            row[j] = swap < best ? swap : best;
        }
    }
    return row[n];
}

const char *sal__nearest(const char *word, const char *(*candidate)(const void *list, int64_t i), const void *list)
{
    const char *best = NULL;
    int least = (int)strlen(word) / 2 + 1; /* more than half wrong is no misspelling */
    for (int64_t i = 0;; i++) {
        const char *name = candidate(list, i);
        if (!name) return best;
        bool begins = strlen(word) >= 3 && strncmp(name, word, strlen(word)) == 0;
        int d = begins ? 1 : distance(word, name);
        if (d < least) best = name, least = d;
    }
}

static const char *row_key(const void *operation, int64_t i)
{
    const sal_param *row = sal__operation_row(operation, i);
    return row ? row->key : NULL;
}

bool sal__parse_number(const char *text, double *out)
{
    char *end;
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!c) return false;
    *out = strtod_l(text, &end, c);
    freelocale(c);
    while (isspace((unsigned char)*end)) end++;
    return end != text && !*end && isfinite(*out);
}

int64_t sal__parse_bytes(const char *text)
{
    static const struct {
        const char *name;
        double bytes;
    } units[] = {
        {"",     1     },
        { "b",   1     },
        { "kb",  1e3   },
        { "mb",  1e6   },
        { "gb",  1e9   },
        { "tb",  1e12  },
        { "kib", 0x1p10},
        { "mib", 0x1p20},
        { "gib", 0x1p30},
        { "tib", 0x1p40},
        { "k",   0x1p10},
        { "m",   0x1p20},
        { "g",   0x1p30},
        { "t",   0x1p40},
    };
    char number[64];
    size_t n = strspn(text, "0123456789.");
    double amount;
    if (text[n] == 'e' || text[n] == 'E') n += 1 + strspn(text + n + 1, "+0123456789");
    if (n == 0 || n >= sizeof number) return -1;
    memcpy(number, text, n);
    number[n] = '\0';
    const char *unit = text + n + strspn(text + n, " ");
    if (!sal__parse_number(number, &amount)) return -1;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcasecmp(unit, units[i].name) == 0)
            return amount * units[i].bytes < 0x1p62 ? (int64_t)(amount * units[i].bytes) : -1;
    return -1;
}

/* ---- one value ---- */

static sal_status wrong(sal_context *ctx, const sal_param *row, const char *text, const char *wanted)
{
    return sal_fail(ctx, SAL_STATUS_ARGUMENT, "%s is \"%s\"; give %s", row->key, text, wanted);
}

static sal_status check_bounds(sal_context *ctx, const sal_param *row, const char *text, double x)
{
    double lo = row->bounds[0], hi = row->bounds[1];
    if ((lo == 0 && hi == 0) || (x >= lo && x <= hi)) return SAL_STATUS_OK;
    return sal_fail(ctx, SAL_STATUS_ARGUMENT, "%s is %s; give %.15g to %.15g%s%s", row->key, text, lo, hi,
                    row->unit ? " " : "", row->unit ? row->unit : "");
}

static sal_status check_choice(sal_context *ctx, const sal_param *row, const char *text)
{
    size_t n = strlen(text);
    char listed[1024] = "";
    for (const char *c = row->choices ? row->choices : ""; *c;) {
        size_t m = strcspn(c, "|");
        if (m == n && strncmp(c, text, n) == 0) return SAL_STATUS_OK;
        size_t used = strlen(listed);
        snprintf(listed + used, sizeof listed - used, "%s%.*s", used ? ", " : "", (int)m, c);
        c += m + (c[m] == '|');
    }
    return sal_fail(ctx, SAL_STATUS_ARGUMENT, "%s is \"%s\"; choose one of: %s", row->key, text, listed);
}

static bool parse_bool(const char *text, int64_t *out)
{
    static const char *const yes[] = { "true", "1", "yes", "on" }, *const no[] = { "false", "0", "no", "off" };
    for (size_t i = 0; i < 4; i++) {
        if (strcasecmp(text, yes[i]) == 0) return *out = 1, true;
        if (strcasecmp(text, no[i]) == 0) return *out = 0, true;
    }
    return false;
}

static bool valid_extent(const char *text)
{
    double edge[4];
    char part[64];
    for (int i = 0; i < 4; i++) {
        size_t n = strcspn(text, ",");
        if (n == 0 || n >= sizeof part || (text[n] == ',') != (i < 3)) return false;
        memcpy(part, text, n);
        part[n] = '\0';
        if (!sal__parse_number(part, &edge[i])) return false;
        text += n + 1;
    }
    return edge[0] < edge[2] && edge[1] < edge[3];
}

static sal_status check_value(sal_context *ctx, const sal_param *row, const char *text, value *v)
{
    double x;
    switch (row->type) {
    case SAL_PARAM_I64:
        if (!sal__parse_number(text, &x) || x != floor(x) || fabs(x) > 0x1p53)
            return wrong(ctx, row, text, "a whole number");
        v->whole = (int64_t)x, v->number = x;
        return check_bounds(ctx, row, text, x);
    case SAL_PARAM_F64:
        if (!sal__parse_number(text, &x)) return wrong(ctx, row, text, "a number");
        v->number = x, v->whole = fabs(x) < 0x1p62 ? (int64_t)x : 0;
        return check_bounds(ctx, row, text, x);
    case SAL_PARAM_BOOL:
        if (!parse_bool(text, &v->whole)) return wrong(ctx, row, text, "true or false");
        v->number = (double)v->whole;
        return SAL_STATUS_OK;
    case SAL_PARAM_BYTES:
        v->whole = sal__parse_bytes(text);
        v->number = (double)v->whole;
        if (v->whole <= 0) return wrong(ctx, row, text, "an amount of memory such as 2GiB or 500MB");
        return check_bounds(ctx, row, text, v->number);
    case SAL_PARAM_CHOICE: return check_choice(ctx, row, text);
    case SAL_PARAM_EXTENT:
        if (!valid_extent(text)) return wrong(ctx, row, text, "xmin,ymin,xmax,ymax with xmin < xmax and ymin < ymax");
        return SAL_STATUS_OK;
    case SAL_PARAM_FILE_IN:
    case SAL_PARAM_FOLDER_IN:
        if (strncmp(text, "/vsi", 4) != 0 && !sal_file_exists(text))
            return sal_fail(ctx, SAL_STATUS_ARGUMENT, "%s: the %s \"%s\" does not exist", row->key,
                            row->type == SAL_PARAM_FILE_IN ? "file" : "folder", text);
        return SAL_STATUS_OK;
    default: return SAL_STATUS_OK;
    }
}

/* ---- the values of a row ---- */

static sal_status add_text(sal_arguments *a, int64_t r, const char *text, int64_t length)
{
    sal_context *ctx = a->ctx;
    value *v = &a->values[r], read = { 0 };
    const sal_param *row = sal__operation_row(a->operation, r);
    sal_status status = sal_reallocate(ctx, v->count, v->count + 1, sizeof *v->texts, &v->texts);
    if (status != SAL_STATUS_OK) return status;
    char **slot = &v->texts[v->count];
    SAL_TRY(sal_text_format(ctx, slot, "%.*s", (int)length, text));
    v->count++;
    SAL_TRY(check_value(ctx, row, *slot, &read));
    if (v->count == 1) v->number = read.number, v->whole = read.whole;
done:
    return status;
}

static bool is_empty(json_object *given)
{
    return !given || (json_object_is_type(given, json_type_string) && json_object_get_string_len(given) == 0) ||
           (json_object_is_type(given, json_type_array) && json_object_array_length(given) == 0);
}

static sal_status add_json(sal_arguments *a, int64_t r, json_object *given)
{
    const sal_param *row = sal__operation_row(a->operation, r);
    if (!given || json_object_is_type(given, json_type_object) || json_object_is_type(given, json_type_array))
        return sal_fail(a->ctx, SAL_STATUS_ARGUMENT, "%s must be a text, a number, true or false, found %s", row->key,
                        json_type_to_name(json_object_get_type(given)));
    const char *text = json_object_get_string(given); /* numbers and booleans as JSON writes them */
    if (!text) return sal_fail(a->ctx, SAL_STATUS_MEMORY, "out of memory while reading %s", row->key);
    if (strlen(text) > INT32_MAX) return sal_fail(a->ctx, SAL_STATUS_ARGUMENT, "%s is too long", row->key);
    return add_text(a, r, text, (int64_t)strlen(text));
}

static sal_status take_given(sal_arguments *a, int64_t r, json_object *given)
{
    const sal_param *row = sal__operation_row(a->operation, r);
    sal_status status = SAL_STATUS_OK;
    a->values[r].given = true;
    if (!json_object_is_type(given, json_type_array)) return add_json(a, r, given);
    size_t n = json_object_array_length(given);
    if (n > 1 && !(row->flags & SAL_LIST))
        return sal_fail(a->ctx, SAL_STATUS_ARGUMENT, "%s takes one value, %zu were given", row->key, n);
    for (size_t i = 0; i < n; i++) SAL_TRY(add_json(a, r, json_object_array_get_idx(given, i)));
done:
    return status;
}

/* The default of a list is written with commas. */
static sal_status take_default(sal_arguments *a, int64_t r, const sal_param *row)
{
    sal_status status = SAL_STATUS_OK;
    const char *text = row->default_value;
    if (!text) return status;
    if (!(row->flags & SAL_LIST)) return add_text(a, r, text, (int64_t)strlen(text));
    while (*text) {
        size_t n = strcspn(text, ",");
        SAL_TRY(add_text(a, r, text, (int64_t)n));
        text += n + (text[n] == ',');
    }
done:
    return status;
}

static sal_status check_keys(sal_context *ctx, const sal_operation *operation, json_object *parameters)
{
    json_object_object_foreach(parameters, key, ignored)
    {
        (void)ignored;
        bool known = false;
        for (int64_t i = 0; !known && sal__operation_row(operation, i); i++)
            known = strcmp(sal__operation_row(operation, i)->key, key) == 0;
        if (known) continue;
        const char *near = sal__nearest(key, row_key, operation);
        if (near)
            return sal_fail(ctx, SAL_STATUS_ARGUMENT, "operation \"%s\" has no parameter \"%s\"; did you mean \"%s\"?",
                            operation->id, key, near);
        char listed[1024] = "";
        for (int64_t i = 0; sal__operation_row(operation, i); i++) {
            size_t used = strlen(listed);
            snprintf(listed + used, sizeof listed - used, "%s%s", used ? ", " : "",
                     sal__operation_row(operation, i)->key);
        }
        return sal_fail(ctx, SAL_STATUS_ARGUMENT, "operation \"%s\" has no parameter \"%s\"; it has: %s", operation->id,
                        key, listed);
    }
    return SAL_STATUS_OK;
}

/* ---- outputs ---- */

/* The path as the file system sees it: links resolved, for a file that does not exist yet those of its folder; without "|layername=x". */
static bool canonical(const char *path, char out[4352])
{
    char plain[4096], resolved[4096];
    const char *bar = strchr(path, '|');
    size_t n = bar ? (size_t)(bar - path) : strlen(path);
    if (n == 0 || n >= sizeof plain || strncmp(path, "/vsi", 4) == 0) return false;
    memcpy(plain, path, n);
    plain[n] = '\0';
    if (realpath(plain, resolved)) return snprintf(out, 4352, "%s", resolved) > 0;
    char *slash = strrchr(plain, '/');
    const char *name = slash ? slash + 1 : plain, *folder = !slash ? "." : slash == plain ? "/" : plain;
    if (slash && slash != plain) *slash = '\0';
    if (!realpath(folder, resolved)) return false;
    return snprintf(out, 4352, "%s/%s", strcmp(resolved, "/") == 0 ? "" : resolved, name) < 4352;
}

static sal_status check_collisions(sal_arguments *a, int64_t r, const char *target)
{
    char wanted[4352], other[4352];
    const sal_param *row = sal__operation_row(a->operation, r);
    if (!canonical(target, wanted)) return SAL_STATUS_OK;
    for (int64_t k = 0; k < a->rows; k++) {
        const sal_param *against = sal__operation_row(a->operation, k);
        bool output = sal__param_is_output(against->type);
        if (k == r || !(sal__param_is_input(against->type) || (output && k < r))) continue;
        for (int64_t i = 0; i < a->values[k].count; i++)
            if (canonical(a->values[k].texts[i], other) && strcmp(wanted, other) == 0)
                return sal_fail(a->ctx, SAL_STATUS_ARGUMENT, "%s and %s are the same file \"%s\"; choose another %s",
                                row->key, against->key, target, row->key);
    }
    return SAL_STATUS_OK;
}

static sal_status check_writable(sal_context *ctx, const sal_param *row, const char *target)
{
    sal_output *probe = NULL;
    char *inside = NULL;
    struct stat about;
    sal_status status = SAL_STATUS_OK;
    if (row->type == SAL_PARAM_FOLDER_OUT) { /* is made by the operation, so the folder above it must take it */
        size_t n = strlen(target);
        while (n > 1 && target[n - 1] == '/') n--;
        SAL_TRY(sal_text_format(ctx, &inside, "%.*s%s", (int)n, target, sal_file_exists(target) ? "/probe" : ""));
    } else if (row->flags & SAL_OR_FOLDER && stat(target, &about) == 0 && S_ISDIR(about.st_mode)) {
        SAL_TRY(sal_text_format(ctx, &inside, "%s/probe", target));
    }
    SAL_TRY(sal_output_new(ctx, inside ? inside : target, &probe));
done:
    sal_output_free(probe);
    sal_release(ctx, inside);
    return status == SAL_STATUS_OK ? status : sal_fail_prefix(ctx, status, "%s: ", row->key);
}

static sal_status check_outputs(sal_arguments *a)
{
    sal_status status = SAL_STATUS_OK;
    for (int64_t r = 0; r < a->rows; r++) {
        const sal_param *row = sal__operation_row(a->operation, r);
        for (int64_t i = 0; sal__param_is_output(row->type) && i < a->values[r].count; i++) {
            SAL_TRY(check_collisions(a, r, a->values[r].texts[i]));
            SAL_TRY(check_writable(a->ctx, row, a->values[r].texts[i]));
        }
    }
done:
    return status;
}

/* ---- all of them ---- */

static sal_status parse_object(sal_context *ctx, const char *parameters, json_object **out)
{
    const char *text = parameters && *parameters ? parameters : "{}";
    sal_status status = sal_json_parse(ctx, text, (int64_t)strlen(text), "the parameters", out);
    if (status == SAL_STATUS_DATA) status = SAL_STATUS_ARGUMENT;
    if (status == SAL_STATUS_OK && !json_object_is_type(*out, json_type_object)) {
        json_object_put(*out);
        *out = NULL;
        status = sal_fail(ctx, SAL_STATUS_ARGUMENT,
                          "the parameters must be a JSON object, such as {\"output\": \"map.tif\"}");
    }
    return status;
}

static sal_status take_row(sal_arguments *a, int64_t r, json_object *parameters)
{
    const sal_param *row = sal__operation_row(a->operation, r);
    json_object *given = NULL;
    json_object_object_get_ex(parameters, row->key, &given);
    if (!is_empty(given)) return take_given(a, r, given);
    if (row->flags & SAL_REQUIRED)
        return sal_fail(a->ctx, SAL_STATUS_ARGUMENT, "%s is missing: %s", row->key, row->help ? row->help : row->label);
    return take_default(a, r, row);
}

sal_status sal__arguments_new(sal_context *ctx, const sal_operation *operation, const char *parameters,
                              sal_arguments **out)
{
    json_object *object = NULL;
    sal_arguments *a = NULL;
    sal_status status = SAL_STATUS_OK;
    *out = NULL;
    SAL_TRY(parse_object(ctx, parameters, &object));
    SAL_TRY(check_keys(ctx, operation, object));
    SAL_TRY(sal_allocate(ctx, 1, sizeof *a, &a));
    a->ctx = ctx;
    a->operation = operation;
    int64_t rows = 0;
    while (sal__operation_row(operation, rows)) rows++;
    SAL_TRY(sal_allocate(ctx, rows, sizeof *a->values, &a->values));
    a->rows = rows;
    for (int64_t r = 0; r < rows; r++) SAL_TRY(take_row(a, r, object));
    SAL_TRY(check_outputs(a));
    *out = a;
    a = NULL;
done:
    json_object_put(object);
    sal__arguments_free(a);
    return status;
}

void sal__arguments_free(sal_arguments *arguments)
{
    if (!arguments) return;
    sal_context *ctx = arguments->ctx;
    for (int64_t r = 0; r < arguments->rows; r++) {
        for (int64_t i = 0; i < arguments->values[r].count; i++) sal_release(ctx, arguments->values[r].texts[i]);
        sal_release(ctx, arguments->values[r].texts);
    }
    sal_release(ctx, arguments->values);
    sal_release(ctx, arguments);
}

/* ---- reading ---- */

static const value *find(const sal_arguments *arguments, const char *key)
{
    static const value absent = { 0 };
    for (int64_t r = 0; r < arguments->rows; r++)
        if (strcmp(sal__operation_row(arguments->operation, r)->key, key) == 0) return &arguments->values[r];
#ifdef SAL_DEBUG
    __builtin_trap();
#endif
    return &absent;
}

bool sal_argument_given(const sal_arguments *arguments, const char *key) { return find(arguments, key)->given; }

const char *sal_argument_text(const sal_arguments *arguments, const char *key)
{
    return sal_argument_text_at(arguments, key, 0);
}

double sal_argument_f64(const sal_arguments *arguments, const char *key)
{
    const value *v = find(arguments, key);
    return v->count ? v->number : NAN;
}

int64_t sal_argument_i64(const sal_arguments *arguments, const char *key)
{
    const value *v = find(arguments, key);
    return v->count ? v->whole : 0;
}

bool sal_argument_bool(const sal_arguments *arguments, const char *key)
{
    return sal_argument_i64(arguments, key) != 0;
}

int64_t sal_argument_count(const sal_arguments *arguments, const char *key) { return find(arguments, key)->count; }

const char *sal_argument_text_at(const sal_arguments *arguments, const char *key, int64_t i)
{
    const value *v = find(arguments, key);
    return i >= 0 && i < v->count ? v->texts[i] : NULL;
}

static json_object *as_json(const sal_param *row, const value *v, int64_t i)
{
    double x;
    switch (row->type) {
    case SAL_PARAM_I64: return sal__parse_number(v->texts[i], &x) ? json_object_new_int64((int64_t)x) : NULL;
    case SAL_PARAM_F64: return sal__parse_number(v->texts[i], &x) ? sal_json_number(x) : NULL;
    case SAL_PARAM_BOOL: return json_object_new_boolean(v->whole != 0);
    default: return json_object_new_string(v->texts[i]);
    }
}

json_object *sal_arguments_json(const sal_arguments *arguments)
{
    json_object *object = json_object_new_object();
    for (int64_t r = 0; object && r < arguments->rows; r++) {
        const sal_param *row = sal__operation_row(arguments->operation, r);
        const value *v = &arguments->values[r];
        json_object *entry = row->flags & SAL_LIST ? json_object_new_array() : v->count ? as_json(row, v, 0) : NULL;
        for (int64_t i = 0; row->flags & SAL_LIST && entry && i < v->count; i++)
            json_object_array_add(entry, as_json(row, v, i));
        json_object_object_add(object, row->key, entry);
    }
    return object;
}
