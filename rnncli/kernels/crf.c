/* The loss of a linear-chain conditional random field and its gradient, by forward-backward over one sentence at a time.

   Values are kept as probabilities rescaled at every step, as in nn/crf.py, whose array operations are used where this
   library was not built. The callers, in crf.py beside this file, check all sizes, lengths and tags. */

#define INTERFACE 1

#include <math.h>
#include <string.h>

#include "processors.h"

/* B sentences of at most T tokens, K tags. Scores come as they are and, for what is exponentiated, also as
   exponentials of their difference to a peak: that of each token, of the transitions, of start and of end scores. */
struct chain {
    const float *emissions, *peaks, *likelihood; /* [B, T, K], [B, T], [B, T, K] */
    const float *transitions, *start, *end;      /* [K, K] from row to column, [K], [K] */
    const float *exp_transitions, *exp_start, *exp_end;
    const int64_t *tags, *lengths; /* [B, T], [B] */
    double transition_peak, edge_peaks;
    int64_t batch_size, num_steps, num_tags;
};

/* result = matrix^T vector, for a matrix [size, size]. */
BODY void multiply(int64_t size, const float *restrict matrix, const float *restrict vector, float *restrict result) {
    memset(result, 0, size * sizeof(float));
    for (int64_t i = 0; i < size; i++) {
        const float scale = vector[i];
        const float *restrict row = matrix + i * size;
        for (int64_t j = 0; j < size; j++)
            result[j] += scale * row[j];
    }
}

BODY float dot(int64_t size, const float *a, const float *b) {
    float sum = 0;
    for (int64_t i = 0; i < size; i++)
        sum += a[i] * b[i];
    return sum;
}

/* Scale numbers so that they sum to one; return what they summed to. */
BODY float normalise(int64_t size, float *values) {
    float sum = 0;
    for (int64_t i = 0; i < size; i++)
        sum += values[i];
    const float scale = 1 / sum;
    for (int64_t i = 0; i < size; i++)
        values[i] *= scale;
    return sum;
}

/* inside[t] becomes the rescaled sum over the paths that end at t, its own emission included. */
BODY void crf_forward_body(int variant, const struct chain *chain, float *inside, float *losses) {
    (void)variant;
    const int64_t size = chain->num_tags;
    for (int64_t b = 0; b < chain->batch_size; b++) {
        const int64_t first = b * chain->num_steps, length = chain->lengths[b];
        const int64_t *tags = chain->tags + first;
        double loss = chain->edge_peaks - chain->start[tags[0]] - chain->end[tags[length - 1]];
        for (int64_t t = 0; t < length; t++) {
            const float *restrict likelihood = chain->likelihood + (first + t) * size;
            float *restrict state = inside + (first + t) * size;
            if (t) {
                multiply(size, chain->exp_transitions, state - size, state);
                loss += chain->transition_peak - chain->transitions[tags[t - 1] * size + tags[t]];
            } else {
                memcpy(state, chain->exp_start, size * sizeof(float));
            }
            for (int64_t i = 0; i < size; i++)
                state[i] *= likelihood[i];
            loss += logf(normalise(size, state));
            loss += chain->peaks[first + t] - chain->emissions[(first + t) * size + tags[t]];
        }
        losses[b] = loss + logf(dot(size, inside + (first + length - 1) * size, chain->exp_end));
    }
}

/* Gradients of the sum of all losses times their weights, added to those given. `transposed` is the transpose of
   exp_transitions; `memory` has room for 2 K numbers and K x K. */
BODY void crf_backward_body(int variant, const struct chain *chain, const float *transposed, const float *inside,
                            const float *weights, float *d_emissions, float *d_transitions, float *d_start,
                            float *d_end, float *memory) {
    (void)variant;
    const int64_t size = chain->num_tags;
    float *restrict after = memory, *restrict right = memory + size, *restrict pairs = memory + 2 * size;
    memset(pairs, 0, size * size * sizeof(float));
    for (int64_t b = 0; b < chain->batch_size; b++) {
        const int64_t first = b * chain->num_steps, length = chain->lengths[b];
        const int64_t *tags = chain->tags + first;
        const float weight = weights[b];
        memcpy(after, chain->exp_end, size * sizeof(float));
        for (int64_t t = length - 1; t >= 0; t--) {
            const float *restrict before = inside + (first + t) * size;
            const float *restrict likelihood = chain->likelihood + (first + t) * size;
            float *restrict d_own = d_emissions + (first + t) * size;
            const float share = weight / dot(size, before, after);
            for (int64_t i = 0; i < size; i++) {
                d_own[i] += share * before[i] * after[i];
                right[i] = likelihood[i] * after[i];
            }
            d_own[tags[t]] -= weight;
            if (t == length - 1)
                for (int64_t i = 0; i < size; i++)
                    d_end[i] += d_own[i];
            if (t == 0) {
                for (int64_t i = 0; i < size; i++)
                    d_start[i] += d_own[i];
                break;
            }
            multiply(size, transposed, right, after);
            before -= size;
            const float pair_share = weight / dot(size, before, after);
            for (int64_t i = 0; i < size; i++) {
                const float left = pair_share * before[i];
                float *restrict row = pairs + i * size;
                for (int64_t j = 0; j < size; j++)
                    row[j] += left * right[j];
            }
            d_transitions[tags[t - 1] * size + tags[t]] -= weight;
            normalise(size, after);
        }
    }
    for (int64_t i = 0; i < size * size; i++)
        d_transitions[i] += chain->exp_transitions[i] * pairs[i];
}

FOR_EVERY_PROCESSOR(crf_forward, (int variant, const struct chain *chain, float *inside, float *losses),
                    (variant, chain, inside, losses))

FOR_EVERY_PROCESSOR(crf_backward,
                    (int variant, const struct chain *chain, const float *transposed, const float *inside,
                     const float *weights, float *d_emissions, float *d_transitions, float *d_start, float *d_end,
                     float *memory),
                    (variant, chain, transposed, inside, weights, d_emissions, d_transitions, d_start, d_end, memory))
