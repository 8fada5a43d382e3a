/* test_file.c - outputs appear whole or not at all; SHA-256 by the vectors of FIPS 180-4. */
#define _GNU_SOURCE
#include "base/base.h"
#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static sal_context *ctx;
static char folder[512], path[1024];

static int set_up(void **state SAL_UNUSED)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/salina-file-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    return mkdtemp(folder) && sal_context_new(&ctx) == SAL_STATUS_OK ? 0 : -1;
}

static int tear_down(void **state SAL_UNUSED)
{
    DIR *d = opendir(folder);
    for (struct dirent *e; d && (e = readdir(d));) {
        char name[1024];
        snprintf(name, sizeof name, "%s/%s", folder, e->d_name);
        unlink(name);
    }
    if (d) closedir(d);
    sal_context_free(ctx);
    return rmdir(folder);
}

static const char *in_folder(const char *name)
{
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int files_in_folder(void)
{
    int n = 0;
    DIR *d = opendir(folder);
    for (struct dirent *e; (e = readdir(d));) n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static void put(const char *name, const char *text)
{
    FILE *f = fopen(name, "wb");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void put_beside(const char *name, const char *suffix, const char *text)
{
    char full[2048];
    snprintf(full, sizeof full, "%s%s", name, suffix);
    put(full, text);
}

static void assert_content(const char *name, const char *expected)
{
    char *bytes;
    int64_t n;
    assert_int_equal(sal_file_read(ctx, in_folder(name), &bytes, &n), SAL_STATUS_OK);
    assert_int_equal(n, strlen(expected));
    assert_string_equal(bytes, expected);
    sal_release(ctx, bytes);
}

static void a_committed_output_replaces_the_target_with_its_companions(void **state SAL_UNUSED)
{
    sal_output *output;
    put(in_folder("map.tif"), "old");
    put(in_folder("map.tif.aux.xml"), "old statistics");
    put(in_folder("map.tif.msk"), "old mask");
    assert_int_equal(sal_output_new(ctx, in_folder("map.tif"), &output), SAL_STATUS_OK);
    const char *temporary = sal_output_path(output);
    assert_string_equal(temporary + strlen(temporary) - 4, ".tif");
    assert_memory_equal(temporary, folder, strlen(folder));
    put(temporary, "new");
    put_beside(temporary, ".aux.xml", "new statistics");
    put_beside(temporary, ".ovr", "new overviews");
    assert_content("map.tif", "old");
    assert_int_equal(sal_output_commit(output), SAL_STATUS_OK);
    sal_output_free(output);
    assert_content("map.tif", "new");
    assert_content("map.tif.aux.xml", "new statistics");
    assert_content("map.tif.ovr", "new overviews");
    assert_int_equal(files_in_folder(), 3); /* the old mask is gone */
}

static void an_output_that_is_not_committed_leaves_nothing(void **state SAL_UNUSED)
{
    static const char *const companions[] = { ".aux.xml", ".ovr", ".msk", "-wal", "-shm", "-journal" };
    sal_output *output;
    put(in_folder("points.gpkg"), "old");
    assert_int_equal(sal_output_new(ctx, in_folder("points.gpkg"), &output), SAL_STATUS_OK);
    put(sal_output_path(output), "half");
    for (size_t i = 0; i < sizeof companions / sizeof *companions; i++)
        put_beside(sal_output_path(output), companions[i], "x");
    assert_int_equal(files_in_folder(), 8);
    sal_output_free(output);
    assert_int_equal(files_in_folder(), 1);
    assert_content("points.gpkg", "old");
    sal_output_free(NULL);
}

static void the_parts_of_a_shapefile_move_together(void **state SAL_UNUSED)
{
    sal_output *output;
    char dbf[2048];
    assert_int_equal(sal_output_new(ctx, in_folder("p.shp"), &output), SAL_STATUS_OK);
    put(sal_output_path(output), "shp");
    snprintf(dbf, sizeof dbf, "%s", sal_output_path(output));
    strcpy(dbf + strlen(dbf) - 4, ".dbf");
    put(dbf, "dbf");
    assert_int_equal(sal_output_commit(output), SAL_STATUS_OK);
    sal_output_free(output);
    assert_content("p.dbf", "dbf");
    assert_int_equal(files_in_folder(), 2);
}

static void two_outputs_of_one_target_do_not_share_a_name(void **state SAL_UNUSED)
{
    sal_output *a, *b;
    assert_int_equal(sal_output_new(ctx, in_folder("m.tif"), &a), SAL_STATUS_OK);
    assert_int_equal(sal_output_new(ctx, in_folder("m.tif"), &b), SAL_STATUS_OK);
    assert_string_not_equal(sal_output_path(a), sal_output_path(b));
    sal_output_free(a);
    sal_output_free(b);
}

static void refused(const char *target, const char *words)
{
    sal_output *output;
    sal_error_clear(ctx);
    assert_int_equal(sal_output_new(ctx, target, &output), SAL_STATUS_IO);
    assert_null(output);
    if (!strstr(sal_context_message(ctx), words))
        fail_msg("\"%s\" does not say \"%s\"", sal_context_message(ctx), words);
}

static void targets_that_cannot_be_written_are_refused_at_once(void **state SAL_UNUSED)
{
    refused(in_folder("missing/map.tif"), "missing\" does not exist");
    refused(folder, "is a folder");
    refused(in_folder("map.tif/"), "is a folder");
    refused("", "is empty");
    refused("/vsimem/map.tif", "local disk");
    put(in_folder("file"), "x");
    refused(in_folder("file/map.tif"), "does not exist");
    refused("/proc/map.tif", "/proc\"");
    assert_int_equal(files_in_folder(), 1);
}

static void a_read_only_folder_is_named(void **state SAL_UNUSED)
{
    if (geteuid() == 0) { /* root may write everywhere but in /sys */
        refused("/sys/kernel/map.tif", "\"/sys/kernel\" is read-only");
        return;
    }
    chmod(folder, 0555);
    refused(in_folder("map.tif"), "is read-only; choose another one");
    chmod(folder, 0755);
}

static void committing_nothing_is_an_error(void **state SAL_UNUSED)
{
    sal_output *output;
    assert_int_equal(sal_output_new(ctx, in_folder("map.tif"), &output), SAL_STATUS_OK);
    assert_int_equal(sal_output_commit(output), SAL_STATUS_INTERNAL);
    sal_output_free(output);
    assert_int_equal(files_in_folder(), 0);
}

static void whole_files_are_written_and_read_back(void **state SAL_UNUSED)
{
    char bytes[10000], *back;
    int64_t n;
    for (int i = 0; i < 10000; i++) bytes[i] = (char)(i * 7);
    assert_int_equal(sal_file_write(ctx, in_folder("a.bin"), bytes, sizeof bytes), SAL_STATUS_OK);
    assert_int_equal(sal_file_read(ctx, in_folder("a.bin"), &back, &n), SAL_STATUS_OK);
    assert_int_equal(n, sizeof bytes);
    assert_memory_equal(back, bytes, sizeof bytes);
    assert_int_equal(back[n], 0);
    sal_release(ctx, back);
    assert_int_equal(sal_file_write(ctx, in_folder("a.bin"), "", 0), SAL_STATUS_OK);
    assert_content("a.bin", "");
    assert_int_equal(files_in_folder(), 1);
    assert_true(sal_file_exists(in_folder("a.bin")));
    assert_false(sal_file_exists(in_folder("b.bin")));
}

static void files_without_a_size_are_read_whole(void **state SAL_UNUSED)
{
    char *bytes;
    int64_t n;
    assert_int_equal(sal_file_read(ctx, "/proc/self/status", &bytes, &n), SAL_STATUS_OK);
    assert_true(n > 100 && strstr(bytes, "Name:"));
    sal_release(ctx, bytes);
}

static void unreadable_files_are_named(void **state SAL_UNUSED)
{
    char *bytes, hex[65];
    int64_t n;
    assert_int_equal(sal_file_read(ctx, in_folder("no.json"), &bytes, &n), SAL_STATUS_IO);
    assert_non_null(strstr(sal_context_message(ctx), "no.json"));
    sal_error_clear(ctx);
    assert_int_equal(sal_file_read(ctx, folder, &bytes, &n), SAL_STATUS_IO);
    assert_non_null(strstr(sal_context_message(ctx), "folder"));
    sal_error_clear(ctx);
    assert_int_equal(sal_file_sha256(ctx, in_folder("no.json"), hex), SAL_STATUS_IO);
}

/* A limit on the size of files stands for a disk that is full: the write fails in its middle. */
static void a_full_disk_is_one_sentence_and_leaves_the_old_file(void **state SAL_UNUSED)
{
    enum { N = 1 << 20 };
    struct rlimit before, small;
    char *bytes = calloc(N, 1);
    put(in_folder("model.bin"), "old");
    getrlimit(RLIMIT_FSIZE, &before);
    small = before;
    small.rlim_cur = 4096;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    sal_status status = sal_file_write(ctx, in_folder("model.bin"), bytes, N);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, handler);
    free(bytes);
    assert_int_equal(status, SAL_STATUS_IO);
    assert_non_null(strstr(sal_context_message(ctx), "model.bin"));
    assert_int_equal(files_in_folder(), 1);
    assert_content("model.bin", "old");
}

static int32_t stop_at_once(void *user SAL_UNUSED, double fraction SAL_UNUSED, const char *message SAL_UNUSED) { return 1; }

static void hashing_and_settling_can_be_cancelled_and_a_commit_not(void **state SAL_UNUSED)
{
    sal_context *own;
    sal_output *output = NULL;
    char hex[65];
    assert_int_equal(sal_context_new(&own), SAL_STATUS_OK);
    put(in_folder("hashed"), "some bytes");
    assert_int_equal(sal_output_new(own, in_folder("settled"), &output), SAL_STATUS_OK);
    assert_int_equal(sal_output_settle(output), SAL_STATUS_OK); /* nothing there yet */
    FILE *file = fopen(sal_output_path(output), "wb");
    for (int i = 0; i < 20 << 20; i += 16) fwrite("sixteen letters.", 1, 16, file);
    fclose(file);
    assert_int_equal(sal_output_settle(output), SAL_STATUS_OK);
    sal_context_set_progress(own, stop_at_once, NULL);
    assert_int_equal(sal_file_sha256(own, in_folder("hashed"), hex), SAL_STATUS_CANCELLED);
    assert_int_equal(sal_output_settle(output), SAL_STATUS_CANCELLED);
    sal_error_clear(own);
    assert_int_equal(sal_output_commit(output), SAL_STATUS_OK);
    assert_true(sal_file_exists(in_folder("settled")));
    sal_output_free(output);
    sal_context_free(own);
}

static void sha256_gives_the_published_digests(void **state SAL_UNUSED)
{
    char hex[65], *million = malloc(1000000);
    for (int way = 0; way < 2; way++) {
        sal__sha256_use_extensions(way == 1);
        sal_sha256("", 0, hex);
        assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        sal_sha256("abc", 3, hex);
        assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        sal_sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, hex);
        assert_string_equal(hex, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
        memset(million, 'a', 1000000);
        sal_sha256(million, 1000000, hex);
        assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
        assert_int_equal(sal_file_write(ctx, in_folder("million"), million, 1000000), SAL_STATUS_OK);
        memset(hex, 0, sizeof hex);
        assert_int_equal(sal_file_sha256(ctx, in_folder("million"), hex), SAL_STATUS_OK);
        assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    }
    free(million);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        T(a_committed_output_replaces_the_target_with_its_companions),
        T(an_output_that_is_not_committed_leaves_nothing),
        T(the_parts_of_a_shapefile_move_together),
        T(two_outputs_of_one_target_do_not_share_a_name),
        T(targets_that_cannot_be_written_are_refused_at_once),
        T(a_read_only_folder_is_named),
        T(committing_nothing_is_an_error),
        T(whole_files_are_written_and_read_back),
        T(files_without_a_size_are_read_whole),
        T(unreadable_files_are_named),
        T(a_full_disk_is_one_sentence_and_leaves_the_old_file),
        T(hashing_and_settling_can_be_cancelled_and_a_commit_not),
        T(sha256_gives_the_published_digests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
