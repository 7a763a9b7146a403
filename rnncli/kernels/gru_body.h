/* The recurrence for one kind of number and one kind of processor; gru.c includes it once for each pair.

   Expects: REAL, the number; INTEGER, an integer of the same size; LANES, numbers in a vector; TARGET, an attribute
   that names the processor; NAME(x), x with the pair's suffix; EXP, `exact` for libm's exponential or `fast`.

   Sentences do not see each other, so a block of at most ROWS of them is taken through all its steps before the next
   one is begun: its states stay in the first cache, and blocks can be shared out to threads. */

typedef REAL NAME(vec) __attribute__((vector_size(LANES * sizeof(REAL)), aligned(sizeof(REAL)), may_alias));
typedef INTEGER NAME(ivec) __attribute__((vector_size(LANES * sizeof(REAL)), aligned(sizeof(REAL)), may_alias));

#define VEC NAME(vec)
#define IVEC NAME(ivec)
#define PANEL (2 * LANES)

static inline TARGET VEC NAME(load)(const REAL *from) { return *(const VEC *)from; }

static inline TARGET void NAME(store)(REAL *to, VEC value) { *(VEC *)to = value; }

static inline TARGET VEC NAME(load_part)(const REAL *from, int64_t count) {
    if (count >= LANES)
        return NAME(load)(from);
    VEC value = {0};
    memcpy(&value, from, count * sizeof(REAL));
    return value;
}

static inline TARGET void NAME(store_part)(REAL *to, VEC value, int64_t count) {
    if (count >= LANES)
        NAME(store)(to, value);
    else
        memcpy(to, &value, count * sizeof(REAL));
}

static inline TARGET VEC NAME(choose)(IVEC mask, VEC yes, VEC no) {
    return (VEC)((mask & (IVEC)yes) | (~mask & (IVEC)no));
}

/* The exponential. In single precision, Cephes' polynomial (Moshier 1989), within two units in the last place. What is
   not a number stays so. */
static inline TARGET VEC NAME(exponential)(VEC x) {
#if EXP_EXACT
    for (int i = 0; i < LANES; i++)
        x[i] = exp(x[i]);
    return x;
#else
    const VEC least = (VEC){0} - 87.0f, most = (VEC){0} + 88.0f;
    x = NAME(choose)(x < least, least, x);
    x = NAME(choose)(x > most, most, x);
    /* Adding 1.5 * 2^23 rounds to an integer, and leaves it in the lower bits. */
    VEC shifted = x * 1.44269504088896341f + 12582912.0f;
    VEC power = shifted - 12582912.0f;
    VEC rest = x - power * 0.693359375f + power * 2.12194440e-4f;
    VEC y = rest * 1.9875691500e-4f + 1.3981999507e-3f;
    y = y * rest + 8.3334519073e-3f;
    y = y * rest + 4.1665795894e-2f;
    y = y * rest + 1.6666665459e-1f;
    y = y * rest + 5.0000001201e-1f;
    y = y * rest * rest + rest + 1.0f;
    return y * (VEC)(((IVEC)shifted + (0x3F800000 >> 23)) << 23);
#endif
}

static inline TARGET VEC NAME(sigmoid)(VEC x) { return 1 / (1 + NAME(exponential)(-x)); }

static inline TARGET VEC NAME(hyperbolic)(VEC x) { return 1 - 2 / (1 + NAME(exponential)(x + x)); }

/* Lay a matrix [depth, width] out in panels of PANEL columns, filled up with zeros. */
static TARGET void NAME(pack)(const REAL *from, int64_t row, int64_t column, int64_t depth, int64_t width,
                              REAL *to) {
    for (int64_t begin = 0; begin < width; begin += PANEL)
        for (int64_t k = 0; k < depth; k++)
            for (int64_t j = begin; j < begin + PANEL; j++)
                *to++ = j < width ? from[k * row + j * column] : 0;
}

