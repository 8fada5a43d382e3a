/* safetensors.c - the set of named arrays and its writer; the reader of untrusted files is safetensors_read.c.
 *
 * Layout: u64 little-endian header length N, N bytes of JSON (spaces at its end), data. We start the header with
 * {"__metadata__":{"sha256":"<64 digits>" and pad it so that data begin at a multiple of 64. The trap: the digest is
 * taken over the whole file with its own 64 digits written as zeros, so every other byte is covered, the header
 * included.
 */
#include "safetensors_private.h"
#include "base/json.h"
#include <string.h>

int64_t sal_tensor_type_size(sal_tensor_type type) { return type == SAL_TENSOR_F32 ? 4 : 8; }

const char *sal__tensor_type_name(sal_tensor_type type)
{
    return type == SAL_TENSOR_F32 ? "F32" : type == SAL_TENSOR_F64 ? "F64" : "I64";
}

sal_status sal_tensors_new(sal_context *ctx, sal_tensors **out)
{
    *out = NULL;
    sal_tensors *t = NULL;
    sal_status status = sal_allocate(ctx, 1, sizeof *t, &t);
    if (status != SAL_STATUS_OK) return status;
    t->ctx = ctx;
    *out = t;
    return SAL_STATUS_OK;
}

void sal_tensors_free(sal_tensors *t)
{
    if (!t) return;
    for (int64_t i = 0; i < t->count; i++) {
        sal_release(t->ctx, (void *)t->items[i].view.name);
        sal_release(t->ctx, t->items[i].owned);
    }
    for (int64_t i = 0; i < t->text_count; i++) {
        sal_release(t->ctx, t->texts[i].key);
        sal_release(t->ctx, t->texts[i].text);
    }
    sal_release(t->ctx, t->items);
    sal_release(t->ctx, t->texts);
    sal_release(t->ctx, t->bytes);
    sal_release(t->ctx, t->label);
    sal_release(t->ctx, t);
}

sal_status sal__tensors_append(sal_tensors *t, const sal_tensor_view *view, void *owned)
{
    sal_status status;
    char *name = NULL;
    if (t->count == t->capacity) {
        int64_t capacity = t->capacity ? 2 * t->capacity : 16;
        SAL_TRY(sal_reallocate(t->ctx, t->capacity, capacity, sizeof *t->items, &t->items));
        t->capacity = capacity;
    }
    SAL_TRY(sal_text_copy(t->ctx, view->name, &name));
    t->items[t->count].view = *view;
    t->items[t->count].view.name = name;
    t->items[t->count].owned = owned;
    t->count++;
done:
    return status;
}

/* Number of elements and bytes, false when the product overflows or a dimension is negative. */
bool sal__tensor_bytes(sal_tensor_type type, int32_t rank, const int64_t *dims, int64_t *count, int64_t *bytes)
{
    int64_t n = 1;
    for (int32_t i = 0; i < rank; i++)
        if (dims[i] < 0 || __builtin_mul_overflow(n, dims[i], &n)) return false;
    *count = n;
    return !__builtin_mul_overflow(n, sal_tensor_type_size(type), bytes);
}

sal_status sal_tensors_add(sal_tensors *t, const char *name, sal_tensor_type type, int32_t rank, const int64_t *dims,
                           const void *data, bool copy)
{
    if (!name[0] || !strcmp(name, "__metadata__"))
        return sal_fail(t->ctx, SAL_STATUS_ARGUMENT, "an array cannot be called \"%s\"", name);
    if (sal_tensors_find(t, name))
        return sal_fail(t->ctx, SAL_STATUS_ARGUMENT, "there are two arrays called \"%s\"", name);
    if (rank < 0 || rank > SAL_TENSOR_MAX_RANK)
        return sal_fail(t->ctx, SAL_STATUS_ARGUMENT, "array \"%s\" has %d dimensions; up to %d are possible", name,
                        rank, SAL_TENSOR_MAX_RANK);
    sal_tensor_view view = { .name = name, .type = type, .rank = rank, .data = data };
    int64_t bytes;
    if (!sal__tensor_bytes(type, rank, dims, &view.count, &bytes))
        return sal_fail(t->ctx, SAL_STATUS_ARGUMENT, "array \"%s\" has a shape that cannot exist", name);
    if (rank) memcpy(view.dims, dims, (size_t)rank * sizeof *dims);
    void *owned = NULL;
    sal_status status;
    if (copy) {
        SAL_TRY(sal_allocate(t->ctx, bytes, 1, &owned));
        if (bytes) memcpy(owned, data, (size_t)bytes);
        view.data = owned;
    }
    status = sal__tensors_append(t, &view, owned);
done:
    if (status != SAL_STATUS_OK) sal_release(t->ctx, owned);
    return status;
}

