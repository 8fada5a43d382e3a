/* safetensors_read.c - reads files that anybody may have written: every length, offset, shape and type is checked
 * before use.
 *
 * As in the reference reader, data must be covered by the arrays without holes or overlaps, and the header is at most
 * 100 MB. The trap: products of dimensions and offsets are attacker's numbers; they are compared only after overflow
 * checks.
 */
#include "safetensors_private.h"
#include "base/json.h"
#include <stdlib.h>
#include <string.h>

#define MAX_HEADER 100000000

typedef struct entry {
    sal_tensor_view view;
    int64_t begin, end;
} entry;

static sal_status bad(sal_tensors *t, const char *why)
{
    return sal_fail(t->ctx, SAL_STATUS_DATA, "%s %s", t->label, why);
}

static bool whole_number(json_object *value, int64_t *out)
{
    if (!json_object_is_type(value, json_type_int)) return false;
    *out = json_object_get_int64(value);
    return *out >= 0 && *out < INT64_MAX; /* json-c saturates numbers beyond the range */
}

static sal_status read_type(sal_tensors *t, const char *name, const char *text, sal_tensor_type *out)
{
    for (sal_tensor_type type = SAL_TENSOR_F32; type <= SAL_TENSOR_I64; type++) {
        if (strcmp(text, sal__tensor_type_name(type))) continue;
        *out = type;
        return SAL_STATUS_OK;
    }
    return sal_fail(t->ctx, SAL_STATUS_DATA,
                    "array \"%.80s\" of %s has the number type \"%.20s\"; only F32, F64 and I64 can be read", name,
                    t->label, text);
}

static sal_status read_entry(sal_tensors *t, const char *name, json_object *object, entry *e)
{
    sal_status status;
    const char *type;
    json_object *shape, *offsets;
    if (!name[0]) return bad(t, "has an array without a name");
    SAL_TRY(sal_json_text(t->ctx, object, t->label, "dtype", &type));
    SAL_TRY(sal_json_array(t->ctx, object, t->label, "shape", &shape));
    SAL_TRY(sal_json_array(t->ctx, object, t->label, "data_offsets", &offsets));
    e->view.name = name;
    SAL_TRY(read_type(t, name, type, &e->view.type));
    size_t rank = json_object_array_length(shape);
    bool good = rank <= SAL_TENSOR_MAX_RANK && json_object_array_length(offsets) == 2;
    for (size_t i = 0; good && i < rank; i++)
        good = whole_number(json_object_array_get_idx(shape, i), &e->view.dims[i]);
    e->view.rank = good ? (int32_t)rank : 0;
    int64_t bytes = 0;
    good = good && whole_number(json_object_array_get_idx(offsets, 0), &e->begin) &&
           whole_number(json_object_array_get_idx(offsets, 1), &e->end) &&
           sal__tensor_bytes(e->view.type, e->view.rank, e->view.dims, &e->view.count, &bytes) && e->end >= e->begin &&
           e->end - e->begin == bytes;
    if (!good)
        status = sal_fail(t->ctx, SAL_STATUS_DATA,
                          "array \"%.80s\" of %s has a shape that does not fit its place in the file", name, t->label);
done:
    return status;
}

static sal_status read_metadata(sal_tensors *t, json_object *metadata)
{
    sal_status status = SAL_STATUS_OK;
    if (!json_object_is_type(metadata, json_type_object)) return bad(t, "has metadata that are not a table of texts");
    json_object_object_foreach(metadata, key, value)
    {
        if (!json_object_is_type(value, json_type_string)) return bad(t, "has metadata that are not a table of texts");
        SAL_TRY(sal__tensors_append_text(t, key, json_object_get_string(value)));
    }
done:
    return status;
}

static int by_place(const void *a, const void *b)
{
    const entry *p = a, *q = b;
    if (p->begin != q->begin) return p->begin < q->begin ? -1 : 1;
    return (p->end > q->end) - (p->end < q->end); /* empty arrays first */
}

/* Adds the arrays in file order; together they must cover the data exactly. */
static sal_status place_entries(sal_tensors *t, entry *entries, int64_t n, int64_t data_begin, int64_t length)
{
    sal_status status = SAL_STATUS_OK;
    void *copy = NULL;
    qsort(entries, (size_t)n, sizeof *entries, by_place);
    int64_t at = 0;
    for (int64_t i = 0; i < n; i++) {
        if (entries[i].begin != at) return bad(t, "has arrays that overlap or leave a hole");
        at = entries[i].end;
    }
    if (at > length - data_begin) {
        if (at > INT64_MAX - data_begin) return bad(t, "has arrays that overlap or leave a hole");
        return sal_fail(t->ctx, SAL_STATUS_DATA, "%s is cut short: %lld of %lld bytes", t->label, (long long)length,
                        (long long)(data_begin + at));
    }
    if (at < length - data_begin)
        return sal_fail(t->ctx, SAL_STATUS_DATA, "%s has %lld bytes that belong to no array", t->label,
                        (long long)(length - data_begin - at));
    for (int64_t i = 0; i < n; i++) {
        entry *e = &entries[i];
        e->view.data = t->bytes + data_begin + e->begin;
        copy = NULL;
        if ((uintptr_t)e->view.data % (uintptr_t)sal_tensor_type_size(e->view.type)) {
            SAL_TRY(sal_allocate(t->ctx, e->end - e->begin, 1, &copy));
            memcpy(copy, e->view.data, (size_t)(e->end - e->begin));
            e->view.data = copy;
        }
        SAL_TRY(sal__tensors_append(t, &e->view, copy));
    }
    return SAL_STATUS_OK;
done:
    sal_release(t->ctx, copy);
    return status;
}