/* One panel of a product: c[count, PANEL] = a[count, depth] times b[depth, PANEL]. */
#define TIMES(count)                                                                                                   \
    static inline TARGET void NAME(times_##count)(int64_t depth, const REAL *restrict a, int64_t lda,            \
                                                  const REAL *restrict b, REAL *restrict c, int64_t ldc) {          \
        VEC left[count] = {{0}}, right[count] = {{0}};                                                                 \
        for (int64_t k = 0; k < depth; k++, b += PANEL) {                                                           \
            const VEC b_left = NAME(load)(b), b_right = NAME(load)(b + LANES);                                         \
            UNROLL for (int i = 0; i < count; i++) {                                                                   \
                const VEC scale = a[i * lda + k] - (VEC){0};                                                            \
                left[i] += scale * b_left;                                                                             \
                right[i] += scale * b_right;                                                                           \
            }                                                                                                          \
        }                                                                                                              \
        UNROLL for (int i = 0; i < count; i++) {                                                                       \
            NAME(store)(c + i * ldc, left[i]);                                                                         \
            NAME(store)(c + i * ldc + LANES, right[i]);                                                                \
        }                                                                                                              \
    }
TIMES(1)
TIMES(2)
TIMES(3)
TIMES(4)
TIMES(5)
TIMES(6)
#undef TIMES

/* c[count, width] = a[count, depth] times a packed matrix. */
static TARGET void NAME(multiply)(int count, int64_t depth, int64_t width, const REAL *a, int64_t lda,
                                  const REAL *packed, REAL *c, int64_t ldc) {
    for (int64_t j = 0; j < width; j += PANEL, packed += depth * PANEL)
        switch (count) {
        case 1: NAME(times_1)(depth, a, lda, packed, c + j, ldc); break;
        case 2: NAME(times_2)(depth, a, lda, packed, c + j, ldc); break;
        case 3: NAME(times_3)(depth, a, lda, packed, c + j, ldc); break;
        case 4: NAME(times_4)(depth, a, lda, packed, c + j, ldc); break;
        case 5: NAME(times_5)(depth, a, lda, packed, c + j, ldc); break;
        default: NAME(times_6)(depth, a, lda, packed, c + j, ldc);
        }
}

/* The place of a sentence's token at a step of its reading. */
static inline int64_t NAME(place)(const struct layout *layout, int64_t sentence, int64_t step) {
    int64_t t = layout->reverse ? layout->lengths[sentence] - 1 - step : step;
    return layout->starts[sentence] + layout->offsets[t];
}

static TARGET int NAME(forward)(const struct layout *layout, const struct matrix *gates, const int64_t *rows,
                                const struct matrix *weight, const REAL *bias, const struct matrix *states,
                                const struct matrix *saved) {
    const int64_t size = layout->hidden_size, wide = ROUND_UP(size, PANEL);
    REAL *memory = calloc(size * 3 * wide + ROWS * 4 * wide, sizeof(REAL));
    if (memory == NULL)
        return 0;
    REAL *packed = memory, *state = memory + size * 3 * wide, *products = state + ROWS * wide;
    for (int gate = 0; gate < 3; gate++)
        NAME(pack)((const REAL *)weight->data + gate * size, weight->stride, 1, size, size, packed + gate * size * wide);
    for (int64_t block = layout->begin; block < layout->end; block++) {
        const int64_t first = FIRST_OF(block, layout), after = FIRST_OF(block + 1, layout);
        memset(state, 0, ROWS * wide * sizeof(REAL));
        int count = (int)(after - first);
        for (int64_t step = 0; step < layout->lengths[first]; step++) {
            while (layout->lengths[first + count - 1] <= step)
                count--;
            /* Rows of words lie anywhere in memory; they come while the product is computed. */
            for (int i = 0; rows && i < count; i++) {
                const char *ahead = gates->data + rows[NAME(place)(layout, first + i, step)] * gates->stride * sizeof(REAL);
                for (int64_t j = 0; j < 3 * size * (int64_t)sizeof(REAL); j += LINE)
                    __builtin_prefetch(ahead + j);
            }
            NAME(multiply)(count, size, 3 * wide, state, wide, packed, products, 3 * wide);
            for (int i = 0; i < count; i++) {
                const int64_t at = NAME(place)(layout, first + i, step);
                const REAL *given = (const REAL *)gates->data + (rows ? rows[at] : at) * gates->stride;
                const REAL *product = products + i * 3 * wide;
                REAL *own = state + i * wide, *shown = (REAL *)states->data + at * states->stride;
                REAL *kept = saved ? (REAL *)saved->data + at * saved->stride : NULL;
                for (int64_t j = 0; j < size; j += LANES) {
                    const int64_t left = size - j;
                    const VEC reset = NAME(sigmoid)(NAME(load_part)(given + j, left) + NAME(load)(product + j));
                    const VEC update =
                        NAME(sigmoid)(NAME(load_part)(given + size + j, left) + NAME(load)(product + wide + j));
                    const VEC inner = NAME(load)(product + 2 * wide + j) + NAME(load_part)(bias + j, left);
                    const VEC new = NAME(hyperbolic)(NAME(load_part)(given + 2 * size + j, left) + reset * inner);
                    const VEC result = new + update * (NAME(load)(own + j) - new);
                    NAME(store)(own + j, result);
                    NAME(store_part)(shown + j, result, left);
                    if (kept) {
                        NAME(store_part)(kept + j, reset, left);
                        NAME(store_part)(kept + size + j, update, left);
                        NAME(store_part)(kept + 2 * size + j, new, left);
                        NAME(store_part)(kept + 3 * size + j, inner, left);
                    }
                }
            }
        }
    }
    free(memory);
    return 1;
}

