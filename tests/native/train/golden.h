/* golden.h - reads a golden file of named lists of numbers ("name count", then the values) that lies in tests/golden. */
#ifndef SAL_TEST_TRAIN_GOLDEN_H
#define SAL_TEST_TRAIN_GOLDEN_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* source: __FILE__ of the test, tests/native/train/test_x.c. Fills values (up to most) and returns how many; -1 when
 * the file or the list is not there. */
static int64_t golden(const char *source, const char *file_name, const char *name, int64_t most, double *values)
{
    char path[1024], word[64];
    long count;
    int64_t found = -1;
    snprintf(path, sizeof path, "%s", source);
    char *at = strstr(path, "native/train/");
    if (!at) return -1;
    snprintf(at, sizeof path - (size_t)(at - path), "golden/%s", file_name);
    FILE *file = fopen(path, "r");
    if (!file) return -1;
    if (fscanf(file, "#%*[^\n]") < 0) goto done;
    while (found < 0 && fscanf(file, "%63s %ld", word, &count) == 2) {
        int wanted = !strcmp(word, name);
        for (long i = 0; i < count; i++) {
            double v;
            if (fscanf(file, "%lf", &v) != 1) goto done;
            if (wanted && i < most) values[i] = v;
        }
        if (wanted) found = count;
    }
done:
    fclose(file);
    return found;
}

#endif
