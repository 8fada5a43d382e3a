/* fake_salina.c - a stand-in with the interface of libsalina, for tests of the binding. Operation "demo" has a parameter of
 * every type and echoes the JSON it was given; "train" fails; "retrieve" works until it is cancelled. */
#include <salina/salina.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef FAKE_VERSION
#define FAKE_VERSION "0.1.0"
#endif

struct sal_context {
    const char *message;
    sal_progress_callback callback;
    void *user;
    char *result;
};

const char *sal_version(void) { return FAKE_VERSION; }
const char *sal_build_json(void) { return "{\"version\":\"" FAKE_VERSION "\"}"; }
const char *sal_status_text(int32_t status) { return status == SAL_STATUS_MEMORY ? "out of memory" : "unknown status"; }

int32_t sal_context_new(sal_context **out)
{
    *out = calloc(1, sizeof(**out));
    (*out)->message = "";
    return *out ? SAL_STATUS_OK : SAL_STATUS_MEMORY;
}

void sal_context_free(sal_context *context)
{
    if (context) free(context->result);
    free(context);
}

const char *sal_context_message(const sal_context *context) { return context->message; }

void sal_context_set_progress(sal_context *context, sal_progress_callback callback, void *user)
{
    context->callback = callback;
    context->user = user;
}

int32_t sal_context_set_threads(sal_context *context, int32_t threads)
{
    return threads < 0 || threads > 256 ? SAL_STATUS_ARGUMENT : SAL_STATUS_OK;
}

int32_t sal_operations_json(sal_context *context, const char **json)
{
    static char text[65536];
    FILE *file = fopen(FAKE_OPERATIONS, "rb");
    if (!file) return SAL_STATUS_IO;
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    *json = text;
    return SAL_STATUS_OK;
}

static int32_t work_until_cancelled(sal_context *context)
{
    for (int i = 0; i < 200; i++) {
        const char *message = i == 0 ? "working \xe2\x80\xa6" : i == 1 ? "Warning: one band is dark" : NULL;
        if (context->callback && context->callback(context->user, i / 200.0, message)) {
            context->message = "cancelled";
            return SAL_STATUS_CANCELLED;
        }
        usleep(10000);
    }
    return SAL_STATUS_OK;
}

int32_t sal_operation_run(sal_context *context, const char *id, const char *parameters, const char **result)
{
    *result = NULL;
    if (strcmp(id, "train") == 0) {
        context->message = "target \"EC\" of layer \"points\" is constant; choose another field";
        return SAL_STATUS_DATA;
    }
    if (strcmp(id, "covariates") == 0) return SAL_STATUS_MEMORY;
    if (strcmp(id, "retrieve") == 0) {
        int32_t status = work_until_cancelled(context);
        if (status != SAL_STATUS_OK) return status;
    }
    const char *pattern = "{\"echo\":%s,\"score\":0.5,\"note\":\"caf\xc3\xa9\"}";
    size_t size = strlen(parameters) + strlen(pattern) + 1;
    context->result = malloc(size);
    snprintf(context->result, size, pattern, parameters);
    *result = context->result;
    return SAL_STATUS_OK;
}
