/* model_file_json.c - saving and loading: the JSON object in the metadata, and the checks that make a loaded model safe
 * to use.
 *
 * The trap: a file may be well-formed and still nonsense (sd 0, window -1, 10^9 members); everything that sizes or
 * divides is bounded here.
 */
#include "train/model_file.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define FORMAT      2 /* newest of the JSON; older programs could not read it. 2: applicability on an embedding; all else is written as 1 */
#define MAX_WINDOW  1025
#define MAX_MEMBERS 1000

static sal_status lacks(sal_model_file *m, const char *what)
{
    return sal_fail(m->ctx, SAL_STATUS_INTERNAL, "the model to be saved has no %s; please report this", what);
}

static sal_status add_covariate(sal_context *ctx, json_object *list, const sal_model_covariate *c)
{
    sal_status status;
    json_object *row = json_object_new_object();
    if (!row || json_object_array_add(list, row)) {
        json_object_put(row);
        return sal_fail(ctx, SAL_STATUS_MEMORY, "out of memory while writing the model");
    }
    SAL_TRY(sal_json_add_text(ctx, row, "id", c->id));
    SAL_TRY(sal_json_add_text(ctx, row, "role", c->role));
    SAL_TRY(sal_json_add_text(ctx, row, "unit", c->unit));
    SAL_TRY(sal_json_add_f64(ctx, row, "mean", c->mean));
    SAL_TRY(sal_json_add_f64(ctx, row, "sd", c->sd));
    SAL_TRY(sal_json_add_f64(ctx, row, "low", c->low));
    SAL_TRY(sal_json_add_f64(ctx, row, "high", c->high));
    SAL_TRY(sal_json_add_f64(ctx, row, "q01", c->q01));
    SAL_TRY(sal_json_add_f64(ctx, row, "q99", c->q99));
done:
    return status;
}

static sal_status describe(sal_model_file *m, json_object *o)
{
    sal_status status;
    json_object *list = json_object_new_array(), *conformal = NULL;
    SAL_TRY(sal_json_add(m->ctx, o, "covariates", list));
    SAL_TRY(sal_json_add_i64(m->ctx, o, "format", m->applicability && m->applicability->basis == SAL_APPLICABILITY_EMBEDDING ? 2 : 1));
    SAL_TRY(sal_json_add_text(m->ctx, o, "version", sal_version()));
    SAL_TRY(sal_json_add_text(m->ctx, o, "system", m->system));
    SAL_TRY(sal_json_add_text(m->ctx, o, "target", m->target));
    SAL_TRY(sal_json_add_text(m->ctx, o, "unit", m->unit));
    SAL_TRY(sal_json_add_text(m->ctx, o, "transform", m->transform));
    SAL_TRY(sal_json_add_text(m->ctx, o, "sensor", m->sensor));
    SAL_TRY(sal_json_add_text(m->ctx, o, "scheme", m->scheme));
    SAL_TRY(sal_json_add_i64(m->ctx, o, "window", m->window));
    SAL_TRY(sal_json_add_f64(m->ctx, o, "pixel_m", m->pixel_m));
    SAL_TRY(sal_json_add_i64(m->ctx, o, "members", m->members));
    for (int64_t i = 0; i < m->covariate_count; i++) SAL_TRY(add_covariate(m->ctx, list, &m->covariates[i]));
    if (m->mean_factor > 0) SAL_TRY(sal_json_add_f64(m->ctx, o, "mean_factor", m->mean_factor));
    if (m->has_conformal) {
        SAL_TRY(sal_conformal_to_json(m->ctx, &m->conformal, &conformal));
        SAL_TRY(sal_json_add(m->ctx, o, "conformal", conformal));
    }
    if (m->applicability) {
        json_object *meta = json_object_new_object();
        SAL_TRY(sal_json_add(m->ctx, o, "applicability", meta));
        SAL_TRY(sal_applicability_save(m->applicability, m->tensors, meta));
    }
    SAL_TRY(sal_json_add(m->ctx, o, "hyper", json_object_get(m->hyper)));
    SAL_TRY(sal_json_add(m->ctx, o, "scores", json_object_get(m->scores)));
    SAL_TRY(sal_json_add(m->ctx, o, "provenance", json_object_get(m->provenance)));
done:
    return status;
}

static void set_name(sal_model_file *m, const char *path)
{
    const char *slash = strrchr(path, '/');
    snprintf(m->name, sizeof m->name, "%s", slash ? slash + 1 : path);
}

