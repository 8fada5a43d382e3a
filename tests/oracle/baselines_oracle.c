/* baselines_oracle.c - one baseline for Python to compare with: fits rows from a file, writes what it predicts for others.
 *
 *   salina_baselines_oracle <method> <settings a,b,c or tune> <seed> <n> <p> <m> <in> <out>
 * in: x (n, p) float32, y (n) float64, inner fold (n) int32, x to predict (m, p) float32; out: (m) float64. Prints the settings.
 */
#include "baselines/baseline.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail(sal_context *ctx)
{
    fprintf(stderr, "%s\n", sal_context_message(ctx));
    return 1;
}

static void *slurp(FILE *file, size_t count, size_t size)
{
    void *to = malloc(count * size + 1);
    if (!to || fread(to, size, count, file) != count) exit(2);
    return to;
}

int main(int argc, char **argv)
{
    sal_context *ctx;
    if (argc != 9 || sal_context_new(&ctx) != 0) return 2;
    const sal_baseline_method *method = sal_baseline_method_find(argv[1]);
    int64_t n = atoll(argv[4]), p = atoll(argv[5]), m = atoll(argv[6]), k = 0;
    uint64_t seed = (uint64_t)atoll(argv[3]);
    FILE *in = fopen(argv[7], "rb"), *out = fopen(argv[8], "wb");
    if (!method || !in || !out) return 2;
    float *x = slurp(in, (size_t)(n * p), sizeof *x);
    double *y = slurp(in, (size_t)n, sizeof *y), *predicted = calloc((size_t)m, sizeof *predicted);
    int32_t *fold = slurp(in, (size_t)n, sizeof *fold);
    float *other = slurp(in, (size_t)(m * p), sizeof *other);
    for (int64_t i = 0; i < n; i++) k = fold[i] >= k ? fold[i] + 1 : k;
    uint8_t *train = calloc((size_t)(n * k) + 1, 1);
    for (int64_t f = 0; f < k; f++)
        for (int64_t i = 0; i < n; i++) train[f * n + i] = fold[i] != f;
    const sal_baseline_rows rows = {n, p, x, y};
    const sal_baseline_inner inner = {k, fold, train};
    sal_baseline_settings settings = {0};
    sal_baseline *b;
    if (strcmp(argv[2], "tune") == 0) {
        if (sal_baseline_tune(ctx, method, &rows, &inner, seed, &settings, NULL) != SAL_STATUS_OK) return fail(ctx);
    } else {
        char *at = argv[2];
        for (int i = 0; i < SAL_BASELINE_SETTINGS && *at; i++) {
            settings.value[i] = strtod(at, &at);
            if (*at == ',') at++;
        }
    }
    if (sal_baseline_fit(ctx, method, &settings, &rows, seed, &b) != SAL_STATUS_OK || sal_baseline_predict(ctx, b, m, other, predicted) != SAL_STATUS_OK) return fail(ctx);
    fwrite(predicted, sizeof *predicted, (size_t)m, out);
    for (int i = 0; sal_baseline_setting_name(method, i); i++) printf("%s %.17g\n", sal_baseline_setting_name(method, i), settings.value[i]);
    sal_baseline_free(b);
    sal_context_free(ctx);
    free(x), free(y), free(predicted), free(fold), free(other), free(train);
    return fclose(in) || fclose(out);
}
