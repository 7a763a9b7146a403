/* What a training step does to tables of which it touches few rows: finding these, sums of rows, their gradient, and the
   update.

   The update is what training/table_optimizer.py writes as a chain of array operations, each of which goes through
   memory that no cache holds; here a row is fetched once. The callers, in tables.py beside this file, check all sizes
   and places. */

#define INTERFACE 2

#include <math.h>
#include <string.h>

#include "processors.h"

#define AHEAD 4 /* rows by which fetching from memory precedes computing */

/* R rows of D weights; their moments and averages, [R, 3, D]; when they were last touched, [R]. */
struct table {
    float *weights, *moments, *last, *last_decay;
    int64_t row_size;
};

/* powers1 and powers2 hold the powers of the moments' decays, of which the last ones are zero. */
struct step {
    const float *powers1, *powers2;
    int64_t num_powers;
    double learning_rate, weight_decay, log_decay;
    double beta1, beta2, epsilon;
    int64_t update; /* how many updates were made so far */
};

BODY float power(const float *powers, const struct step *step, int64_t exponent) {
    return powers[exponent < step->num_powers ? exponent : step->num_powers - 1];
}

BODY void prefetch(const float *from, int64_t count) {
    for (int64_t i = 0; i < count; i += 64 / sizeof(float))
        __builtin_prefetch(from + i, 1);
}

/* Bring a row to where updates without a gradient would have brought it. */
BODY void catch_up(const struct step *step, int64_t size, int64_t last, float *restrict weight, float *restrict first,
                   float *restrict second) {
    const int64_t missed = step->update - last;
    if (missed <= 0)
        return;
    const float fade1 = power(step->powers1, step, missed), fade2 = power(step->powers2, step, missed);
    const int64_t touched = last > 1 ? last : 1;
    const double ratio = step->beta1 / sqrt(step->beta2);
    const double steps = ratio * (1 - (fade2 > 0 ? fade1 / sqrtf(fade2) : 0)) / (1 - ratio);
    const float scale = step->learning_rate * steps / (1 - power(step->powers1, step, touched));
    const float correction = 1 / sqrtf(1 - power(step->powers2, step, touched)), epsilon = step->epsilon;
    const float shrink = 1 - step->learning_rate * step->weight_decay * missed;
    for (int64_t i = 0; i < size; i++) {
        weight[i] = weight[i] * shrink - scale * first[i] / (sqrtf(second[i]) * correction + epsilon);
        first[i] *= fade1;
        second[i] *= fade2;
    }
}

BODY void tables_update_body(int variant, const struct table *table, const struct step *step, int64_t num_rows,
                             const int64_t *rows, const float *gradients) {
    (void)variant;
    const int64_t size = table->row_size, update = step->update + 1;
    const float rate = step->learning_rate / (1 - power(step->powers1, step, update));
    const float correction = 1 / sqrtf(1 - power(step->powers2, step, update)), epsilon = step->epsilon;
    const float shrink = 1 - step->learning_rate * step->weight_decay;
    const float beta2 = step->beta2, share1 = 1 - step->beta1, share2 = 1 - step->beta2;
    for (int64_t i = 0; i < num_rows; i++) {
        const int64_t row = rows ? rows[i] : i;
        if (rows && i + AHEAD < num_rows) {
            prefetch(table->weights + rows[i + AHEAD] * size, size);
            prefetch(table->moments + rows[i + AHEAD] * 3 * size, 3 * size);
        }
        float *restrict weight = table->weights + row * size, *restrict first = table->moments + row * 3 * size;
        float *restrict second = first + size, *restrict average = second + size;
        catch_up(step, size, (int64_t)table->last[row], weight, first, second);
        const float moved = 1 - expf(step->log_decay - table->last_decay[row]);
        for (int64_t j = 0; j < size; j++)
            average[j] += moved * (weight[j] - average[j]);
        table->last_decay[row] = step->log_decay;
        table->last[row] = gradients ? update : step->update;
        if (!gradients)
            continue;
        const float *restrict gradient = gradients + i * size;
        for (int64_t j = 0; j < size; j++) {
            first[j] += share1 * (gradient[j] - first[j]);
            second[j] = second[j] * beta2 + share2 * gradient[j] * gradient[j];
            weight[j] = weight[j] * shrink - rate * first[j] / (sqrtf(second[j]) * correction + epsilon);
        }
    }
}

/* Bag i holds the places starts[i] to starts[i + 1] - 1; there are num_bags + 1 starts. */
BODY void tables_pool_body(int variant, int64_t num_bags, int64_t size, int is_mean, const int64_t *places,
                           const int64_t *starts, const float *table, float *pooled) {
    (void)variant;
    for (int64_t bag = 0; bag < num_bags; bag++) {
        float *restrict sum = pooled + bag * size;
        memset(sum, 0, size * sizeof(float));
        for (int64_t i = starts[bag]; i < starts[bag + 1]; i++) {
            const float *restrict row = table + places[i] * size;
            for (int64_t j = 0; j < size; j++)
                sum[j] += row[j];
        }
        if (is_mean && starts[bag + 1] > starts[bag] + 1) {
            const float scale = 1.0f / (starts[bag + 1] - starts[bag]);
            for (int64_t j = 0; j < size; j++)
                sum[j] *= scale;
        }
    }
}

/* Add the bags' gradients to the rows'. */
BODY void tables_pool_backward_body(int variant, int64_t num_bags, int64_t size, int is_mean, const int64_t *places,
                                    const int64_t *starts, const float *gradients, float *d_table) {
    (void)variant;
    for (int64_t bag = 0; bag < num_bags; bag++) {
        const float *restrict gradient = gradients + bag * size;
        const int64_t count = starts[bag + 1] - starts[bag];
        const float scale = is_mean && count > 1 ? 1.0f / count : 1.0f;
        for (int64_t i = starts[bag]; i < starts[bag + 1]; i++) {
            float *restrict row = d_table + places[i] * size;
            for (int64_t j = 0; j < size; j++)
                row[j] += scale * gradient[j];
        }
    }
}

/* Find the distinct rows among `count` of them, rising, and the place of each among these; return how many they are.
   `numbers` holds a zero for every row of the table. */
int64_t tables_distinct(int64_t count, const int64_t *rows, int64_t num_rows, int32_t *numbers, int64_t *distinct,
                        int64_t *places) {
    int64_t num_distinct = 0;
    for (int64_t i = 0; i < count; i++)
        numbers[rows[i]] = 1;
    for (int64_t row = 0; row < num_rows; row++)
        if (numbers[row]) {
            numbers[row] = (int32_t)num_distinct;
            distinct[num_distinct++] = row;
        }
    for (int64_t i = 0; i < count; i++)
        places[i] = numbers[rows[i]];
    return num_distinct;
}

FOR_EVERY_PROCESSOR(tables_update,
                    (int variant, const struct table *table, const struct step *step, int64_t num_rows,
                     const int64_t *rows, const float *gradients),
                    (variant, table, step, num_rows, rows, gradients))

FOR_EVERY_PROCESSOR(tables_pool,
                    (int variant, int64_t num_bags, int64_t size, int is_mean, const int64_t *places,
                     const int64_t *starts, const float *table, float *pooled),
                    (variant, num_bags, size, is_mean, places, starts, table, pooled))

FOR_EVERY_PROCESSOR(tables_pool_backward,
                    (int variant, int64_t num_bags, int64_t size, int is_mean, const int64_t *places,
                     const int64_t *starts, const float *gradients, float *d_table),
                    (variant, num_bags, size, is_mean, places, starts, gradients, d_table))
