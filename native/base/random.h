/* random.h - the bare generator, seen by its known-answer test. */
#ifndef SAL_BASE_RANDOM_H
#define SAL_BASE_RANDOM_H

#include "base.h"

/* out (4) = Philox4x32-10 of counter (4) and key (2). */
void sal__philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

#endif
