/* salina.h - the whole public interface of libsalina.
 *
 * Everything a user can ask for is an operation: a named task that describes its own parameters. A program creates a
 * context, lists the operations as JSON, runs one by id with JSON parameters, and reads the result JSON or the error.
 *
 * Rules of this interface: signed fixed-width integers, double and pointers only; the library never prints, aborts, exits
 * or changes locale, signal handlers or the working directory; a context is used by one thread at a time, and different
 * contexts by different threads.
 */
#ifndef SALINA_SALINA_H
#define SALINA_SALINA_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define SAL_API __declspec(dllexport)
#else
#define SAL_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Name, number, text. A number is never reused. */
#define SAL_STATUS_LIST(X)                                                                                             \
    X(OK, 0, "done")                                                                                                   \
    X(FAILED, 1, "the operation failed")                                                                               \
    X(ARGUMENT, 2, "an argument is wrong")                                                                             \
    X(CANCELLED, 3, "cancelled")                                                                                       \
    X(MEMORY, 4, "out of memory")                                                                                      \
    X(IO, 5, "a file could not be read or written")                                                                    \
    X(DATA, 6, "the data do not fit the request")                                                                      \
    X(SHAPE, 7, "array shapes do not agree")                                                                           \
    X(UNSUPPORTED, 8, "not in this build")                                                                             \
    X(INTERNAL, 9, "an error in Salina itself")

typedef enum sal_status {
#define SAL_STATUS_ENUM(name, number, text) SAL_STATUS_##name = number,
    SAL_STATUS_LIST(SAL_STATUS_ENUM)
#undef SAL_STATUS_ENUM
} sal_status;

/* Carries the last error message, the progress callback, the number of threads and the allocator of one caller. */
typedef struct sal_context sal_context;

/* Called at least twice a second while an operation runs, always from the thread that runs it. `fraction` is 0 to 1 and
 * never falls; `message` is NULL or one line of UTF-8 for the user. Return non-zero to cancel. */
typedef int32_t (*sal_progress_callback)(void *user, double fraction, const char *message);

/* Version of the library, "major.minor.patch". Any thread. */
SAL_API const char *sal_version(void);
/* One-line JSON object: version, compiler, and for each optional library its version or null. Any thread. */
SAL_API const char *sal_build_json(void);
/* Text of a status; "unknown status" for a number that is none. Any thread. */
SAL_API const char *sal_status_text(int32_t status);

/* A new context; the caller owns it. Fails with MEMORY only. */
SAL_API int32_t sal_context_new(sal_context **out);
/* Frees a context and everything it lent. NULL is allowed. */
SAL_API void sal_context_free(sal_context *context);
/* Message of the last failure in this context, "" when there is none; borrowed until the next call with this context. */
SAL_API const char *sal_context_message(const sal_context *context);
/* Sets or, with NULL, removes the progress callback. */
SAL_API void sal_context_set_progress(sal_context *context, sal_progress_callback callback, void *user);
/* Number of threads to use, 1 to 256; 0 means one per available core. Results do not depend on it. ARGUMENT outside. */
SAL_API int32_t sal_context_set_threads(sal_context *context, int32_t threads);

/* JSON array that describes every operation with its parameters and outputs; borrowed until the context is freed. */
SAL_API int32_t sal_operations_json(sal_context *context, const char **json);
/* Runs operation `id` with a JSON object of parameters. On success `*result` is a JSON object, borrowed until the next run
 * with this context; on failure it is NULL, the message says why, and no output file exists that did not exist before
 * (but for the checkpoint of an interrupted training). */
SAL_API int32_t sal_operation_run(sal_context *context, const char *id, const char *parameters, const char **result);

#ifdef __cplusplus
}
#endif
#endif
