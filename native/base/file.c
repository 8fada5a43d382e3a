/* file.c - outputs that appear whole or not at all, and whole-file reading.
 *
 * The work goes to a temporary name beside the target with the same extension, so that drivers choose the same format and the
 * final rename stays on one file system. What drivers write beside a file (statistics, overviews, masks, SQLite journals, the parts of
 * a shapefile) moves with it, and companions of an older target that the new file lacks are deleted: stale statistics lie.
 */
#define _GNU_SOURCE /* sync_file_range */
#include "base.h"
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct sal_output {
    sal_context *ctx;
    char *target;
    char *temporary;
    bool committed;
};

static const char *const suffixes[] = { ".aux.xml", ".ovr", ".msk",     ".msk.ovr", ".ovr.msk",
                                        "-wal",     "-shm", "-journal", NULL };
static const char *const siblings[] = { ".dbf", ".shx", ".prj", ".cpg", ".qix", ".sbn", ".sbx", NULL }; /* of a .shp */

/* The extension with its dot within the last part of a path, or the end of the path. */
static const char *extension_of(const char *path)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
    const char *name = slash ? slash + 1 : path;
    return dot && dot > name ? dot : path + strlen(path);
}

/* Path of the i-th possible companion of a file, as a new text; *out is NULL after the last. */
static sal_status companion(sal_context *ctx, const char *path, int64_t i, char **out)
{
    enum { SUFFIXES = sizeof suffixes / sizeof *suffixes - 1, SIBLINGS = sizeof siblings / sizeof *siblings - 1 };
    const char *extension = extension_of(path);
    *out = NULL;
    if (i < SUFFIXES) return sal_text_format(ctx, out, "%s%s", path, suffixes[i]);
    if (i < SUFFIXES + SIBLINGS && strcmp(extension, ".shp") == 0)
        return sal_text_format(ctx, out, "%.*s%s", (int)(extension - path), path, siblings[i - SUFFIXES]);
    return SAL_STATUS_OK;
}

static sal_status cannot_write(sal_context *ctx, const char *path, int error)
{
    const char *why = strerror(error);
    if (error == ENOSPC || error == EDQUOT) why = "the disk is full";
    if (error == EFBIG) why = "the file is larger than this disk or account allows";
    return sal_fail(ctx, SAL_STATUS_IO, "cannot write \"%s\": %s", path, why);
}

/* Whether the folder of the target takes new files. Trying is the only test that also holds for root and for read-only mounts. */
static sal_status check_folder(sal_output *output)
{
    sal_context *ctx = output->ctx;
    const char *slash = strrchr(output->target, '/');
    int length = slash ? (int)(slash - output->target) : 1;
    const char *folder = slash ? (length ? output->target : "/") : ".";
    if (!length) length = 1;
    int fd = open(output->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd >= 0) {
        close(fd);
        unlink(output->temporary);
        return SAL_STATUS_OK;
    }
    switch (errno) {
    case ENOENT:
    case ENOTDIR:
        return sal_fail(ctx, SAL_STATUS_IO, "cannot write \"%s\": the folder \"%.*s\" does not exist", output->target,
                        length, folder);
    case EACCES:
    case EPERM:
    case EROFS:
        return sal_fail(ctx, SAL_STATUS_IO, "cannot write \"%s\": the folder \"%.*s\" is read-only; choose another one",
                        output->target, length, folder);
    default: return cannot_write(ctx, output->target, errno);
    }
}

static sal_status check_target(sal_context *ctx, const char *target)
{
    struct stat s;
    size_t n = strlen(target);
    if (n == 0) return sal_fail(ctx, SAL_STATUS_IO, "the name of an output file is empty");
    if (strncmp(target, "/vsi", 4) == 0)
        return sal_fail(ctx, SAL_STATUS_IO, "cannot write \"%s\": an output must be a file on a local disk", target);
    if (target[n - 1] == '/' || (stat(target, &s) == 0 && S_ISDIR(s.st_mode)))
        return sal_fail(ctx, SAL_STATUS_IO, "cannot write \"%s\": it is a folder; give a file name", target);
    if (access(target, F_OK) == 0 && access(target, W_OK) != 0)
        return sal_fail(ctx, SAL_STATUS_IO, "cannot write \"%s\": the file is read-only", target);
    return SAL_STATUS_OK;
}

sal_status sal_output_new(sal_context *ctx, const char *target, sal_output **out)
{
    static atomic_uint counter;
    sal_output *output = NULL;
    *out = NULL;
    sal_status status = SAL_STATUS_OK;
    SAL_TRY(check_target(ctx, target));
    SAL_TRY(sal_allocate(ctx, 1, sizeof *output, &output));
    output->ctx = ctx;
    SAL_TRY(sal_text_copy(ctx, target, &output->target));
    const char *extension = extension_of(target);
    SAL_TRY(sal_text_format(ctx, &output->temporary, "%.*s.partial-%ld-%u%s", (int)(extension - target), target,
                            (long)getpid(), atomic_fetch_add(&counter, 1), extension));
    SAL_TRY(check_folder(output));
    *out = output;
    output = NULL;
done:
    if (output) {
        sal_release(ctx, output->target);
        sal_release(ctx, output->temporary);
        sal_release(ctx, output);
    }
    return status;
}

const char *sal_output_path(const sal_output *output) { return output->temporary; }

static int sync_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return errno;
    int error = fsync(fd) == 0 || errno == EINVAL ? 0 : errno;
    close(fd);
    return error;
}

