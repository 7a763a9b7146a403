/* The search for one kind of processor; viterbi.c includes it for each.

   Expects: LANES, numbers in a vector; TARGET, an attribute that names the processor; NAME(x), x with its suffix. */

typedef float NAME(vec) __attribute__((vector_size(LANES * sizeof(float)), aligned(sizeof(float)), may_alias));
typedef int32_t NAME(ivec) __attribute__((vector_size(LANES * sizeof(int32_t)), aligned(sizeof(int32_t)), may_alias));

#define VEC NAME(vec)
#define IVEC NAME(ivec)
#define INLINE static inline __attribute__((always_inline)) TARGET
#define PARTS (BLOCK / LANES)

INLINE VEC NAME(larger)(VEC one, VEC other) {
    const IVEC is_larger = one > other;
    return (VEC)((is_larger & (IVEC)one) | (~is_larger & (IVEC)other));
}

INLINE IVEC NAME(smaller)(IVEC one, IVEC other) {
    const IVEC is_smaller = one < other;
    return (is_smaller & one) | (~is_smaller & other);
}

/* Lanes are compared in pairs, not one after the other: every comparison waits for its operands. */
INLINE float NAME(largest)(VEC values) {
    float lanes[LANES];
    UNROLL for (int i = 0; i < LANES; i++)
        lanes[i] = values[i];
    UNROLL for (int half = LANES / 2; half; half /= 2)
        UNROLL for (int i = 0; i < half; i++)
            lanes[i] = lanes[i + half] > lanes[i] ? lanes[i + half] : lanes[i];
    return lanes[0];
}

INLINE int32_t NAME(smallest)(IVEC values) {
    int32_t lanes[LANES];
    UNROLL for (int i = 0; i < LANES; i++)
        lanes[i] = values[i];
    UNROLL for (int half = LANES / 2; half; half /= 2)
        UNROLL for (int i = 0; i < half; i++)
            lanes[i] = lanes[i + half] < lanes[i] ? lanes[i + half] : lanes[i];
    return lanes[0];
}

/* Take emissions into a sentence's states, in the order of the tags. */
INLINE void NAME(take)(const struct chain *chain, const struct layout *layout, int64_t sentence, const float *emissions,
                       float *restrict states) {
    const int64_t num_tags = chain->num_tags, width = chain->num_blocks * BLOCK;
    for (int64_t t = 0; t < layout->lengths[sentence]; t++, states += width) {
        const float *restrict own = emissions + (layout->offsets[t] + sentence) * num_tags;
        if (t + 1 < layout->lengths[sentence]) {
            /* Far away, with the other sentences' tokens between: nothing else foresees it. */
            const float *ahead = emissions + (layout->offsets[t + 1] + sentence) * num_tags;
            for (int64_t i = 0; i < num_tags; i += 64 / sizeof(float))
                __builtin_prefetch(ahead + i);
        }
        UNROLL for (int64_t i = 0; i < num_tags; i++)
            states[i] = own[chain->order[i]];
        for (int64_t i = num_tags; i < width; i++)
            states[i] = -INFINITY;
    }
}

/* Only differences matter; sums over long sentences would cost the last digits. */
INLINE void NAME(subtract)(int64_t num_parts, VEC *values, float peak) {
    for (int64_t i = 0; i < num_parts; i++)
        values[i] -= peak;
}

INLINE void NAME(begin)(const struct chain *chain, float *states) {
    const int64_t num_parts = chain->num_blocks * PARTS;
    VEC *values = (VEC *)states, top = (VEC){0} - INFINITY;
    for (int64_t i = 0; i < num_parts; i++) {
        values[i] += ((const VEC *)chain->start)[i];
        top = NAME(larger)(values[i], top);
    }
    NAME(subtract)(num_parts, values, NAME(largest)(top));
}

