/* text.c - texts that are formatted or grow. The first failure of a growing text is kept in it and returned by sal_text_finish,
 * so that a writer of a long report checks once.
 */
#include "base.h"
#include <stdio.h>
#include <string.h>

sal_status sal_text_format(sal_context *ctx, char **out, const char *format, ...)
{
    *out = NULL;
    va_list list;
    va_start(list, format);
    int n = vsnprintf(NULL, 0, format, list);
    va_end(list);
    if (n < 0) return sal_fail(ctx, SAL_STATUS_INTERNAL, "cannot format a text by \"%s\"; please report this", format);
    sal_status status = sal_allocate(ctx, (int64_t)n + 1, 1, out);
    if (status != SAL_STATUS_OK) return status;
    va_start(list, format);
    vsnprintf(*out, (size_t)n + 1, format, list);
    va_end(list);
    return SAL_STATUS_OK;
}

/* Room for `more` bytes and the NUL. */
static bool reserve(sal_context *ctx, sal_text *text, int64_t more)
{
    if (text->status != SAL_STATUS_OK) return false;
    int64_t need = text->length + more + 1;
    if (need <= text->capacity) return true;
    int64_t capacity = text->capacity * 2 > need ? text->capacity * 2 : need + 64;
    text->status = sal_reallocate(ctx, text->capacity, capacity, 1, &text->data);
    if (text->status == SAL_STATUS_OK) text->capacity = capacity;
    return text->status == SAL_STATUS_OK;
}

void sal_text_append_bytes(sal_context *ctx, sal_text *text, const char *bytes, int64_t length)
{
    if (length < 0 || !reserve(ctx, text, length)) return;
    if (length) memcpy(text->data + text->length, bytes, (size_t)length);
    text->length += length;
    text->data[text->length] = '\0';
}

void sal_text_append(sal_context *ctx, sal_text *text, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    int n = vsnprintf(NULL, 0, format, list);
    va_end(list);
    if (n < 0 && text->status == SAL_STATUS_OK)
        text->status = sal_fail(ctx, SAL_STATUS_INTERNAL, "cannot format a text by \"%s\"; please report this", format);
    if (n < 0 || !reserve(ctx, text, n)) return;
    va_start(list, format);
    vsnprintf(text->data + text->length, (size_t)n + 1, format, list);
    va_end(list);
    text->length += n;
}

sal_status sal_text_finish(sal_context *ctx, sal_text *text, char **out)
{
    *out = NULL;
    sal_text_append_bytes(ctx, text, "", 0);
    sal_status status = text->status;
    if (status == SAL_STATUS_OK) {
        *out = text->data;
        *text = (sal_text){ 0 };
    } else {
        sal_text_free(ctx, text);
    }
    return status;
}

void sal_text_free(sal_context *ctx, sal_text *text)
{
    sal_release(ctx, text->data);
    *text = (sal_text){ 0 };
}
