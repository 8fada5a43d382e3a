/* main.c - the `salina` program: every operation from a terminal, through the public interface alone.
 *
 * Its parameters are those of the operation's own description. Exit status: 0 done, 1 failed, 2 wrong arguments, 3 cancelled.
 * The first SIGINT or SIGTERM asks the operation to stop, which deletes what it had begun; a second one kills.
 */
#include "cli.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    interrupted = 1;
    signal(number, SIG_DFL);
}

static int exit_status(int32_t status)
{
    if (status == SAL_STATUS_OK) return 0;
    return status == SAL_STATUS_ARGUMENT ? 2 : status == SAL_STATUS_CANCELLED ? 3 : 1;
}

static int32_t on_progress(void *user, double fraction, const char *message)
{
    progress_show(user, fraction, message);
    return interrupted;
}

static int run(sal_context *context, json_object *operation, int argc, char **argv)
{
    json_object *parameters = NULL;
    int want_json = 0;
    if (arguments_parse(operation, argc, argv, &parameters, &want_json) != 0) return 2;
    progress_line line = { .is_terminal = stderr_is_terminal() };
    const char *result = NULL;
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    sal_context_set_progress(context, on_progress, &line);
    int32_t status =
        sal_operation_run(context, text_of(operation, "id"), json_object_to_json_string(parameters), &result);
    progress_end(&line);
    json_object_put(parameters);
    if (status != SAL_STATUS_OK) {
        fprintf(stderr, "salina: %s\n", sal_context_message(context));
        return exit_status(status);
    }
    if (want_json)
        printf("%s\n", result);
    else
        print_result(result);
    return 0;
}

static json_object *find_operation(json_object *list, const char *id)
{
    for (size_t i = 0; i < json_object_array_length(list); i++)
        if (strcmp(text_of(json_object_array_get_idx(list, i), "id"), id) == 0)
            return json_object_array_get_idx(list, i);
    return NULL;
}

static int has_flag(int argc, char **argv, const char *flag)
{
    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], flag) == 0) return 1;
    return 0;
}

/* An unknown operation is answered by the library, which knows the nearest name. */
static int unknown(sal_context *context, const char *id)
{
    const char *result;
    sal_operation_run(context, id, "{}", &result);
    fprintf(stderr, "salina: %s\n", sal_context_message(context));
    return 2;
}

static int dispatch(sal_context *context, int argc, char **argv)
{
    const char *text, *command = argc > 1 ? argv[1] : "--help";
    if (strcmp(command, "--version") == 0) return print_version(), 0;
    int32_t status = sal_operations_json(context, &text);
    if (status != SAL_STATUS_OK) {
        fprintf(stderr, "salina: %s\n", sal_context_message(context));
        return 1;
    }
    if (strcmp(command, "operations") == 0 && has_flag(argc, argv, "--json")) return printf("%s\n", text), 0;
    json_object *list = json_tokener_parse(text), *operation = find_operation(list, command);
    int code = 0;
    if (strcmp(command, "--help") == 0 || strcmp(command, "-h") == 0 || strcmp(command, "help") == 0 ||
        strcmp(command, "operations") == 0)
        print_operations(list);
    else if (!operation)
        code = unknown(context, command);
    else if (has_flag(argc - 2, argv + 2, "--help") || has_flag(argc - 2, argv + 2, "-h"))
        print_operation(operation);
    else
        code = run(context, operation, argc - 2, argv + 2);
    json_object_put(list);
    return argc > 1 ? code : 2;
}

int main(int argc, char **argv)
{
    sal_context *context;
    if (sal_context_new(&context) != SAL_STATUS_OK) {
        fprintf(stderr, "salina: out of memory\n");
        return 1;
    }
    int code = dispatch(context, argc, argv);
    sal_context_free(context);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "salina: cannot write to standard output\n");
        if (code == 0) code = 1;
    }
    return code;
}
