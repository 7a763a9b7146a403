/* Viterbi's search for the best tags, by single precision.

   The same sums in the same order as in decoding/viterbi.py, whose array operations are used where this library was not
   built, so the same paths, ties included. The callers, in viterbi.py beside this file, lay the transitions out and
   check all sizes and places. */

#define INTERFACE 1

#include <math.h>
#include <string.h>

#include "processors.h"

#define BLOCK 8 /* tags that are reached together */
#define ROWS 4  /* sentences that are searched side by side, so that one goes on while another waits for its maximum */
#define UNROLL _Pragma("GCC unroll 8")

/* Scores of transitions, starts and ends. Tags stand in an order in which those with like tags before them are
   neighbours, filled up to whole blocks. A block is reached from every tag that may come before one of its own: entry n,
   from starts[block] to starts[block + 1] - 1, holds the scores from tag sources[n] to each of the block, and minus
   infinity where that is forbidden. */
struct chain {
    const float *entries;    /* [entries, BLOCK] */
    const int32_t *sources;  /* [entries], in the order above */
    const int64_t *starts;   /* [blocks + 1] */
    const int32_t *order;    /* [blocks x BLOCK], the tags; the filling counts as tag number num_tags */
    const float *arriving;   /* [num_tags, blocks x BLOCK], from column to row, the forbidden too; rows are tags */
    const float *start, *end; /* [blocks x BLOCK] */
    int64_t num_tags, num_blocks;
    float forbidden;
};

/* Token t of sentence i lies in row offsets[t] + i; lengths fall. */
struct layout {
    const int64_t *lengths, *offsets;
    int64_t num_sentences;
};

#if defined(__x86_64__)
#define TARGET __attribute__((target("avx2,fma")))
#define LANES 8
#define NAME(x) x##_avx2
#include "viterbi_body.h"
#undef TARGET
#undef LANES
#undef NAME
#endif

#define TARGET
#define LANES 4
#define NAME(x) x##_generic
#include "viterbi_body.h"

/* `states` has room for all tokens of any ROWS sentences that follow each other from a multiple of ROWS. */
void viterbi(int variant, const struct chain *chain, const struct layout *layout, const float *emissions, float *states,
             int64_t *tags) {
#if defined(__x86_64__)
    if (!variant) {
        viterbi_avx2(chain, layout, emissions, states, tags);
        return;
    }
#endif
    viterbi_generic(chain, layout, emissions, states, tags);
}
