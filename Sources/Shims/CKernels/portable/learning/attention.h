// Attention in tiles of queries and keys, never the whole of it. Scores lie with keys down and queries across, so that
// everything that is done along a query's keys is a chain for each query, and all products read their factors as they lie
// but for a tile of queries.

enum { QUERIES = 64, KEYS = 256 };

typedef struct {
    product_scratch products;
    REAL scores[KEYS * QUERIES];
    REAL gradients[KEYS * QUERIES];
} learning_scratch;

/// The columns of one head.
TENON_INLINE tenon_matrix head_of(tenon_matrix all, size_t head, size_t size) {
    all.start = (REAL *)all.start + head * size;
    all.columns = size;
    return all;
}

TENON_INLINE tenon_operand operand(const REAL *start, size_t stride, bool is_transposed) {
    return (tenon_operand){.start = start, .stride = stride, .is_transposed = is_transposed};
}

/// One product into a matrix of `rows` and `columns`, which is added to if it `adds`.
static void one_product(
    tenon_operand left, tenon_operand right, size_t depth, REAL *to, size_t stride, size_t rows, size_t columns,
    bool adds, product_scratch *scratch) {
    const tenon_term term = {left, right, depth};
    const product_block block = {
        .from = adds ? to : zeros, .from_stride = adds ? stride : 0, .to = to, .to_stride = stride, .rows = rows,
        .columns = columns};
    product(block, &term, 1, scratch);
}

/// One tile of queries of a head.
typedef struct {
    size_t first;
    size_t count;
    /// The keys that some query of it sees.
    tenon_range keys;
} query_tile;

/// How much further the keys reach than the queries.
TENON_INLINE ptrdiff_t ahead(const tenon_attention *of) {
    return (ptrdiff_t)of->key.rows - (ptrdiff_t)of->query.rows;
}

static query_tile query_tile_at(const tenon_attention *of, size_t first) {
    const size_t rest = of->query.rows - first;
    query_tile tile = {first, rest < QUERIES ? rest : QUERIES, {0, of->key.rows}};
    const ptrdiff_t sees = (ptrdiff_t)(first + tile.count) + ahead(of);
    if (of->is_causal && sees < (ptrdiff_t)tile.keys.to) tile.keys.to = sees > 0 ? (size_t)sees : 0;
    if (of->window != 0) {
        const ptrdiff_t from = (ptrdiff_t)first + ahead(of) - (ptrdiff_t)of->window + 1;
        if (from > 0) tile.keys.from = (size_t)from / KEYS * KEYS;
        if (tile.keys.from > tile.keys.to) tile.keys.from = tile.keys.to;
    }
    return tile;
}

/// The queries of a tile that see a key.
static tenon_range queries_of(const tenon_attention *of, query_tile tile, size_t key) {
    tenon_range seen = {0, tile.count};
    const ptrdiff_t same = (ptrdiff_t)key - ahead(of) - (ptrdiff_t)tile.first;
    if (of->is_causal && same > 0) seen.from = (size_t)same < tile.count ? (size_t)same : tile.count;
    if (of->window != 0) {
        const ptrdiff_t end = same + (ptrdiff_t)of->window;
        if (end < (ptrdiff_t)seen.to) seen.to = end > (ptrdiff_t)seen.from ? (size_t)end : seen.from;
    }
    return seen;
}

/// Scores of a tile against `count` keys from `key` on, [count, QUERIES]; what a query does not see is −∞.
static void score(
    const tenon_attention *of, tenon_matrix query, tenon_matrix keys, query_tile tile, size_t key, size_t count,
    learning_scratch *scratch) {
    REAL *scores = scratch->scores;
    one_product(
        operand(ROW(keys, key), keys.stride, false), operand(ROW(query, tile.first), query.stride, true), of->size,
        scores, QUERIES, count, tile.count, false, &scratch->products);
    const REAL scale = (REAL)of->scale;
    for (size_t k = 0; k < count; k++) {
        REAL *row = scores + k * QUERIES;
        const tenon_range seen = queries_of(of, tile, key + k);
        for (size_t i = 0; i < tile.count; i++) row[i] *= scale;
        for (size_t i = 0; i < seen.from; i++) row[i] = -(REAL)INFINITY;
        for (size_t i = seen.to; i < tile.count; i++) row[i] = -(REAL)INFINITY;
    }
}

// MARK: Forward

/// What is known of a tile's queries after some of their keys.
typedef struct {
    REAL highest[QUERIES];
    REAL sum[QUERIES];
    REAL factor[QUERIES];
} query_state;

/// Makes exponentials of `count` rows of scores and adds them up; `factor` is what earlier ones are worth now.
static void exponentiate(REAL *scores, size_t count, size_t queries, query_state *state) {
    REAL highest[QUERIES], base[QUERIES];
    memcpy(highest, state->highest, sizeof highest);
    for (size_t k = 0; k < count; k++) {
        for (size_t i = 0; i < queries; i++) highest[i] = larger(scores[k * QUERIES + i], highest[i]);
    }
    for (size_t i = 0; i < queries; i++) {
        base[i] = highest[i] == -(REAL)INFINITY ? 0 : highest[i];
        state->factor[i] = exponential(state->highest[i] - base[i]);
        state->sum[i] *= state->factor[i];
    }
    memcpy(state->highest, highest, sizeof highest);
    for (size_t k = 0; k < count; k++) {
        REAL *row = scores + k * QUERIES;
        for (size_t i = 0; i < queries; i++) {
            row[i] = exponential(row[i] - base[i]);
            state->sum[i] += row[i];
        }
    }
}

