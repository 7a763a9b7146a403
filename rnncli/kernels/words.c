/* What is computed of every new word: hashes of its parts, sums of the table rows that these choose, and, after the
   projection, maxout and layer normalisation.

   The hashes are those of data/features.py and the sums those of runtime/word_vectors.py and runtime/linear_path.py,
   whose array operations are used where this library was not built. The callers, in words.py beside this file, check
   all sizes and places. */

#define INTERFACE 1

#include <math.h>
#include <string.h>

#include "processors.h"

#define AHEAD 4096 /* bytes by which fetching from memory precedes computing */
#define LINE 64    /* bytes that are fetched at once */
#define LANES 16   /* sums that are taken side by side */

#define OFFSET 0xCBF29CE484222325u
#define PRIME 0x100000001B3u
#define MULTIPLIER 0x9E3779B97F4A7C15u
#define OTHER_MULTIPLIER 0xC2B2AE3D27D4EB4Fu
#define SHAPE_RUN 4

/* A number of half precision. With its bits where single precision has them, and the exponent moved, a subnormal one
   lacks its leading zero: twice the number less the smallest normal one puts that right, and makes normal ones no
   smaller. Unlike a product with a power of two, this never computes with subnormal numbers, which is slow. */
BODY float widen(int16_t half) {
    const uint32_t bits = (uint32_t)(int32_t)half << 13;
    uint32_t moved = (bits & 0x0FFFE000u) + 0x38000000u;
    float value;
    memcpy(&value, &moved, sizeof value);
    const float shrunk = 2 * value - 0x1p-14f;
    value = shrunk < value ? shrunk : value;
    memcpy(&moved, &value, sizeof moved);
    moved |= bits & 0x80000000u;
    memcpy(&value, &moved, sizeof value);
    return value;
}

BODY void prefetch(const int16_t *from, int64_t count) {
    for (int64_t i = 0; i < count; i += LINE / sizeof *from)
        __builtin_prefetch(from + i);
}

/* Bags of places: bag i holds places[starts[i]] to places[starts[i + 1] - 1]. */
struct bags {
    const int64_t *places, *starts;
    int64_t num_bags, num_places;
};

/* Sums or means of each bag's rows of a table of rows of `size` numbers. Rows of `pooled`, `stride` apart, take
   `num_beside` bags. */
BODY void words_pool_body(int variant, const struct bags *bags, int is_mean, int64_t size, const int16_t *table,
                          int64_t num_beside, int64_t stride, float *pooled) {
    (void)variant;
    const int64_t ahead = 1 + AHEAD / (size * (int64_t)sizeof *table);
    for (int64_t bag = 0; bag < bags->num_bags; bag++) {
        const int64_t begin = bags->starts[bag], num_rows = bags->starts[bag + 1] - begin;
        const int64_t *places = bags->places + begin;
        float *restrict sums = pooled + bag / num_beside * stride + bag % num_beside * size;
        for (int64_t i = ahead; i < ahead + num_rows && begin + i < bags->num_places; i++)
            prefetch(table + places[i] * size, size);
        if (!num_rows)
            memset(sums, 0, size * sizeof *sums);
        for (int64_t i = 0; i < num_rows; i++) {
            const int16_t *restrict row = table + places[i] * size;
            if (i)
                for (int64_t j = 0; j < size; j++)
                    sums[j] += widen(row[j]);
            else
                for (int64_t j = 0; j < size; j++)
                    sums[j] = widen(row[j]);
        }
        const float divisor = num_rows;
        if (is_mean && num_rows > 1)
            for (int64_t j = 0; j < size; j++)
                sums[j] /= divisor;
    }
}

/* The sum of numbers less `shift`, or of the squares of that. */
BODY float sum_up(int64_t size, const float *values, float shift, int is_square) {
    float parts[LANES] = {0}, sum = 0;
    int64_t i = 0;
    for (; i + LANES <= size; i += LANES)
        for (int j = 0; j < LANES; j++) {
            const float value = values[i + j] - shift;
            parts[j] += is_square ? value * value : value;
        }
    for (; i < size; i++) {
        const float value = values[i] - shift;
        sum += is_square ? value * value : value;
    }
    for (int j = 0; j < LANES; j++)
        sum += parts[j];
    return sum;
}

/* Of each row the maximum over pieces [num_pieces, size] with their bias, normalised, scaled and shifted. */
BODY void words_normalise_body(int variant, int64_t num_words, int64_t num_pieces, int64_t size, float epsilon,
                               const float *pieces, const float *bias, const float *scale, const float *shift,
                               float *vectors) {
    (void)variant;
    for (int64_t word = 0; word < num_words; word++) {
        float *restrict vector = vectors + word * size;
        for (int64_t piece = 0; piece < num_pieces; piece++) {
            const float *restrict values = pieces + (word * num_pieces + piece) * size;
            const float *restrict own = bias + piece * size;
            if (piece)
                for (int64_t i = 0; i < size; i++) {
                    const float value = values[i] + own[i];
                    vector[i] = value < vector[i] ? vector[i] : value;
                }
            else
                for (int64_t i = 0; i < size; i++)
                    vector[i] = values[i] + own[i];
        }
        const float mean = sum_up(size, vector, 0, 0) / size;
        const float deviation = sqrtf(sum_up(size, vector, mean, 1) / size + epsilon);
        for (int64_t i = 0; i < size; i++)
            vector[i] = (vector[i] - mean) / deviation * scale[i] + shift[i];
    }
}

