/* clones.h - one source for every x86 level, chosen when the library loads (private to features/). Contraction is off,
 * so that all levels give the same bits. Sanitizers do not know ifuncs, clang 14 does not know the attribute.
 */
#ifndef SAL_FEATURES_CLONES_H
#define SAL_FEATURES_CLONES_H

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) &&               \
    !defined(__SANITIZE_THREAD__)
#define SAL__CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define SAL__CLONES
#endif

#endif
