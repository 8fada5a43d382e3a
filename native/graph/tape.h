/* tape.h - the training engine as models see it.
 *
 * A tape is an append-only list of nodes; a node refers only to earlier nodes, so the order of the array is the schedule. Builders
 * never fail: they remember the first error and return SAL_NONE afterwards, and sal_program_new reports it with op, node and shapes.
 * sal_gradients appends the gradient of a scalar through the same builders. A program is a compiled tape: lifetimes, in-place use and
 * offsets are planned once, nothing is allocated during a run. Arrays are row-major, channels last.
 */
#ifndef SAL_GRAPH_TAPE_H
#define SAL_GRAPH_TAPE_H

#include "base/base.h"
#include "tensor/real.h"
#include "tensor/shape.h"

typedef int32_t sal_id;
#define SAL_NONE (-1)

/* ---- parameters (params.c): named arrays in one slab, shared by the tapes of a model ------------------------------ */

typedef enum sal_init {
    SAL_INIT_ZEROS = 0,
    SAL_INIT_ONES = 1,
    SAL_INIT_HE_NORMAL = 2,       /* N(0, 2 / fan_in), He et al. 2015, for ReLU */
    SAL_INIT_XAVIER_UNIFORM = 3,  /* U(+-sqrt(6 / (fan_in + fan_out))), Glorot and Bengio 2010 */
    SAL_INIT_UNIFORM_FAN_IN = 4,  /* U(+-1 / sqrt(fan_in)), PyTorch's default for biases and recurrent layers */
    SAL_INIT_NORMAL_02 = 5,       /* N(0, 0.02^2), embeddings and positions of a ViT */
    SAL_INIT_MOMENTS = 6          /* first half 0, second half 1: running mean and variance (2, c) */
} sal_init;

typedef struct sal_param_info {
    char *name;
    sal_shape shape;
    int64_t offset, count; /* in its slab */
    sal_init init;
    int64_t fan_in, fan_out;
    bool is_state; /* running statistics: saved, not trained */
    bool decays;   /* weight decay applies (matrices and kernels, not biases or norms) */
} sal_param_info;

typedef struct sal_params sal_params;
sal_status sal_params_new(sal_context *ctx, sal_params **out);
void sal_params_free(sal_params *params);
int64_t sal_params_count(const sal_params *params);
const sal_param_info *sal_params_info(const sal_params *params, int64_t i);
int64_t sal_params_size(const sal_params *params);       /* trainable reals */
int64_t sal_params_state_size(const sal_params *params); /* state reals */
/* Slabs; NULL before sal_params_initialise. */
real *sal_params_values(sal_params *params);
real *sal_params_gradients(sal_params *params);
real *sal_params_state(sal_params *params);
real *sal_params_find(sal_params *params, const char *name, int64_t *count); /* values or state of one array; NULL when unknown */
/* Allocates the slabs and draws initial values from (seed, name, element), whatever the order of definition. Call after the first tape is built. */
sal_status sal_params_initialise(sal_params *params, uint64_t seed);

/* ---- building ----------------------------------------------------------------------------------------------------- */

typedef struct sal_tape sal_tape;

/* `training`: dropout drops and normalisation uses batch statistics; otherwise running statistics. Borrows params. */
sal_status sal_tape_new(sal_context *ctx, sal_params *params, bool training, sal_tape **out);
void sal_tape_free(sal_tape *tape);
bool sal_tape_training(const sal_tape *tape);
/* Shape of a node; a scalar for SAL_NONE. */
sal_shape sal_tape_shape(const sal_tape *tape, sal_id id);
int64_t sal_tape_dim(const sal_tape *tape, sal_id id, int32_t axis); /* negative axis counts from the end; 1 for SAL_NONE */
/* First error of a builder: kept, reported by sal_program_new. For layers that check their own arguments. */
void sal_tape_fail(sal_tape *tape, const char *format, ...) SAL_PRINTF(2, 3);

/* An input the caller fills before each run (sal_program_input). wants_gradient: sal_gradients gives d loss / d input too. */
sal_id sal_input(sal_tape *t, const char *name, sal_shape shape, bool wants_gradient);
/* A trainable array; the same name on another tape of the same params is the same array (its shape must agree). */
sal_id sal_parameter(sal_tape *t, const char *name, sal_shape shape, sal_init init, int64_t fan_in, int64_t fan_out);
/* A state array, not trained (init ZEROS, ONES or MOMENTS). */
sal_id sal_state(sal_tape *t, const char *name, sal_shape shape, sal_init init);
sal_id sal_constant(sal_tape *t, sal_shape shape, double value);
/* Keeps a node's value until the end of the run and gives it a name for sal_program_output. */
void sal_tape_output(sal_tape *t, sal_id id, const char *name);
/* Runs a node for its side effect (updates of state) even though nothing reads it. */
void sal_keep(sal_tape *t, sal_id id);

/* Appends the gradient of scalar `loss` with respect to all parameters (into the gradient slab) and to inputs that want one
 * (readable as output "gradient:<input name>"). */
void sal_gradients(sal_tape *t, sal_id loss);
/* Gradient of one node with respect to earlier nodes given d loss / d y: for explanations and tests. gx may contain SAL_NONE. */
void sal_gradients_of(sal_tape *t, sal_id y, sal_id gy, const sal_id *x, int64_t n, sal_id *gx);

/* ---- running ------------------------------------------------------------------------------------------------------- */

typedef struct sal_program sal_program;

/* Compiles. Reports the tape's first error. The tape must outlive the program; params must be initialised before the first run. */
sal_status sal_program_new(sal_context *ctx, sal_tape *tape, sal_program **out);
/* Compiles a tape for inference with the samples innermost: inputs are filled, and outputs read, as (rest, n) instead of (n, rest), and a run
 * takes one thread. For small networks on many samples: vectors hold 16 samples, no sum crosses lanes. n, the first dimension of every input,
 * must be a multiple of 16. ARGUMENT where the tape trains or holds an op without this form (its name is in the message). */
sal_status sal_program_new_lanes(sal_context *ctx, sal_tape *tape, sal_program **out);
void sal_program_free(sal_program *program);
/* Bytes planned for activations and scratch. */
int64_t sal_program_bytes(const sal_program *program);
/* Where to write an input, (its shape); NULL when there is none of that name. */
real *sal_program_input(sal_program *program, const char *name);
/* Where an output stands after a run; NULL when there is none of that name. */
const real *sal_program_output(const sal_program *program, const char *name);
sal_shape sal_program_output_shape(const sal_program *program, const char *name);
/* Runs every node once. (seed, step) drive dropout. Same bits for any number of threads. A program that does not train looks at the progress
 * callback between nodes and stops when cancelled: its outputs then mean nothing, so ask sal_cancelled before using them. */
void sal_program_run(sal_program *program, uint64_t seed, uint64_t step);
/* CPU seconds of all threads per op name since creation, as a JSON object text, for the bench; owned by the caller. Needs sal_program_profile(true). */
void sal_program_profile(sal_program *program, bool on);
sal_status sal_program_profile_json(sal_program *program, char **out);

#include "graph/builders.h"

#endif
