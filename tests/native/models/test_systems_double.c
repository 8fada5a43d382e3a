/* test_systems_double.c - every system in the double build: the gradient of the training loss, through batch normalisation, against
 * central differences for some elements of every parameter; and outputs that do not depend on what else is in the batch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "models/networks.h"

enum { BATCH = 3, ELEMENTS = 6 };

static sal_context *ctx;

static int setup(void **state) { return sal_context_new(&ctx) == SAL_STATUS_OK ? 0 : -1; }

static int teardown(void **state)
{
    sal_context_free(ctx);
    return 0;
}

static void open_or_fail(const sal_system *system, const sal_model_options *o, bool training, int64_t batch, network *n)
{
    if (network_open(ctx, system, o, training, batch, n) != SAL_STATUS_OK)
        fail_msg("%s: %s", system->id, sal_context_message(ctx));
}

static double loss_of(network *n)
{
    sal_program_run(n->program, 1, 1);
    return (double)sal_program_output(n->program, "loss")[0];
}

/* Numeric against analytic for some elements of one array; returns the largest analytic value. */
static double check_array(network *n, const char *system, const sal_param_info *info)
{
    const double h = 1e-6;
    real *values = sal_params_values(n->params) + info->offset;
    double largest = 0;
    for (uint64_t k = 0; k < ELEMENTS; k++) {
        int64_t i = info->count <= ELEMENTS ? (int64_t)k % info->count : sal_random_below(3, k, 0, info->count);
        loss_of(n);
        double analytic = (double)sal_params_gradients(n->params)[info->offset + i];
        real before = values[i];
        values[i] = before + (real)h;
        double up = loss_of(n);
        values[i] = before - (real)h;
        double down = loss_of(n);
        values[i] = before;
        double numeric = (up - down) / (2 * h);
        if (!(fabs(numeric - analytic) <= 1e-6 * fmax(0.01, fabs(numeric))))
            fail_msg("%s: d loss / d %s[%lld] is %.10g, by differences %.10g", system, info->name, (long long)i, analytic, numeric);
        largest = fmax(largest, fabs(analytic));
    }
    return largest;
}

/* What adds a constant in front of a batch normalisation, or to all keys of an attention, changes nothing. The positions of the bands
 * do so where nothing but the head reads the tokens: in the ablations. */
static bool has_no_influence(const sal_system *system, const char *name)
{
    static const char *const names[] = { "spectrum/scale1/b", "spectrum/scale3/b", "spectrum/scale5/b", "spectrum/mix/b", "head/hidden/b", "index/bare/in/b",
                                         "index/vegetated/in/b", "point/in/b", "point/block1/2/b", "cross/k/b", "fused/norm/beta" };
    if (strcmp(name, "spectrum/place") == 0) return !(system->uses & SAL_USES_WINDOW);
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        if (strcmp(name, names[k]) == 0) return true;
    }
    return false;
}

static void check_gradients(const sal_system *system, sal_head head)
{
    network n;
    sal_model_options o = network_options(head);
    open_or_fail(system, &o, true, BATCH, &n);
    for (int64_t i = 0; i < sal_params_count(n.params); i++) {
        const sal_param_info *info = sal_params_info(n.params, i);
        if (info->is_state) continue;
        double largest = check_array(&n, system->id, info);
        if (has_no_influence(system, info->name) != (largest < 1e-9))
            fail_msg("%s: largest gradient of %s is %g", system->id, info->name, largest);
    }
    network_close(&n);
}

static void gradient_of_every_system_agrees_with_differences(void **state)
{
    for (int64_t i = 0; i < sal_system_count(); i++) {
        check_gradients(sal_system_at(i), SAL_HEAD_QUANTILE);
        check_gradients(sal_system_at(i), SAL_HEAD_HUBER);
    }
}

static void trained_network_answers_the_same_in_any_batch(void **state)
{
    for (int64_t i = 0; i < sal_system_count(); i++) {
        network one, many;
        sal_model_options o = network_options(SAL_HEAD_QUANTILE);
        open_or_fail(sal_system_at(i), &o, false, 1, &one);
        open_or_fail(sal_system_at(i), &o, false, 5, &many);
        sal_program_run(many.program, 0, 0);
        double spread = 0;
        for (int64_t k = 0; k < 5; k++) {
            network_fill(&one, &o, 0, k);
            sal_program_run(one.program, 0, 0);
            const real *a = sal_program_output(one.program, "prediction"), *b = sal_program_output(many.program, "prediction");
            for (int64_t c = 0; c < 3; c++) assert_true(fabs((double)(a[c] - b[3 * k + c])) <= 1e-12 * fmax(1, fabs((double)a[c])));
            spread = fmax(spread, fabs((double)(b[3 * k + 1] - b[1])));
        }
        assert_true(spread > 1e-3); /* samples differ, or the comparison proves nothing */
        network_close(&one);
        network_close(&many);
    }
}

static void quantiles_are_in_order(void **state)
{
    for (int64_t i = 0; i < sal_system_count(); i++) {
        network n;
        sal_model_options o = network_options(SAL_HEAD_QUANTILE);
        open_or_fail(sal_system_at(i), &o, false, 8, &n);
        sal_program_run(n.program, 0, 0);
        const real *y = sal_program_output(n.program, "prediction");
        for (int64_t k = 0; k < 8; k++) assert_true(y[3 * k] < y[3 * k + 1] && y[3 * k + 1] < y[3 * k + 2]);
        network_close(&n);
    }
}

static void window_that_does_not_tile_is_refused(void **state)
{
    network n;
    sal_model_options o = network_options(SAL_HEAD_QUANTILE);
    o.window = 40;
    assert_int_not_equal(network_open(ctx, sal_system_find("ss_soilnet"), &o, false, 2, &n), SAL_STATUS_OK);
    assert_non_null(strstr(sal_context_message(ctx), "a window of 40 pixels does not fit the trunk"));
    network_close(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(gradient_of_every_system_agrees_with_differences, setup, teardown),
        cmocka_unit_test_setup_teardown(trained_network_answers_the_same_in_any_batch, setup, teardown),
        cmocka_unit_test_setup_teardown(quantiles_are_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(window_that_does_not_tile_is_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
