/* program_private.h - the inside of a compiled tape, shared by program_prepare.c, which cuts it, and program.c, which runs it. */
#ifndef SAL_GRAPH_PROGRAM_PRIVATE_H
#define SAL_GRAPH_PROGRAM_PRIVATE_H

#include "tape_private.h"

struct sal_program {
    sal_context *ctx;
    sal_tape *tape;
    sal_plan plan;
    real *arena, *leaves;  /* leaves: inputs and constants */
    real **data;           /* by node */
    real **worker_data;    /* (workers, nodes) the same with the values that pass */
    real *passing;         /* (workers, passing_size): values that pass, a chunk at a time */
    int64_t *passing_at, passing_size; /* by node: where its value begins there */
    sal_id *schedule;      /* nodes to run, in order */
    int64_t scheduled;
    real *partials;
    char *scratch;         /* (workers, scratch_bytes) */
    int64_t partial_size, scratch_bytes, leaf_size, prepared;
    int32_t workers;
    bool profile, lanes;
    double *seconds;       /* (workers, nodes) of CPU time */
};

/* Fills schedule, chunks, partials, passing values and scratch of a planned program; nodes up to p->prepared have a plan to free. */
sal_status sal__program_prepare(sal_program *p);
/* The same for a program on lanes; refuses what cannot run with samples innermost. */
sal_status sal__program_prepare_lanes(sal_program *p);

#endif