static void learning_attention(const tenon_attention *of, size_t head, void *memory) {
    learning_scratch *scratch = memory;
    const size_t size = of->size, key_head = head / (of->heads / of->key_heads);
    const tenon_matrix query = head_of(of->query, head, size), output = head_of(of->output, head, size);
    const tenon_matrix keys = head_of(of->key, key_head, size), values = head_of(of->value, key_head, size);
    for (size_t first = 0; first < query.rows; first += QUERIES) {
        const query_tile tile = query_tile_at(of, first);
        query_state state;
        for (size_t i = 0; i < QUERIES; i++) {
            state.highest[i] = -(REAL)INFINITY;
            state.sum[i] = 0;
        }
        for (size_t i = 0; i < tile.count; i++) memset(ROW(output, first + i), 0, size * sizeof(REAL));
        for (size_t key = tile.keys.from; key < tile.keys.to; key += KEYS) {
            const size_t count = tile.keys.to - key < KEYS ? tile.keys.to - key : KEYS;
            score(of, query, keys, tile, key, count, scratch);
            exponentiate(scratch->scores, count, tile.count, &state);
            for (size_t i = 0; i < tile.count && key != tile.keys.from; i++) {
                REAL *row = ROW(output, first + i);
                for (size_t j = 0; j < size; j++) row[j] *= state.factor[i];
            }
            one_product(
                operand(scratch->scores, QUERIES, true), operand(ROW(values, key), values.stride, false), count,
                ROW(output, first), output.stride, tile.count, size, true, &scratch->products);
        }
        for (size_t i = 0; i < tile.count; i++) {
            REAL *row = ROW(output, first + i);
            const REAL share = state.sum[i] > 0 ? 1 / state.sum[i] : 0;
            for (size_t j = 0; j < size; j++) row[j] *= share;
            ROW(of->log_sums, first + i)[head] = (REAL)(state.highest[i] + log((double)state.sum[i]));
        }
    }
}

// MARK: Backward

/// The products of a tile with some keys: softmax again, its gradient, and what follows from both.
static void attention_tile_backward(
    const tenon_attention *of, const tenon_matrix heads[6], tenon_matrix dk, tenon_matrix dv, query_tile tile,
    size_t key, const REAL log_sums[QUERIES], const REAL dots[QUERIES], learning_scratch *scratch) {
    const tenon_matrix query = heads[0], keys = heads[1], values = heads[2], gradient = heads[3], dq = heads[4];
    const size_t size = of->size, count = tile.keys.to - key < KEYS ? tile.keys.to - key : KEYS;
    REAL *scores = scratch->scores, *gradients = scratch->gradients;
    const REAL *queries = ROW(query, tile.first), *outward = ROW(gradient, tile.first);
    score(of, query, keys, tile, key, count, scratch);
    for (size_t k = 0; k < count; k++) {
        REAL *row = scores + k * QUERIES;
        for (size_t i = 0; i < tile.count; i++) row[i] = exponential(row[i] - log_sums[i]);
    }
    one_product(
        operand(scores, QUERIES, false), operand(outward, gradient.stride, false), tile.count, ROW(dv, key),
        dv.stride, count, size, true, &scratch->products);
    one_product(
        operand(ROW(values, key), values.stride, false), operand(outward, gradient.stride, true), size, gradients,
        QUERIES, count, tile.count, false, &scratch->products);
    const REAL scale = (REAL)of->scale;
    for (size_t k = 0; k < count; k++) {
        REAL *row = gradients + k * QUERIES;
        const REAL *shares = scores + k * QUERIES;
        for (size_t i = 0; i < tile.count; i++) row[i] = shares[i] * (row[i] - dots[i]) * scale;
    }
    one_product(
        operand(gradients, QUERIES, true), operand(ROW(keys, key), keys.stride, false), count,
        ROW(dq, tile.first), dq.stride, tile.count, size, true, &scratch->products);
    one_product(
        operand(gradients, QUERIES, false), operand(queries, query.stride, false), tile.count, ROW(dk, key), dk.stride,
        count, size, true, &scratch->products);
}

static void learning_attention_backward(
    const tenon_attention *of, tenon_matrix gradient, tenon_matrix dq, tenon_matrix dk, tenon_matrix dv,
    size_t key_head, void *memory) {
    learning_scratch *scratch = memory;
    const size_t size = of->size, shared = of->heads / of->key_heads;
    dk = head_of(dk, key_head, size);
    dv = head_of(dv, key_head, size);
    for (size_t k = 0; k < dk.rows; k++) {
        memset(ROW(dk, k), 0, size * sizeof(REAL));
        memset(ROW(dv, k), 0, size * sizeof(REAL));
    }
    for (size_t head = key_head * shared; head < (key_head + 1) * shared; head++) {
        const tenon_matrix heads[6] = {
            head_of(of->query, head, size), head_of(of->key, key_head, size), head_of(of->value, key_head, size),
            head_of(gradient, head, size), head_of(dq, head, size), head_of(of->output, head, size)};
        for (size_t first = 0; first < of->query.rows; first += QUERIES) {
            const query_tile tile = query_tile_at(of, first);
            REAL log_sums[QUERIES], dots[QUERIES];
            for (size_t i = 0; i < tile.count; i++) {
                const REAL *g = ROW(heads[3], first + i), *o = ROW(heads[5], first + i);
                const REAL log_sum = ROW(of->log_sums, first + i)[head];
                memset(ROW(heads[4], first + i), 0, size * sizeof(REAL));
                SUM_ALONG(dots[i], size, j, sum, fused(g[j], o[j], sum));
                // A query that saw no key: then every score is −∞ again.
                log_sums[i] = log_sum == -(REAL)INFINITY ? 0 : log_sum;
            }
            for (size_t key = tile.keys.from; key < tile.keys.to; key += KEYS) {
                attention_tile_backward(of, heads, dk, dv, tile, key, log_sums, dots, scratch);
            }
        }
    }
}