BODY uint64_t extend(uint64_t state, uint32_t code) { return (state ^ code) * PRIME; }

/* Spread a hash by a multiplier, and bring its upper half into 0 to size - 1. */
BODY int64_t to_row(uint64_t hash, uint64_t multiplier, uint64_t size) {
    return ((hash ^ hash >> 32) * multiplier >> 32) * size >> 32;
}

/* W texts one after the other: that of word w is codes[starts[w]] to codes[starts[w + 1] - 1]. */
struct texts {
    const uint32_t *codes;
    const int64_t *starts;
};

/* For each kind of feature, the word, its prefixes, its suffixes and its shape, how many rows it has and which is the
   first; and for n-grams how many, and from which length to which. */
struct layout {
    const int64_t *sizes, *firsts;
    int64_t num_ngram_rows, shortest, longest;
};

#define NUM_KINDS 9

/* Hash a word, its first one to three and its last one to four characters. */
BODY void hash_affixes(const uint32_t *codes, int64_t length, uint64_t *hashes) {
    uint64_t state = OFFSET;
    for (int64_t i = 0; i < length; i++) {
        state = extend(state, codes[i]);
        if (i < 3)
            hashes[1 + i] = state;
    }
    hashes[0] = state;
    for (int64_t i = length; i < 3; i++)
        hashes[1 + i] = state;
    state = OFFSET;
    for (int64_t i = 1; i <= 4; i++) {
        if (i <= length)
            state = extend(state, codes[length - i]);
        hashes[3 + i] = state;
    }
}

BODY uint64_t hash_shape(const uint32_t *kinds, int64_t length) {
    uint64_t state = OFFSET;
    for (int64_t i = 0, run = 0; i < length; i++) {
        run = i && kinds[i] == kinds[i - 1] ? run + 1 : 1;
        if (run <= SHAPE_RUN)
            state = extend(state, kinds[i]);
    }
    return state;
}

/* Rows of the n-grams of a text, or of `norm` where it is too short for any; an n-gram continues the shorter one of
   the same place. Rows take the places of the hashes. */
BODY void hash_ngrams(const struct layout *layout, const uint32_t *codes, int64_t length, uint64_t norm,
                      int64_t *ngrams) {
    int64_t count = 0;
    for (int64_t n = layout->shortest; n <= layout->longest && n <= length; n++) {
        const int64_t num_places = length - n + 1;
        const int64_t *shorter = ngrams + count - num_places - 1;
        for (int64_t i = 0; i < num_places; i++) {
            uint64_t state = OFFSET;
            if (n > layout->shortest)
                state = extend(shorter[i], codes[i + n - 1]);
            else
                for (int64_t j = 0; j < n; j++)
                    state = extend(state, codes[i + j]);
            ngrams[count + i] = state;
        }
        count += num_places;
    }
    if (!count)
        ngrams[count++] = norm;
    for (int64_t i = 0; i < count; i++)
        ngrams[i] = to_row(ngrams[i], MULTIPLIER, layout->num_ngram_rows);
}

/* Rows of the features [W, NUM_KINDS, 2], and of the n-grams, those of word w from ngrams[ngram_starts[w]] on. The
   texts have a mark before and after each word, the shapes have none. */
BODY void words_hash_body(int variant, int64_t num_words, const struct texts *texts, const struct texts *shapes,
                          const struct layout *layout, const int64_t *ngram_starts, int64_t *rows, int64_t *ngrams) {
    (void)variant;
    for (int64_t word = 0; word < num_words; word++) {
        const int64_t *bounds = texts->starts + word, *shape_bounds = shapes->starts + word;
        const uint32_t *text = texts->codes + bounds[0];
        const int64_t length = bounds[1] - bounds[0];
        uint64_t hashes[NUM_KINDS];
        hash_affixes(text + 1, length - 2, hashes);
        hashes[NUM_KINDS - 1] = hash_shape(shapes->codes + shape_bounds[0], shape_bounds[1] - shape_bounds[0]);
        for (int i = 0; i < NUM_KINDS; i++, rows += 2) {
            rows[0] = layout->firsts[i] + to_row(hashes[i], MULTIPLIER, layout->sizes[i]);
            rows[1] = layout->firsts[i] + to_row(hashes[i], OTHER_MULTIPLIER, layout->sizes[i]);
        }
        hash_ngrams(layout, text, length, hashes[0], ngrams + ngram_starts[word]);
    }
}

FOR_EVERY_PROCESSOR(words_pool,
                    (int variant, const struct bags *bags, int is_mean, int64_t size, const int16_t *table,
                     int64_t num_beside, int64_t stride, float *pooled),
                    (variant, bags, is_mean, size, table, num_beside, stride, pooled))

FOR_EVERY_PROCESSOR(words_normalise,
                    (int variant, int64_t num_words, int64_t num_pieces, int64_t size, float epsilon,
                     const float *pieces, const float *bias, const float *scale, const float *shift, float *vectors),
                    (variant, num_words, num_pieces, size, epsilon, pieces, bias, scale, shift, vectors))

FOR_EVERY_PROCESSOR(words_hash,
                    (int variant, int64_t num_words, const struct texts *texts, const struct texts *shapes,
                     const struct layout *layout, const int64_t *ngram_starts, int64_t *rows, int64_t *ngrams),
                    (variant, num_words, texts, shapes, layout, ngram_starts, rows, ngrams))
