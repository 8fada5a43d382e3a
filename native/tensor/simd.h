/* simd.h - one source, several instruction sets: SAL_CLONES compiles a function for AVX-512, AVX2 and the base line and picks at load
 * time. Vectors are GCC/clang vector extensions of 64 bytes, which fall apart into smaller registers where those are missing.
 * Sanitizers run before the loader's resolvers can, so sanitised builds use the base line only.
 */
#ifndef SAL_TENSOR_SIMD_H
#define SAL_TENSOR_SIMD_H

#include "real.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SAL_SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SAL_SANITIZED
#endif
#endif

#if defined(__x86_64__) && defined(__linux__) && !defined(SAL_SANITIZED)
#define SAL_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define SAL_CLONES
#endif

#define SAL_LANES ((int64_t)(64 / sizeof(real)))
typedef real sal_vec __attribute__((vector_size(64), aligned(sizeof(real)), may_alias)); /* loads and stores need that of a real */

#ifdef SAL_DOUBLE
typedef long long sal_mask __attribute__((vector_size(64), aligned(sizeof(real)), may_alias)); /* of a comparison */
#else
typedef int sal_mask __attribute__((vector_size(64), aligned(sizeof(real)), may_alias));
#endif
#define SAL_WHERE(mask, v) ((sal_vec)((sal_mask)(v) & (sal_mask)(mask))) /* v where the mask is set, else 0 */

#define SAL_LOAD(p) (*(const sal_vec *)(p))
#define SAL_STORE(p, v) (*(sal_vec *)(p) = (v))

#endif
