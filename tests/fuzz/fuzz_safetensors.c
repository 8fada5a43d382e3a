/* fuzz_safetensors.c - any bytes at all: the reader refuses them with a message or gives arrays that lie inside the
 * file. */
#include "tensor/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    sal_context *ctx;
    sal_tensors *t;
    if (sal_context_new(&ctx)) return 0;
    sal_status status = sal_tensors_parse(ctx, bytes, (int64_t)length, "model", "fuzz", &t);
    if (status != SAL_STATUS_OK && !sal_context_message(ctx)[0]) __builtin_trap();
    if (status == SAL_STATUS_OK) {
        unsigned char sum = 0;
        for (int64_t i = 0; i < sal_tensors_count(t); i++) {
            const sal_tensor_view *v = sal_tensors_at(t, i);
            for (int64_t b = 0; b < v->count * sal_tensor_type_size(v->type); b++)
                sum ^= ((const unsigned char *)v->data)[b];
        }
        __asm__ volatile("" : : "r"(sum));
    }
    sal_tensors_free(t);
    sal_context_free(ctx);
    return 0;
}
