/* cli.h - the parts of the `salina` program: reading arguments, showing progress, printing. Sees salina.h and json-c only. */
#ifndef SAL_CLI_CLI_H
#define SAL_CLI_CLI_H

#include <json-c/json.h>
#include <salina/salina.h>

/* A text field of an object, "" when absent or null; borrowed. */
const char *text_of(json_object *object, const char *key);
int flag_of(json_object *object, const char *key);

/* "--key value", "--key=value", bare "--key" for a bool or "--json", repeated keys for lists, into one JSON object that the caller puts.
 * Returns 0, or 2 after a message on stderr. Values stay texts: the library checks them. */
int arguments_parse(json_object *operation, int argc, char **argv, json_object **parameters, int *want_json);

/* On a terminal one line that is rewritten; elsewhere a line for each message and at most one percentage a second. */
typedef struct progress_line {
    int is_terminal;
    int shown;        /* a line without its end stands on the terminal */
    double last_time; /* of the last percentage */
    int last_percent;
    char label[160]; /* last message */
} progress_line;
int stderr_is_terminal(void);
void progress_show(progress_line *line, double fraction, const char *message);
void progress_end(progress_line *line);

void print_version(void);
void print_operations(json_object *list);
void print_operation(json_object *operation);
/* The outputs and figures of a result as "key: value" lines. */
void print_result(const char *result);

#endif