sal_status sal__tensors_append_text(sal_tensors *t, const char *key, const char *text)
{
    sal_status status;
    char *new_key = NULL, *new_text = NULL;
    SAL_TRY(sal_text_copy(t->ctx, key, &new_key));
    SAL_TRY(sal_text_copy(t->ctx, text, &new_text));
    if (t->text_count == t->text_capacity) {
        int64_t capacity = t->text_capacity ? 2 * t->text_capacity : 16;
        SAL_TRY(sal_reallocate(t->ctx, t->text_capacity, capacity, sizeof *t->texts, &t->texts));
        t->text_capacity = capacity;
    }
    t->texts[t->text_count++] = (sal__tensor_text){ new_key, new_text };
    return SAL_STATUS_OK;
done:
    sal_release(t->ctx, new_key);
    sal_release(t->ctx, new_text);
    return status;
}

sal_status sal_tensors_set_metadata(sal_tensors *t, const char *key, const char *text)
{
    if (!strcmp(key, "sha256"))
        return sal_fail(t->ctx, SAL_STATUS_ARGUMENT, "the metadata key \"sha256\" belongs to the file format");
    for (int64_t i = 0; i < t->text_count; i++) {
        if (strcmp(t->texts[i].key, key)) continue;
        char *copy = NULL;
        sal_status status = sal_text_copy(t->ctx, text, &copy);
        if (status != SAL_STATUS_OK) return status;
        sal_release(t->ctx, t->texts[i].text);
        t->texts[i].text = copy;
        return SAL_STATUS_OK;
    }
    return sal__tensors_append_text(t, key, text);
}

/* The header as json-c objects, the seal first so that its place in the file is known. */
static sal_status header_json(sal_tensors *t, json_object **out)
{
    sal_status status = SAL_STATUS_OK;
    json_object *header = json_object_new_object(), *metadata = json_object_new_object();
    SAL_TRY(sal_json_add(t->ctx, header, "__metadata__", metadata));
    SAL_TRY(sal_json_add_text(t->ctx, metadata, "sha256", SAL__NO_DIGEST));
    for (int64_t i = 0; i < t->text_count; i++)
        if (strcmp(t->texts[i].key, "sha256"))
            SAL_TRY(sal_json_add_text(t->ctx, metadata, t->texts[i].key, t->texts[i].text));
    int64_t offset = 0;
    for (int64_t i = 0; i < t->count; i++) {
        const sal_tensor_view *v = &t->items[i].view;
        json_object *entry = json_object_new_object(), *shape = json_object_new_array(),
                    *offsets = json_object_new_array();
        SAL_TRY(sal_json_add(t->ctx, header, v->name, entry));
        SAL_TRY(sal_json_add_text(t->ctx, entry, "dtype", sal__tensor_type_name(v->type)));
        SAL_TRY(sal_json_add(t->ctx, entry, "shape", shape));
        SAL_TRY(sal_json_add(t->ctx, entry, "data_offsets", offsets));
        for (int32_t d = 0; d < v->rank; d++) json_object_array_add(shape, json_object_new_int64(v->dims[d]));
        json_object_array_add(offsets, json_object_new_int64(offset));
        offset += v->count * sal_tensor_type_size(v->type);
        json_object_array_add(offsets, json_object_new_int64(offset));
    }
done:
    if (status != SAL_STATUS_OK) {
        json_object_put(header);
        header = NULL;
    }
    *out = header;
    return status;
}