sal_status sal_model_file_save(sal_model_file *m, const char *path)
{
    if (!m->system[0]) return lacks(m, "system");
    if (!m->covariates) return lacks(m, "covariates");
    if (!m->target[0]) return lacks(m, "target");
    if (!m->transform[0]) return lacks(m, "transform");
    if (m->window < 1 || m->members < 1 || !(m->pixel_m > 0)) return lacks(m, "window, members or pixel size");
    for (int64_t i = 0; i < m->covariate_count; i++)
        if (!(m->covariates[i].sd > 0) || !isfinite(m->covariates[i].mean))
            return lacks(m, "statistics of a covariate");
    sal_status status;
    json_object *o = json_object_new_object();
    SAL_TRY(describe(m, o));
    const char *text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
    if (!text) {
        status = sal_fail(m->ctx, SAL_STATUS_MEMORY, "out of memory while writing the model");
        goto done;
    }
    SAL_TRY(sal_tensors_set_metadata(m->tensors, "salina", text));
    SAL_TRY(sal_tensors_save(m->tensors, path));
    snprintf(m->version, sizeof m->version, "%s", sal_version());
    set_name(m, path);
done:
    json_object_put(o);
    return status;
}

/* Copies a text field that must fit. */
static sal_status take_text(sal_model_file *m, json_object *o, const char *what, const char *key, char *out,
                            size_t size)
{
    const char *text;
    sal_status status = sal_json_text(m->ctx, o, what, key, &text);
    if (status != SAL_STATUS_OK) return status;
    if (strlen(text) >= size)
        return sal_fail(m->ctx, SAL_STATUS_DATA, "%s has a \"%s\" of more than %d letters", what, key, (int)size - 1);
    strcpy(out, text);
    return status;
}

static sal_status take_covariate(sal_model_file *m, json_object *row, const char *what, sal_model_covariate *c)
{
    static const char *const roles[] = { "spectral", "index", "window" };
    sal_status status;
    SAL_TRY(take_text(m, row, what, "id", c->id, sizeof c->id));
    SAL_TRY(take_text(m, row, what, "role", c->role, sizeof c->role));
    SAL_TRY(take_text(m, row, what, "unit", c->unit, sizeof c->unit));
    SAL_TRY(sal_json_f64(m->ctx, row, what, "mean", &c->mean));
    SAL_TRY(sal_json_f64(m->ctx, row, what, "sd", &c->sd));
    SAL_TRY(sal_json_f64(m->ctx, row, what, "low", &c->low));
    SAL_TRY(sal_json_f64(m->ctx, row, what, "high", &c->high));
    SAL_TRY(sal_json_f64(m->ctx, row, what, "q01", &c->q01));
    SAL_TRY(sal_json_f64(m->ctx, row, what, "q99", &c->q99));
    bool role = false;
    for (int i = 0; i < 3; i++) role = role || !strcmp(c->role, roles[i]);
    if (!role || !c->id[0] || !(c->sd > 0) || !isfinite(c->sd) || !isfinite(c->mean) || !(c->low <= c->high))
        status = sal_fail(m->ctx, SAL_STATUS_DATA, "%s has a covariate \"%s\" that does not make sense", what, c->id);
done:
    return status;
}

static sal_status take_covariates(sal_model_file *m, json_object *o, const char *what)
{
    sal_status status;
    json_object *list;
    SAL_TRY(sal_json_array(m->ctx, o, what, "covariates", &list));
    int64_t n = (int64_t)json_object_array_length(list);
    if (n < 1) return sal_fail(m->ctx, SAL_STATUS_DATA, "%s has no covariates", what);
    SAL_TRY(sal_model_file_set_covariates(m, n));
    for (int64_t i = 0; i < n; i++) {
        json_object *row = json_object_array_get_idx(list, (size_t)i);
        if (!json_object_is_type(row, json_type_object))
            return sal_fail(m->ctx, SAL_STATUS_DATA, "%s has a covariate that is not one", what);
        SAL_TRY(take_covariate(m, row, what, &m->covariates[i]));
    }
done:
    return status;
}

static sal_status take_object(sal_model_file *m, json_object *o, const char *what, const char *key, json_object **out)
{
    json_object *found;
    sal_status status = sal_json_object(m->ctx, o, what, key, &found);
    if (status != SAL_STATUS_OK) return status;
    json_object_put(*out);
    *out = json_object_get(found);
    return status;
}

