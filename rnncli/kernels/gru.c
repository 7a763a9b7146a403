/* The recurrence of the gated recurrent unit over a batch of sentences, forwards and back through time.

   What it computes is written in nn/cells/gru.py and runtime/gru.py, whose loops are used where this library was not
   built. It is here for speed: the gates are computed in one pass where array libraries take ten, and all steps without
   the interpreter's lock. Vectors are those of GCC and Clang, so the source knows no processor's own instructions.
   The callers, in gru.py beside this file, check all sizes and places. */

#define INTERFACE 2

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "processors.h"

#define ROWS 6 /* sentences in a block: with two vectors each, what 16 registers hold */
#define LINE 64 /* bytes that are fetched from memory at once */
#define ROUND_UP(value, step) (((value) + (step) - 1) / (step) * (step))
#define UNROLL _Pragma("GCC unroll 6")

/* A matrix of numbers whose rows lie `stride` numbers apart. */
struct matrix {
    char *data;
    int64_t stride;
};

/* Where the tokens of the sentences are: token t of sentence i at row starts[i] + offsets[t]. Lengths fall. */
struct layout {
    const int64_t *starts, *lengths, *offsets;
    int64_t num_sentences, num_blocks, begin, end, hidden_size, reverse;
};

/* Blocks are of equal size but for one sentence: a block of one or two would waste the processor's pipeline. */
#define FIRST_OF(block, layout) ((block) * (layout)->num_sentences / (layout)->num_blocks)

#define PASTE_(a, b, c) a##_##b##_##c
#define PASTE(a, b, c) PASTE_(a, b, c)
#define NAME(x) PASTE(x, KIND, VARIANT)

#define KIND float
#define REAL float
#define INTEGER uint32_t
#define EXP_EXACT 0
#include "gru_variants.h"
#undef KIND
#undef REAL
#undef INTEGER
#undef EXP_EXACT

#define KIND double
#define REAL double
#define INTEGER uint64_t
#define EXP_EXACT 1
#include "gru_variants.h"
#undef KIND
#undef REAL
#undef INTEGER
#undef EXP_EXACT

typedef int (*forward_function)(const struct layout *, const struct matrix *, const int64_t *, const struct matrix *,
                                const void *, const struct matrix *, const struct matrix *);
typedef int (*backward_function)(const struct layout *, const struct matrix *, const struct matrix *,
                                 const struct matrix *, const struct matrix *, const struct matrix *,
                                 const struct matrix *, const struct matrix *);

/* A processor's functions, those for float before those for double, in the order of processors.h. */
static const struct variant {
    forward_function forward[2];
    backward_function backward[2];
} VARIANTS[] = {
#define VARIANT_ROW(variant)                                                                                           \
    {{(forward_function)forward_float_##variant, (forward_function)forward_double_##variant},                          \
     {(backward_function)backward_float_##variant, (backward_function)backward_double_##variant}}
#if defined(__x86_64__)
    VARIANT_ROW(avx512),
    VARIANT_ROW(avx2),
#endif
    VARIANT_ROW(generic),
};

/* Run from a zero state over a part of the blocks; 0 where memory is short. */
int gru_forward(int variant, int is_double, const struct layout *layout, const struct matrix *gates,
                const int64_t *rows, const struct matrix *weight, const void *bias, const struct matrix *states,
                const struct matrix *saved) {
    return VARIANTS[variant].forward[is_double](layout, gates, rows, weight, bias, states, saved);
}

/* Go back through a part of the blocks; 0 where memory is short. */
int gru_backward(int variant, int is_double, const struct layout *layout, const struct matrix *grad,
                 const struct matrix *states, const struct matrix *saved, const struct matrix *weight,
                 const struct matrix *d_gates, const struct matrix *d_recurrent, const struct matrix *previous) {
    return VARIANTS[variant].backward[is_double](layout, grad, states, saved, weight, d_gates, d_recurrent, previous);
}