sal_status sal_tensors_save(sal_tensors *t, const char *path)
{
    sal_status status;
    json_object *header = NULL;
    char *bytes = NULL;
    SAL_TRY(header_json(t, &header));
    size_t text_length;
    const char *text = json_object_to_json_string_length(
        header, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &text_length);
    if (!text) {
        status = sal_fail(t->ctx, SAL_STATUS_MEMORY, "out of memory while writing \"%s\"", path);
        goto done;
    }
    int64_t header_length = ((int64_t)text_length + 8 + 63) / 64 * 64 - 8, length = 8 + header_length;
    for (int64_t i = 0; i < t->count; i++)
        length += t->items[i].view.count * sal_tensor_type_size(t->items[i].view.type);
    SAL_TRY(sal_allocate(t->ctx, length, 1, &bytes));
    for (int i = 0; i < 8; i++) bytes[i] = (char)((uint64_t)header_length >> (8 * i) & 255);
    memset(bytes + 8, ' ', (size_t)header_length);
    memcpy(bytes + 8, text, text_length);
    char *at = bytes + 8 + header_length;
    for (int64_t i = 0; i < t->count; i++) {
        const sal_tensor_view *v = &t->items[i].view;
        size_t size = (size_t)(v->count * sal_tensor_type_size(v->type));
        if (size) memcpy(at, v->data, size);
        at += size;
    }
    char digest[65];
    sal_sha256(bytes, length, digest);
    memcpy(bytes + 8 + strlen(SAL__SEAL_BEFORE), digest, 64);
    status = sal_file_write(t->ctx, path, bytes, length);
done:
    sal_release(t->ctx, bytes);
    json_object_put(header);
    return status;
}

int64_t sal_tensors_count(const sal_tensors *t) { return t->count; }
const sal_tensor_view *sal_tensors_at(const sal_tensors *t, int64_t i) { return &t->items[i].view; }
bool sal_tensors_sealed(const sal_tensors *t) { return t->sealed; }

const sal_tensor_view *sal_tensors_find(const sal_tensors *t, const char *name)
{
    for (int64_t i = 0; i < t->count; i++)
        if (!strcmp(t->items[i].view.name, name)) return &t->items[i].view;
    return NULL;
}

const char *sal_tensors_metadata(const sal_tensors *t, const char *key)
{
    for (int64_t i = 0; i < t->text_count; i++)
        if (!strcmp(t->texts[i].key, key)) return t->texts[i].text;
    return NULL;
}

static void shape_text(sal_context *ctx, sal_text *text, sal_tensor_type type, int32_t rank, const int64_t *dims)
{
    sal_text_append(ctx, text, "%s (", sal__tensor_type_name(type));
    for (int32_t i = 0; i < rank; i++) {
        if (dims[i] < 0)
            sal_text_append(ctx, text, "%sany", i ? ", " : "");
        else
            sal_text_append(ctx, text, "%s%lld", i ? ", " : "", (long long)dims[i]);
    }
    sal_text_append(ctx, text, ")");
}

sal_status sal_tensors_require(const sal_tensors *t, const char *name, sal_tensor_type type, int32_t rank,
                               const int64_t *dims, const void **data)
{
    const char *label = t->label ? t->label : "the set of arrays";
    const sal_tensor_view *v = sal_tensors_find(t, name);
    *data = NULL;
    if (!v)
        return sal_fail(t->ctx, SAL_STATUS_DATA, "%s has no array \"%s\"; it was made for something else", label, name);
    bool fits = v->type == type && v->rank == rank;
    for (int32_t i = 0; fits && i < rank; i++) fits = dims[i] < 0 || dims[i] == v->dims[i];
    if (fits) {
        *data = v->data;
        return SAL_STATUS_OK;
    }
    sal_text text = { 0 };
    shape_text(t->ctx, &text, v->type, v->rank, v->dims);
    sal_text_append(t->ctx, &text, " where ");
    shape_text(t->ctx, &text, type, rank, dims);
    sal_text_append(t->ctx, &text, " is needed");
    sal_status status = text.status == SAL_STATUS_OK
                            ? sal_fail(t->ctx, SAL_STATUS_DATA, "array \"%s\" of %s is %s", name, label, text.data)
                            : text.status;
    sal_text_free(t->ctx, &text);
    return status;
}
