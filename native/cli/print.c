/* print.c - progress on stderr; version, help and results on stdout. */
#define _POSIX_C_SOURCE 200809L
#include "cli.h"
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int stderr_is_terminal(void) { return isatty(STDERR_FILENO); }

void progress_show(progress_line *line, double fraction, const char *message)
{
    int percent = (int)(100 * fraction);
    if (line->is_terminal) {
        if (message) snprintf(line->label, sizeof line->label, "%s", message);
        fprintf(stderr, "\r\033[K%3d %%  %.100s", percent, line->label);
        fflush(stderr);
        line->shown = 1;
        return;
    }
    double now = seconds();
    if (message)
        fprintf(stderr, "%3d %%  %s\n", percent, message);
    else if (percent == line->last_percent || now - line->last_time < 1)
        return;
    else
        fprintf(stderr, "%3d %%\n", percent);
    line->last_time = now;
    line->last_percent = percent;
}

void progress_end(progress_line *line)
{
    if (line->shown) fputc('\n', stderr);
    line->shown = 0;
}

void print_version(void)
{
    json_object *build = json_tokener_parse(sal_build_json());
    printf("salina %s\n", sal_version());
    json_object_object_foreach(build, key, value)
    {
        if (strcmp(key, "version") != 0)
            printf("  %s: %s\n", key, value ? json_object_get_string(value) : "not in this build");
    }
    json_object_put(build);
}

void print_operations(json_object *list)
{
    printf("salina %s - soil salinity from satellite imagery\n\n"
           "  salina <operation> --key value ... [--json]   run an operation; repeat --key for a list\n"
           "  salina <operation> --help                     its parameters\n"
           "  salina operations --json                      all descriptions as JSON\n"
           "  salina --version                              version and libraries of this build\n\nOperations:\n",
           sal_version());
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        json_object *entry = json_object_array_get_idx(list, i);
        printf("  %-12s %s\n", text_of(entry, "id"), text_of(entry, "summary"));
    }
    printf("\nExit status: 0 done, 1 failed, 2 wrong arguments, 3 cancelled.\n");
}

static void print_wrapped(const char *text, int indent)
{
    const int width = 100;
    while (*text) {
        size_t n = strcspn(text, "\n"), take = n;
        if ((int)n > width - indent) {
            take = (size_t)(width - indent);
            while (take > 0 && text[take] != ' ') take--;
            if (take == 0) take = n;
        }
        printf("%*s%.*s\n", indent, "", (int)take, text);
        text += take;
        text += *text == ' ' || *text == '\n';
    }
}

static void print_row(json_object *row)
{
    json_object *bounds = NULL, *choices = NULL, *value = NULL;
    json_object_object_get_ex(row, "bounds", &bounds);
    json_object_object_get_ex(row, "choices", &choices);
    json_object_object_get_ex(row, "default", &value);
    printf("  --%s <%s>%s%s", text_of(row, "key"), text_of(row, "type"), flag_of(row, "list") ? " ..." : "",
           flag_of(row, "required") ? "  required" : "");
    if (bounds)
        printf("  %.15g to %.15g", json_object_get_double(json_object_array_get_idx(bounds, 0)),
               json_object_get_double(json_object_array_get_idx(bounds, 1)));
    if (*text_of(row, "unit")) printf("  %s", text_of(row, "unit"));
    for (size_t i = 0; choices && i < json_object_array_length(choices); i++)
        printf("%s%s", i ? " | " : "  ", json_object_get_string(json_object_array_get_idx(choices, i)));
    if (json_object_is_type(value, json_type_array)) {
        printf("  [");
        for (size_t i = 0; i < json_object_array_length(value); i++)
            printf("%s%s", i ? " " : "", json_object_get_string(json_object_array_get_idx(value, i)));
        printf("]");
    } else if (value) {
        printf("  [%s]", json_object_get_string(value));
    }
    printf("\n");
    print_wrapped(text_of(row, "help"), 6);
}

void print_operation(json_object *operation)
{
    json_object *rows = NULL;
    printf("salina %s - %s\n\n", text_of(operation, "id"), text_of(operation, "title"));
    print_wrapped(text_of(operation, "summary"), 0);
    printf("\n");
    print_wrapped(text_of(operation, "help"), 0);
    printf("\nParameters ([default]; ... may be repeated):\n");
    json_object_object_get_ex(operation, "params", &rows);
    for (size_t i = 0; rows && i < json_object_array_length(rows); i++) print_row(json_object_array_get_idx(rows, i));
    printf("  --json\n      Print the result as JSON on stdout.\n");
}

void print_result(const char *result)
{
    json_object *object = json_tokener_parse(result);
    json_object_object_foreach(object, key, value)
    {
        int nested = json_object_is_type(value, json_type_array) || json_object_is_type(value, json_type_object);
        if (nested || !value) continue;
        if (json_object_is_type(value, json_type_double))
            printf("%s: %.6g\n", key, json_object_get_double(value));
        else
            printf("%s: %s\n", key, json_object_get_string(value));
    }
    json_object_put(object);
}