static TARGET int NAME(backward)(const struct layout *layout, const struct matrix *grad, const struct matrix *states,
                                 const struct matrix *saved, const struct matrix *weight,
                                 const struct matrix *d_gates, const struct matrix *d_recurrent,
                                 const struct matrix *previous) {
    const int64_t size = layout->hidden_size, wide = ROUND_UP(size, PANEL);
    REAL *memory = calloc(size * 3 * wide + ROWS * 2 * wide + ROWS * 3 * size + LANES, sizeof(REAL));
    if (memory == NULL)
        return 0;
    REAL *packed = memory, *d_state = memory + size * 3 * wide, *products = d_state + ROWS * wide;
    REAL *d_inner = products + ROWS * wide;
    NAME(pack)((const REAL *)weight->data, 1, weight->stride, 3 * size, size, packed);
    for (int64_t block = layout->begin; block < layout->end; block++) {
        const int64_t first = FIRST_OF(block, layout), after = FIRST_OF(block + 1, layout);
        memset(d_state, 0, ROWS * wide * sizeof(REAL));
        int count = 1;
        for (int64_t step = layout->lengths[first] - 1; step >= 0; step--) {
            while (first + count < after && layout->lengths[first + count] > step)
                count++;
            for (int i = 0; i < count; i++) {
                const int64_t at = NAME(place)(layout, first + i, step);
                const REAL *kept = (const REAL *)saved->data + at * saved->stride;
                const REAL *d_shown = (const REAL *)grad->data + at * grad->stride;
                REAL *d_given = (REAL *)d_gates->data + at * d_gates->stride;
                REAL *own = d_state + i * wide, *d_own = d_inner + i * 3 * size;
                REAL *before = (REAL *)previous->data + at * previous->stride;
                if (step)
                    memcpy(before, (const REAL *)states->data + NAME(place)(layout, first + i, step - 1) * states->stride,
                           size * sizeof(REAL));
                else
                    memset(before, 0, size * sizeof(REAL));
                for (int64_t j = 0; j < size; j += LANES) {
                    const int64_t left = size - j;
                    const VEC reset = NAME(load_part)(kept + j, left), update = NAME(load_part)(kept + size + j, left);
                    const VEC new = NAME(load_part)(kept + 2 * size + j, left);
                    const VEC inner = NAME(load_part)(kept + 3 * size + j, left);
                    const VEC d = NAME(load)(own + j) + NAME(load_part)(d_shown + j, left);
                    const VEC d_new = d * (1 - update) * (1 - new * new);
                    const VEC d_update = d * (NAME(load_part)(before + j, left) - new) * update * (1 - update);
                    const VEC d_reset = d_new * inner * reset * (1 - reset);
                    NAME(store)(own + j, d * update);
                    NAME(store_part)(d_given + j, d_reset, left);
                    NAME(store_part)(d_given + size + j, d_update, left);
                    NAME(store_part)(d_given + 2 * size + j, d_new, left);
                    NAME(store_part)(d_own + j, d_reset, left);
                    NAME(store_part)(d_own + size + j, d_update, left);
                    NAME(store_part)(d_own + 2 * size + j, d_new * reset, left);
                }
                memcpy((REAL *)d_recurrent->data + at * d_recurrent->stride, d_own, 3 * size * sizeof(REAL));
            }
            if (step == 0)
                break;
            NAME(multiply)(count, 3 * size, wide, d_inner, 3 * size, packed, products, wide);
            for (int i = 0; i < count; i++)
                for (int64_t j = 0; j < wide; j += LANES)
                    NAME(store)(d_state + i * wide + j,
                                NAME(load)(d_state + i * wide + j) + NAME(load)(products + i * wide + j));
        }
    }
    free(memory);
    return 1;
}

#undef VEC
#undef IVEC
#undef PANEL
