/* scene_roles.c - roles as the user writes them.
 */
#include "features/scene_roles.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

sal_status sal__roles_parse(sal_context *ctx, const char *text, sal__role_list *list)
{
    list->n = 0;
    for (const char *at = text ? text : ""; *at;) {
        size_t n = strcspn(at, ",;");
        char word[SAL__NAME * 2], *equal, *end, *name = word;
        snprintf(word, sizeof word, "%.*s", (int)(n < sizeof word ? n : sizeof word - 1), at);
        while (*name == ' ') name++;
        for (size_t k = strlen(name); k > 0 && name[k - 1] == ' ';) name[--k] = 0;
        if (list->n == SAL__ROLES_MOST || strlen(name) >= SAL__NAME)
            return sal_fail(ctx, SAL_STATUS_ARGUMENT,
                            "roles \"%.60s...\" has more than %d entries or a name longer than %d letters", text,
                            SAL__ROLES_MOST, SAL__NAME - 1);
        long long band = list->n + 1;
        if ((equal = strchr(name, '='))) {
            band = strtoll(equal + 1, &end, 10);
            if (band < 1 || *end || end == equal + 1)
                return sal_fail(ctx, SAL_STATUS_ARGUMENT,
                                "roles has \"%s\"; write a band number after =, counted from 1, such as NIR=4", name);
            *equal = 0;
        }
        snprintf(list->names[list->n], SAL__NAME, "%.63s", name);
        list->bands[list->n++] = band - 1;
        at += n + (at[n] != 0);
    }
    return SAL_STATUS_OK;
}

bool sal__role_skipped(const char *name) { return name[0] == 0 || strcmp(name, "-") == 0; }
