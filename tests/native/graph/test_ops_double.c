/* test_ops_double.c - every op's shape and gradient, in double: analytic against central differences to 1e-6. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "graph/op_cases.h"

static sal_context *ctx;

static int setup(void **state) { return sal_context_new(&ctx) == SAL_STATUS_OK ? 0 : -1; }

static int teardown(void **state)
{
    sal_context_free(ctx);
    return 0;
}

static void open_case(const op_case *c, op_run *r)
{
    if (op_run_new(ctx, c, 1, false, r) != SAL_STATUS_OK) fail_msg("%s: %s", c->name, sal_context_message(ctx));
}

static void every_op_gives_the_shape_it_promises(void **state)
{
    for (int i = 0; i < OP_CASES; i++) {
        op_run r;
        open_case(&op_cases[i], &r);
        sal_shape shape = sal_tape_shape(r.tape, r.y);
        char a[128], b[128];
        if (!sal_shape_equal(&shape, &op_cases[i].expected))
            fail_msg("%s: %s instead of %s", op_cases[i].name, sal_shape_text(&shape, a),
                     sal_shape_text(&op_cases[i].expected, b));
        op_run_free(&r);
    }
}

static void check_gradient(op_run *r, int32_t k)
{
    const double h = 1e-5;
    int64_t count = r->tape->nodes[r->in[k]].count;
    real *x = sal_program_input(r->program, r->c->in[k].name);
    double *analytic = malloc((size_t)count * sizeof *analytic);
    op_run_loss(r);
    const real *g = op_run_gradient(r, k);
    if (!g) fail_msg("%s: no gradient of %s", r->c->name, r->c->in[k].name);
    for (int64_t i = 0; i < count; i++) analytic[i] = (double)g[i];
    double size = 0;
    for (int64_t i = 0; i < count; i++) {
        real before = x[i];
        x[i] = before + (real)h;
        double up = op_run_loss(r);
        x[i] = before - (real)h;
        double down = op_run_loss(r);
        x[i] = before;
        double numeric = (up - down) / (2 * h), error = fabs(numeric - analytic[i]);
        size += fabs(numeric);
        if (!(error <= 1e-6 * fmax(1, fabs(numeric))))
            fail_msg("%s: d loss / d %s[%lld] is %.10g, by differences %.10g", r->c->name, r->c->in[k].name,
                     (long long)i, analytic[i], numeric);
    }
    bool dead = strcmp(r->c->name, "lstm_one_step") == 0 && strcmp(r->c->in[k].name, "w_hh") == 0;
    if (size == 0 && !dead)
        fail_msg("%s: %s has no influence on the case, which therefore proves nothing", r->c->name, r->c->in[k].name);
    free(analytic);
}

static void every_gradient_agrees_with_differences(void **state)
{
    for (int i = 0; i < OP_CASES; i++) {
        op_run r;
        open_case(&op_cases[i], &r);
        for (int32_t k = 0; k < r.inputs; k++) {
            if (!(op_cases[i].in[k].flags & NO_GRADIENT)) check_gradient(&r, k);
        }
        op_run_free(&r);
    }
}

static void mark(const op_run *r, bool *seen, bool *differentiated)
{
    for (int64_t i = 0; i < r->tape->count; i++) {
        for (int64_t k = 0; k < sal_op_count(); k++) {
            if (r->tape->nodes[i].op != sal_op_at(k)) continue;
            seen[k] = true;
            if (i <= r->y && op_run_gradient(r, 0)) differentiated[k] = true;
        }
    }
}

static void every_op_has_a_case(void **state)
{
    bool *seen = calloc((size_t)sal_op_count(), sizeof *seen),
         *differentiated = calloc((size_t)sal_op_count(), sizeof *differentiated);
    for (int i = 0; i < OP_CASES; i++) {
        op_run r;
        open_case(&op_cases[i], &r);
        mark(&r, seen, differentiated);
        op_run_free(&r);
    }
    int missing = 0;
    for (int64_t k = 0; k < sal_op_count(); k++) {
        bool back = strstr(sal_op_at(k)->name, "_back") ||
                    strcmp(sal_op_at(k)->name, "unslice") == 0; /* only come from gradients */
        if (!seen[k] || (sal_op_at(k)->grad && !back && !differentiated[k])) {
            print_error("op %s has no case in op_cases.h%s\n", sal_op_at(k)->name,
                        seen[k] ? " that differentiates it" : "");
            missing++;
        }
    }
    free(seen);
    free(differentiated);
    assert_int_equal(missing, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_op_gives_the_shape_it_promises, setup, teardown),
        cmocka_unit_test_setup_teardown(every_gradient_agrees_with_differences, setup, teardown),
        cmocka_unit_test_setup_teardown(every_op_has_a_case, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