/* Add the best ways to each tag to the emissions of the same token in `count` sentences. */
INLINE void NAME(advance)(int count, const struct chain *chain, float *const *states, int64_t step) {
    const int64_t num_parts = chain->num_blocks * PARTS, width = num_parts * LANES;
    const VEC *entry = (const VEC *)chain->entries;
    const int32_t *source = chain->sources;
    const float *before[ROWS];
    VEC *own[ROWS], top[ROWS];
    UNROLL for (int r = 0; r < count; r++) {
        before[r] = states[r] + (step - 1) * width;
        own[r] = (VEC *)(states[r] + step * width);
        top[r] = (VEC){0} - INFINITY;
    }
    for (int64_t block = 0; block < chain->num_blocks; block++) {
        VEC best[ROWS][PARTS];
        /* The best score before is 0. What is forbidden from there has just this, and from elsewhere no more. */
        UNROLL for (int r = 0; r < count; r++)
            UNROLL for (int i = 0; i < PARTS; i++)
                best[r][i] = (VEC){0} + chain->forbidden;
        for (const int32_t *end = chain->sources + chain->starts[block + 1]; source < end; source++, entry += PARTS)
            UNROLL for (int r = 0; r < count; r++)
                UNROLL for (int i = 0; i < PARTS; i++)
                    best[r][i] = NAME(larger)(before[r][*source] + entry[i], best[r][i]);
        UNROLL for (int r = 0; r < count; r++)
            UNROLL for (int i = 0; i < PARTS; i++) {
                const VEC score = best[r][i] + own[r][block * PARTS + i];
                own[r][block * PARTS + i] = score;
                top[r] = NAME(larger)(score, top[r]);
            }
    }
    UNROLL for (int r = 0; r < count; r++)
        NAME(subtract)(num_parts, own[r], NAME(largest)(top[r]));
}

/* The first tag of those whose sum is the largest. */
INLINE int64_t NAME(best_tag)(const struct chain *chain, const float *state, const float *scores) {
    const int64_t num_parts = chain->num_blocks * PARTS;
    const VEC *one = (const VEC *)state, *other = (const VEC *)scores;
    const IVEC none = (IVEC){0} + (int32_t)chain->num_tags;
    VEC top = (VEC){0} - INFINITY;
    for (int64_t i = 0; i < num_parts; i++)
        top = NAME(larger)(one[i] + other[i], top);
    const float peak = NAME(largest)(top);
    IVEC found = none;
    for (int64_t i = 0; i < num_parts; i++) {
        const IVEC is_best = one[i] + other[i] == peak;
        found = NAME(smaller)((is_best & ((const IVEC *)chain->order)[i]) | (~is_best & none), found);
    }
    const int32_t tag = NAME(smallest)(found);
    return tag < chain->num_tags ? tag : 0; /* none, where scores are not numbers */
}

INLINE void NAME(go_back)(const struct chain *chain, const struct layout *layout, int64_t sentence, const float *states,
                          int64_t *tags) {
    const int64_t width = chain->num_blocks * BLOCK;
    const float *scores = chain->end;
    for (int64_t t = layout->lengths[sentence] - 1; t >= 0; t--) {
        const int64_t tag = NAME(best_tag)(chain, states + t * width, scores);
        tags[layout->offsets[t] + sentence] = tag;
        scores = chain->arriving + tag * width;
    }
}

static TARGET void NAME(viterbi)(const struct chain *chain, const struct layout *layout, const float *emissions,
                                 float *memory, int64_t *tags) {
    for (int64_t first = 0; first < layout->num_sentences; first += ROWS) {
        const int64_t *lengths = layout->lengths + first, remaining = layout->num_sentences - first;
        const int count = remaining < ROWS ? remaining : ROWS;
        float *states[ROWS], *next = memory;
        for (int r = 0; r < count; r++) {
            states[r] = next;
            NAME(take)(chain, layout, first + r, emissions, next);
            NAME(begin)(chain, next);
            next += lengths[r] * chain->num_blocks * BLOCK;
        }
        int64_t together = 1;
        if (count == ROWS)
            for (; together < lengths[ROWS - 1]; together++)
                NAME(advance)(ROWS, chain, states, together);
        for (int r = 0; r < count; r++) {
            for (int64_t t = together; t < lengths[r]; t++)
                NAME(advance)(1, chain, states + r, t);
            NAME(go_back)(chain, layout, first + r, states[r], tags);
        }
    }
}

#undef VEC
#undef IVEC
#undef INLINE
#undef PARTS
