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
   smaller. Unlike a product with a power of two, this computes with no subnormal number: some processors are slow. */
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

/* Sums or means of rows of a table [R, size], one bag of them after the other: bag i holds places[starts[i]] to
   places[starts[i + 1] - 1]. Rows of `pooled`, `stride` apart, take `num_beside` bags. */
BODY void words_pool_body(int variant, int is_mean, int64_t num_bags, int64_t num_beside, int64_t num_places,
                          int64_t size, int64_t stride, const int64_t *places, const int64_t *starts,
                          const int16_t *table, float *pooled) {
    (void)variant;
    const int64_t ahead = 1 + AHEAD / (size * (int64_t)sizeof *table);
    for (int64_t bag = 0; bag < num_bags; bag++) {
        const int64_t begin = starts[bag], end = starts[bag + 1];
        float *restrict sums = pooled + bag / num_beside * stride + bag % num_beside * size;
        for (int64_t i = begin + ahead; i < end + ahead && i < num_places; i++)
            prefetch(table + places[i] * size, size);
        if (begin == end)
            memset(sums, 0, size * sizeof *sums);
        for (int64_t i = begin; i < end; i++) {
            const int16_t *restrict row = table + places[i] * size;
            if (i == begin)
                for (int64_t j = 0; j < size; j++)
                    sums[j] = widen(row[j]);
            else
                for (int64_t j = 0; j < size; j++)
                    sums[j] += widen(row[j]);
        }
        const float divisor = end - begin;
        if (is_mean && end > begin + 1)
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

/* Of each row the maximum over pieces [num_pieces, size] with their bias, normalised, scaled and shifted. What is not a
   number stays so. */
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
                    vector[i] = value > vector[i] || value != value ? value : vector[i];
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
BODY void hash_ngrams(int64_t num_rows, int64_t shortest, int64_t longest, const uint32_t *codes, int64_t length,
                      uint64_t norm, int64_t *ngrams) {
    int64_t count = 0;
    for (int64_t n = shortest; n <= longest && n <= length; n++) {
        const int64_t num_places = length - n + 1;
        for (int64_t i = 0; i < num_places; i++) {
            uint64_t state = OFFSET;
            if (n > shortest)
                state = extend(ngrams[count - num_places - 1 + i], codes[i + n - 1]);
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
        ngrams[i] = to_row(ngrams[i], MULTIPLIER, num_rows);
}

/* Rows of the features [W, NUM_KINDS, 2], and of the n-grams, those of word w from ngrams[ngram_starts[w]] on. The
   text of word w, with a mark before and after it, is codes[starts[w]] to codes[starts[w + 1] - 1]; the kinds of its
   characters lie likewise, without marks. Feature i has sizes[i] rows of the table from firsts[i] on. */
BODY void words_hash_body(int variant, int64_t num_words, int64_t num_ngram_rows, int64_t shortest, int64_t longest,
                          const uint32_t *codes, const int64_t *starts, const uint32_t *kinds,
                          const int64_t *kind_starts, const int64_t *sizes, const int64_t *firsts,
                          const int64_t *ngram_starts, int64_t *rows, int64_t *ngrams) {
    (void)variant;
    for (int64_t word = 0; word < num_words; word++) {
        const uint32_t *text = codes + starts[word];
        const int64_t length = starts[word + 1] - starts[word];
        uint64_t hashes[NUM_KINDS];
        hash_affixes(text + 1, length - 2, hashes);
        hashes[NUM_KINDS - 1] = hash_shape(kinds + kind_starts[word], kind_starts[word + 1] - kind_starts[word]);
        for (int i = 0; i < NUM_KINDS; i++, rows += 2) {
            rows[0] = firsts[i] + to_row(hashes[i], MULTIPLIER, sizes[i]);
            rows[1] = firsts[i] + to_row(hashes[i], OTHER_MULTIPLIER, sizes[i]);
        }
        hash_ngrams(num_ngram_rows, shortest, longest, text, length, hashes[0], ngrams + ngram_starts[word]);
    }
}

FOR_EVERY_PROCESSOR(words_pool,
                    (int variant, int is_mean, int64_t num_bags, int64_t num_beside, int64_t num_places, int64_t size,
                     int64_t stride, const int64_t *places, const int64_t *starts, const int16_t *table,
                     float *pooled),
                    (variant, is_mean, num_bags, num_beside, num_places, size, stride, places, starts, table, pooled))

FOR_EVERY_PROCESSOR(words_normalise,
                    (int variant, int64_t num_words, int64_t num_pieces, int64_t size, float epsilon,
                     const float *pieces, const float *bias, const float *scale, const float *shift, float *vectors),
                    (variant, num_words, num_pieces, size, epsilon, pieces, bias, scale, shift, vectors))

FOR_EVERY_PROCESSOR(words_hash,
                    (int variant, int64_t num_words, int64_t num_ngram_rows, int64_t shortest, int64_t longest,
                     const uint32_t *codes, const int64_t *starts, const uint32_t *kinds, const int64_t *kind_starts,
                     const int64_t *sizes, const int64_t *firsts, const int64_t *ngram_starts, int64_t *rows,
                     int64_t *ngrams),
                    (variant, num_words, num_ngram_rows, shortest, longest, codes, starts, kinds, kind_starts, sizes,
                     firsts, ngram_starts, rows, ngrams))