static sal_status take_all(sal_model_file *m, json_object *o, const char *what)
{
    sal_status status;
    json_object *conformal, *applicability;
    int64_t format;
    SAL_TRY(sal_json_i64(m->ctx, o, what, "format", &format));
    SAL_TRY(take_text(m, o, what, "version", m->version, sizeof m->version));
    if (format > FORMAT)
        return sal_fail(m->ctx, SAL_STATUS_DATA,
                        "%s was written by Salina %s, which is newer than this one (%s); update Salina", what,
                        m->version, sal_version());
    SAL_TRY(take_text(m, o, what, "system", m->system, sizeof m->system));
    SAL_TRY(take_text(m, o, what, "target", m->target, sizeof m->target));
    SAL_TRY(take_text(m, o, what, "unit", m->unit, sizeof m->unit));
    SAL_TRY(take_text(m, o, what, "transform", m->transform, sizeof m->transform));
    SAL_TRY(take_text(m, o, what, "sensor", m->sensor, sizeof m->sensor));
    SAL_TRY(take_text(m, o, what, "scheme", m->scheme, sizeof m->scheme));
    SAL_TRY(sal_json_i64(m->ctx, o, what, "window", &m->window));
    SAL_TRY(sal_json_f64(m->ctx, o, what, "pixel_m", &m->pixel_m));
    SAL_TRY(sal_json_i64(m->ctx, o, what, "members", &m->members));
    if ((strcmp(m->transform, "log1p") && strcmp(m->transform, "none")) || m->window < 1 || m->window > MAX_WINDOW ||
        m->members < 1 || m->members > MAX_MEMBERS || !(m->pixel_m > 0) || !isfinite(m->pixel_m))
        return sal_fail(m->ctx, SAL_STATUS_DATA,
                        "%s has a transform, window, pixel size or number of members that does not make sense", what);
    SAL_TRY(take_covariates(m, o, what));
    SAL_TRY(take_object(m, o, what, "hyper", &m->hyper));
    SAL_TRY(take_object(m, o, what, "scores", &m->scores));
    SAL_TRY(take_object(m, o, what, "provenance", &m->provenance));
    if (json_object_object_get_ex(o, "mean_factor", NULL)) {
        SAL_TRY(sal_json_f64(m->ctx, o, what, "mean_factor", &m->mean_factor));
        if (!(m->mean_factor > 0) || !isfinite(m->mean_factor))
            return sal_fail(m->ctx, SAL_STATUS_DATA, "%s has a mean_factor of %g that does not make sense", what, m->mean_factor);
    }
    if (json_object_object_get_ex(o, "applicability", &applicability)) {
        SAL_TRY(sal_json_object(m->ctx, o, what, "applicability", &applicability));
        SAL_TRY(sal_applicability_load(m->ctx, m->tensors, applicability, what, m->covariate_count, &m->applicability));
    }
    if (json_object_object_get_ex(o, "conformal", &conformal)) {
        SAL_TRY(sal_json_object(m->ctx, o, what, "conformal", &conformal));
        SAL_TRY(sal_conformal_from_json(m->ctx, conformal, what, &m->conformal));
        m->has_conformal = true;
    }
done:
    return status;
}

sal_status sal_model_file_load(sal_context *ctx, const char *path, sal_model_file **out)
{
    *out = NULL;
    sal_model_file *m = NULL;
    json_object *o = NULL;
    char what[160];
    sal_status status;
    SAL_TRY(sal_model_file_new(ctx, &m));
    set_name(m, path);
    snprintf(what, sizeof what, "model \"%s\"", m->name);
    sal_tensors_free(m->tensors);
    m->tensors = NULL;
    SAL_TRY(sal_tensors_load(ctx, path, "model", &m->tensors));
    const char *text = sal_tensors_metadata(m->tensors, "salina");
    if (!text || !sal_tensors_sealed(m->tensors)) {
        status = sal_fail(ctx, SAL_STATUS_DATA, "\"%s\" is not a model of Salina; choose a file written by Train model",
                          m->name);
        goto done;
    }
    SAL_TRY(sal_json_parse(ctx, text, (int64_t)strlen(text), what, &o));
    SAL_TRY(take_all(m, o, what));
    *out = m;
    m = NULL;
done:
    json_object_put(o);
    sal_model_file_free(m);
    return status;
}