static sal_status read_header(sal_tensors *t, json_object *header, int64_t data_begin, int64_t length)
{
    sal_status status;
    entry *entries = NULL;
    int64_t n = 0;
    if (!json_object_is_type(header, json_type_object)) return bad(t, "has a header that is not a table");
    SAL_TRY(sal_allocate(t->ctx, json_object_object_length(header), sizeof *entries, &entries));
    json_object_object_foreach(header, key, value)
    {
        if (!strcmp(key, "__metadata__"))
            SAL_TRY(read_metadata(t, value));
        else if (!json_object_is_type(value, json_type_object))
            SAL_TRY(bad(t, "has a header with an entry that describes no array"));
        else
            SAL_TRY(read_entry(t, key, value, &entries[n++]));
    }
    status = place_entries(t, entries, n, data_begin, length);
done:
    sal_release(t->ctx, entries);
    return status;
}

/* The digest covers the file with the digest's own digits as zeros; a file without the key is a foreign one and not
 * sealed. */
static sal_status check_seal(sal_tensors *t, int64_t header_length, int64_t length)
{
    const char *digest = sal_tensors_metadata(t, "sha256");
    int64_t before = (int64_t)strlen(SAL__SEAL_BEFORE);
    if (!digest) return SAL_STATUS_OK;
    char *place = t->bytes + 8 + before, found[65];
    bool holds = strlen(digest) == 64 && header_length >= before + 64 &&
                 !memcmp(t->bytes + 8, SAL__SEAL_BEFORE, (size_t)before) && !memcmp(place, digest, 64);
    if (holds) {
        memcpy(place, SAL__NO_DIGEST, 64);
        sal_sha256(t->bytes, length, found);
        memcpy(place, digest, 64);
        holds = !memcmp(found, digest, 64);
    }
    if (!holds) return bad(t, "was changed after it was written; use the original file");
    t->sealed = true;
    return SAL_STATUS_OK;
}

/* Reads what t->bytes holds. */
static sal_status read_bytes(sal_tensors *t, int64_t length)
{
    json_object *header = NULL;
    sal_status status;
    if (length == 0) return bad(t, "is empty");
    uint64_t header_length = 0;
    for (int i = 0; i < 8 && i < length; i++) header_length |= (uint64_t)(unsigned char)t->bytes[i] << (8 * i);
    if (length < 10 || header_length < 2 || header_length > MAX_HEADER || t->bytes[8] != '{')
        return bad(t, "is not a safetensors file");
    if ((int64_t)header_length > length - 8)
        return sal_fail(t->ctx, SAL_STATUS_DATA, "%s is cut short: %lld of more than %lld bytes", t->label,
                        (long long)length, (long long)header_length + 8);
    SAL_TRY(sal_json_parse(t->ctx, t->bytes + 8, (int64_t)header_length, t->label, &header));
    SAL_TRY(read_header(t, header, 8 + (int64_t)header_length, length));
    SAL_TRY(check_seal(t, (int64_t)header_length, length));
done:
    json_object_put(header);
    return status;
}

/* Takes `bytes`. */
static sal_status read_owned(sal_context *ctx, char *bytes, int64_t length, const char *what, const char *name,
                             sal_tensors **out)
{
    sal_tensors *t = NULL;
    sal_status status = sal_tensors_new(ctx, &t);
    if (status != SAL_STATUS_OK) {
        sal_release(ctx, bytes);
        return status;
    }
    t->bytes = bytes;
    SAL_TRY(sal_text_format(ctx, &t->label, "%s \"%s\"", what, name));
    SAL_TRY(read_bytes(t, length));
    *out = t;
    t = NULL;
done:
    sal_tensors_free(t);
    return status;
}

sal_status sal_tensors_parse(sal_context *ctx, const void *bytes, int64_t length, const char *what, const char *name,
                             sal_tensors **out)
{
    *out = NULL;
    char *copy = NULL;
    sal_status status = sal_allocate(ctx, length + 1, 1, &copy);
    if (status != SAL_STATUS_OK) return status;
    if (length) memcpy(copy, bytes, (size_t)length);
    return read_owned(ctx, copy, length, what, name, out);
}

sal_status sal_tensors_load(sal_context *ctx, const char *path, const char *what, sal_tensors **out)
{
    *out = NULL;
    char *bytes = NULL;
    int64_t length = 0;
    sal_status status = sal_file_read(ctx, path, &bytes, &length);
    if (status != SAL_STATUS_OK) return status;
    const char *slash = strrchr(path, '/');
    return read_owned(ctx, bytes, length, what, slash ? slash + 1 : path, out);
}
