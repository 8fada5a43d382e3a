/* scene_roles.h - the parameter roles: what the bands of a scene are, where nothing else tells.
 */
#ifndef SAL_FEATURES_SCENE_ROLES_H
#define SAL_FEATURES_SCENE_ROLES_H

#include "features/scene_names.h"

enum { SAL__ROLES_MOST = 64 };

typedef struct sal__role_list {
    char names[SAL__ROLES_MOST][SAL__NAME];
    int64_t bands[SAL__ROLES_MOST]; /* from 0 */
    int64_t n;
} sal__role_list;

/* Reads "B=1,G=2" or "B,G,R" in band order; NULL is no roles. ARGUMENT in one sentence. */
sal_status sal__roles_parse(sal_context *ctx, const char *text, sal__role_list *list);
/* Whether an entry stands for a band to leave out. */
bool sal__role_skipped(const char *name);

#endif
