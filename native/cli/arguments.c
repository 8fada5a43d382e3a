/* arguments.c - the command line of one operation as a JSON object. */
#include "cli.h"
#include <stdio.h>
#include <string.h>

const char *text_of(json_object *object, const char *key)
{
    json_object *value = NULL;
    const char *text = json_object_object_get_ex(object, key, &value) && value ? json_object_get_string(value) : NULL;
    return text ? text : "";
}

int flag_of(json_object *object, const char *key)
{
    json_object *value = NULL;
    return json_object_object_get_ex(object, key, &value) && json_object_get_boolean(value);
}

static json_object *find_row(json_object *operation, const char *key)
{
    json_object *rows = NULL;
    json_object_object_get_ex(operation, "params", &rows);
    for (size_t i = 0; rows && i < json_object_array_length(rows); i++)
        if (strcmp(text_of(json_object_array_get_idx(rows, i), "key"), key) == 0)
            return json_object_array_get_idx(rows, i);
    return NULL;
}

static int add(json_object *parameters, json_object *row, const char *key, const char *value)
{
    json_object *before = NULL;
    int present = json_object_object_get_ex(parameters, key, &before);
    if (row && flag_of(row, "list")) {
        if (!present) json_object_object_add(parameters, key, before = json_object_new_array());
        return json_object_array_add(before, json_object_new_string(value));
    }
    if (present) {
        fprintf(stderr, "salina: --%s is given twice; it takes one value\n", key);
        return 2;
    }
    return json_object_object_add(parameters, key, json_object_new_string(value));
}

/* Takes one option and what belongs to it; returns how many arguments it used, or 0 after a message. */
static int take(json_object *operation, json_object *parameters, int argc, char **argv)
{
    char key[128];
    const char *equal = strchr(argv[0], '='), *value = equal ? equal + 1 : NULL;
    size_t n = equal ? (size_t)(equal - argv[0]) - 2 : strlen(argv[0]) - 2;
    if (n == 0 || n >= sizeof key) {
        fprintf(stderr, "salina: \"%s\" is no option\n", argv[0]);
        return 0;
    }
    memcpy(key, argv[0] + 2, n);
    key[n] = '\0';
    for (char *c = key; *c; c++)
        if (*c == '-') *c = '_';
    json_object *row = find_row(operation, key);
    int used = 1, next_is_value = argc > 1 && strncmp(argv[1], "--", 2) != 0;
    if (!value && next_is_value) value = argv[used++];
    if (!value && row && strcmp(text_of(row, "type"), "bool") == 0) value = "true";
    if (!value && row) {
        fprintf(stderr, "salina: --%s needs a value: %s\n", key, text_of(row, "help"));
        return 0;
    }
    return add(parameters, row, key, value ? value : "true") == 0 ? used : 0;
}

int arguments_parse(json_object *operation, int argc, char **argv, json_object **parameters, int *want_json)
{
    *parameters = json_object_new_object();
    for (int i = 0; i < argc;) {
        int used = 1;
        if (strcmp(argv[i], "--json") == 0)
            *want_json = 1;
        else if (strncmp(argv[i], "--", 2) == 0)
            used = take(operation, *parameters, argc - i, argv + i);
        else {
            fprintf(
                stderr,
                "salina: \"%s\" belongs to no option; write --key value, and repeat --key for every further value\n",
                argv[i]);
            used = 0;
        }
        if (!used) {
            json_object_put(*parameters);
            *parameters = NULL;
            return 2;
        }
        i += used;
    }
    return 0;
}
