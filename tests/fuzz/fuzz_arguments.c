/* fuzz_arguments.c - any text as the parameters of an operation: refused with a message or read without harm.
 * No input or output rows: their checks ask the file system.
 */
#include "operations/arguments.h"
#include <string.h>

static const sal_param rows[] = {
    { "text", SAL_PARAM_TEXT, NULL, { 0 }, 0, "Text", "Text" },
    { "interval", SAL_PARAM_F64, "0.9", { 0.5, 0.99 }, 0, "Interval", "Interval" },
    { "size", SAL_PARAM_I64, "2000", { 1, 100000 }, 0, "Size", "Size" },
    { "overviews", SAL_PARAM_BOOL, "true", { 0 }, 0, "Overviews", "Overviews" },
    { "max_memory", SAL_PARAM_BYTES, "2GiB", { 0 }, 0, "Memory", "Memory" },
    { "extent", SAL_PARAM_EXTENT, NULL, { 0 }, 0, "Extent", "Extent" },
    { "validation", SAL_PARAM_CHOICE, "random", { 0 }, 0, "Folds", "Folds", NULL, "random|blocks" },
    { "indices", SAL_PARAM_TEXT, "none", { 0 }, SAL_LIST, "Indices", "Indices" },
    { NULL }
};
static const sal_operation operation = { "fuzz", "Fuzz", "", "", "", rows, NULL, NULL };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    char text[4097];
    sal_context *ctx;
    sal_arguments *arguments;
    if (length >= sizeof text || sal_context_new(&ctx)) return 0;
    memcpy(text, bytes, length);
    text[length] = '\0';
    sal_status status = sal__arguments_new(ctx, &operation, text, &arguments);
    if (status != SAL_STATUS_OK && !sal_context_message(ctx)[0]) __builtin_trap();
    if (status == SAL_STATUS_OK) {
        double interval = sal_argument_f64(arguments, "interval");
        if (!(interval >= 0.5 && interval <= 0.99) || sal_argument_i64(arguments, "max_memory") <= 0) __builtin_trap();
        json_object_put(sal_arguments_json(arguments));
    }
    sal__arguments_free(arguments);
    sal_context_free(ctx);
    return 0;
}
