/* operation.h - what a user can ask for, described once.
 *
 * From the rows of an operation come argument checking, `salina <id> --help`, the JSON that the QGIS plugin turns into
 * parameters, and the reference pages. One file each in this folder, one line each in operations.def.
 */
#ifndef SAL_OPERATIONS_OPERATION_H
#define SAL_OPERATIONS_OPERATION_H

#include "base/base.h"
#include "base/json.h"

typedef enum sal_param_type {
    SAL_PARAM_RASTER = 1,      /* path of a raster, any GDAL name */
    SAL_PARAM_VECTOR = 2,      /* path of a vector layer, any OGR name, "path|layername=x" allowed */
    SAL_PARAM_FIELD = 3,       /* a field of the vector layer named by .parent */
    SAL_PARAM_FILE_IN = 4,     /* .extension says which */
    SAL_PARAM_FOLDER_IN = 5,
    SAL_PARAM_TEXT = 6,
    SAL_PARAM_CHOICE = 7,      /* one of .choices, "a|b|c" */
    SAL_PARAM_I64 = 8,
    SAL_PARAM_F64 = 9,
    SAL_PARAM_BOOL = 10,
    SAL_PARAM_BYTES = 11,      /* "2GiB", "500 MB", a plain number of bytes */
    SAL_PARAM_EXTENT = 12,     /* "xmin,ymin,xmax,ymax" */
    SAL_PARAM_RASTER_OUT = 13,
    SAL_PARAM_VECTOR_OUT = 14,
    SAL_PARAM_FILE_OUT = 15,
    SAL_PARAM_FOLDER_OUT = 16
} sal_param_type;

enum {
    SAL_REQUIRED = 1 << 0,
    SAL_ADVANCED = 1 << 1, /* folded away in the dialog */
    SAL_LIST = 1 << 2,     /* may be given more than once; a JSON array */
    SAL_OR_FOLDER = 1 << 3, /* an output file, or a folder that exists and takes several */
    SAL_MADE = 1 << 4       /* an output that may be left out, but is made unless the user says so */
};

typedef struct sal_param {
    const char *key;           /* lower case; the same in JSON and on the command line, upper case in QGIS */
    sal_param_type type;
    const char *default_value; /* as text, NULL when there is none */
    double bounds[2];          /* inclusive, for numbers; {0, 0} when unbounded */
    uint32_t flags;
    const char *label;         /* what the dialog calls it: "Covariate stack" */
    const char *help;          /* one or two sentences */
    const char *unit;          /* "m", "g/kg"; may be NULL */
    const char *choices;       /* CHOICE: "a|b|c" */
    const char *parent;        /* FIELD: key of the layer parameter */
    const char *extension;     /* FILE_IN, FILE_OUT: "safetensors", "gpkg", "tif"; FILE_OUT of several kinds: "html|pdf" */
} sal_param;

/* A figure or text in the result JSON that other programs may use: the Model Designer shows it as an output. */
typedef struct sal_result_row {
    const char *key;
    bool is_number;
    const char *label;
} sal_result_row;

typedef struct sal_arguments sal_arguments;

typedef struct sal_operation {
    const char *id;                /* lower-case letters only */
    const char *title;             /* sentence case, no full stop */
    const char *summary;           /* one sentence */
    const char *help;              /* plain text paragraphs: what goes in, what comes out, method and source, limits */
    const char *tags;              /* comma-separated synonyms for searching */
    const sal_param *params;       /* ends with a NULL key */
    const sal_result_row *results; /* ends with a NULL key */
    /* Validates everything before the first byte is written, then works. Adds its figures to `result`. */
    sal_status (*run)(sal_context *ctx, const sal_arguments *arguments, json_object *result);
} sal_operation;

/* Checked arguments. Texts are borrowed. A key that the operation's table does not have is a bug (trap or ""). */
bool sal_argument_given(const sal_arguments *arguments, const char *key);           /* by the user, not by a default */
const char *sal_argument_text(const sal_arguments *arguments, const char *key);     /* NULL when absent */
double sal_argument_f64(const sal_arguments *arguments, const char *key);           /* NaN when absent */
int64_t sal_argument_i64(const sal_arguments *arguments, const char *key);          /* 0 when absent; BYTES too */
bool sal_argument_bool(const sal_arguments *arguments, const char *key);
int64_t sal_argument_count(const sal_arguments *arguments, const char *key);        /* 0 when absent, 1 for a scalar */
const char *sal_argument_text_at(const sal_arguments *arguments, const char *key, int64_t i);
/* The whole set as a JSON object for reports and model files; the caller puts it. */
json_object *sal_arguments_json(const sal_arguments *arguments);

const sal_operation *sal_operation_find(const char *id); /* NULL when unknown */
int64_t sal_operation_count(void);
const sal_operation *sal_operation_at(int64_t i);

#endif