sal_status sal_output_settle(sal_output *output)
{
    enum { PIECE = 16 << 20 }; /* a tenth of a second on a slow disk */
    sal_status status = SAL_STATUS_OK;
    struct stat about;
    int fd = open(output->temporary, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return errno == ENOENT ? SAL_STATUS_OK : cannot_write(output->ctx, output->target, errno); /* the commit knows what to say */
    int64_t size = fstat(fd, &about) == 0 ? (int64_t)about.st_size : 0;
    for (int64_t at = 0; at < size; at += PIECE) {
        SAL_TRY(sal_progress(output->ctx, (double)at / (double)size, NULL));
#ifdef SYNC_FILE_RANGE_WRITE
        /* Its result is left aside: some file systems lack it, and a disk that fails is reported by fsync in the commit. */
        (void)sync_file_range(fd, at, PIECE, SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
#endif
    }
    SAL_TRY(sal_progress(output->ctx, 1, NULL));
done:
    close(fd);
    return status;
}

static sal_status move_companions(sal_output *output)
{
    sal_context *ctx = output->ctx;
    sal_status status = SAL_STATUS_OK;
    char *from = NULL, *to = NULL;
    for (int64_t i = 0;; i++) {
        SAL_TRY(companion(ctx, output->temporary, i, &from));
        if (!from) break;
        SAL_TRY(companion(ctx, output->target, i, &to));
        if (rename(from, to) != 0) {
            if (errno != ENOENT) SAL_TRY(cannot_write(ctx, to, errno));
            unlink(to);
        }
        sal_release(ctx, from);
        sal_release(ctx, to);
        from = to = NULL;
    }
done:
    sal_release(ctx, from);
    sal_release(ctx, to);
    return status;
}

sal_status sal_output_commit(sal_output *output)
{
    sal_context *ctx = output->ctx;
    int error = sync_file(output->temporary);
    if (error == ENOENT)
        return sal_fail(ctx, SAL_STATUS_INTERNAL, "nothing was written for \"%s\"; please report this", output->target);
    if (error) return cannot_write(ctx, output->target, error);
    sal_status status = move_companions(output);
    if (status != SAL_STATUS_OK) return status;
    if (rename(output->temporary, output->target) != 0) return cannot_write(ctx, output->target, errno);
    output->committed = true;
    return SAL_STATUS_OK;
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

/* Cleaning up must work without memory: names are built in a buffer. */
static void delete_all(const char *path)
{
    char name[4352];
    size_t stem = (size_t)(extension_of(path) - path);
    unlink(path);
    for (int i = 0; suffixes[i]; i++)
        if (snprintf(name, sizeof name, "%s%s", path, suffixes[i]) < (int)sizeof name) unlink(name);
    for (int i = 0; siblings[i] && ends_with(path, ".shp"); i++)
        if (snprintf(name, sizeof name, "%.*s%s", (int)stem, path, siblings[i]) < (int)sizeof name) unlink(name);
}

void sal_output_free(sal_output *output)
{
    if (!output) return;
    sal_context *ctx = output->ctx;
    if (!output->committed) delete_all(output->temporary);
    sal_release(ctx, output->target);
    sal_release(ctx, output->temporary);
    sal_release(ctx, output);
}

/* ---- whole files ---- */

static int write_all(const char *path, const char *bytes, int64_t length)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) return errno;
    int error = 0;
    while (length > 0 && !error) {
        ssize_t n = write(fd, bytes, length < (1 << 30) ? (size_t)length : (size_t)1 << 30);
        if (n < 0 && errno != EINTR) error = errno;
        if (n > 0) bytes += n, length -= n;
    }
    if (close(fd) != 0 && !error) error = errno;
    return error;
}

sal_status sal_file_write(sal_context *ctx, const char *path, const void *bytes, int64_t length)
{
    sal_output *output = NULL;
    sal_status status = SAL_STATUS_OK;
    SAL_TRY(sal_output_new(ctx, path, &output));
    int error = write_all(output->temporary, bytes, length);
    if (error) SAL_TRY(cannot_write(ctx, path, error));
    SAL_TRY(sal_output_commit(output));
done:
    sal_output_free(output);
    return status;
}

sal_status sal_file_read(sal_context *ctx, const char *path, char **bytes, int64_t *length)
{
    sal_status status = SAL_STATUS_OK;
    char *data = NULL;
    int64_t used = 0, capacity = 0;
    *bytes = NULL;
    *length = 0;
    struct stat s;
    FILE *file = fopen(path, "rb");
    if (!file) return sal_fail(ctx, SAL_STATUS_IO, "cannot read \"%s\": %s", path, strerror(errno));
    if (fstat(fileno(file), &s) != 0 || S_ISDIR(s.st_mode))
        SAL_TRY(sal_fail(ctx, SAL_STATUS_IO, "cannot read \"%s\": it is a folder", path));
    capacity = s.st_size > 0 ? (int64_t)s.st_size + 1 : 4096;
    SAL_TRY(sal_allocate(ctx, capacity, 1, &data));
    for (size_t n; (n = fread(data + used, 1, (size_t)(capacity - 1 - used), file)) > 0;) {
        used += (int64_t)n;
        if (used == capacity - 1 && !feof(file) && used != s.st_size) { /* a pipe or a growing file */
            SAL_TRY(sal_reallocate(ctx, capacity, 2 * capacity, 1, &data));
            capacity *= 2;
        }
    }
    if (ferror(file)) SAL_TRY(sal_fail(ctx, SAL_STATUS_IO, "cannot read \"%s\": %s", path, strerror(errno)));
    *bytes = data;
    *length = used;
    data = NULL;
done:
    sal_release(ctx, data);
    fclose(file);
    return status;
}

bool sal_file_exists(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0;
}
