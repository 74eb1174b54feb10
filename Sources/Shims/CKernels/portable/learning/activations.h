// What is done to each element by itself.

// MARK: SwiGLU

static void learning_swiglu(tenon_matrix gate, tenon_matrix up, tenon_matrix h, tenon_range rows) {
    EACH_ROW(rows, t) {
        const REAL *g = ROW(gate, t), *u = ROW(up, t);
        REAL *out = ROW(h, t);
        for (size_t j = 0; j < gate.columns; j++) out[j] = g[j] * sigmoid(g[j]) * u[j];
    }
}

/// `result` may be `gradients`: each element is read before it is written.
TENON_INLINE void
swiglu_backward_row(REAL *restrict g, REAL *restrict u, const REAL *gradients, REAL *result, size_t count) {
    for (size_t j = 0; j < count; j++) {
        const REAL share = sigmoid(g[j]), silu = g[j] * share, d = gradients[j], before = u[j];
        g[j] = d * before * (share * fused(g[j], 1 - share, 1));
        u[j] = d * silu;
        if (result != NULL) result[j] = silu * before;
    }
}

static void learning_swiglu_backward(
    tenon_matrix gate, tenon_matrix up, tenon_matrix dh, tenon_matrix h, tenon_range rows) {
    EACH_ROW(rows, t) {
        REAL *g = ROW(gate, t), *u = ROW(up, t), *d = ROW(dh, t);
        if (h.start == NULL) {
            swiglu_backward_row(g, u, d, NULL, gate.columns);
        } else if (h.start == dh.start) {
            swiglu_backward_row(g, u, d, d, gate.columns);
        } else {
            swiglu_backward_row(g, u, d, ROW(h, t), gate.columns);
        }
    }
}

// MARK: GELU

/// Φ(x) and, for the derivative, the density φ(x), both of the normal distribution.
typedef struct {
    REAL share;
    REAL density;
} normal_point;

#if IS_DOUBLE

TENON_INLINE normal_point normal(double x) {
    return (normal_point){0.5 * erfc(-x * 0x1.6a09e667f3bcdp-1), 0x1.9884533d43651p-2 * exp(-0.5 * x * x)};
}

#else

/// For x < 0, Φ(x) = e^(−x²/2) R(|x|), where R (x + 3.5) is a polynomial in (x − 3.5) / (x + 3.5): of degree 9, with the
/// least relative error up to 14.5, beyond which Φ is below the least float. What rounding x² lost is put back.
TENON_INLINE normal_point normal(float x) {
    const float size = x < 0 ? -x : x, near = size > 14.5f ? 14.5f : size;
    const float square = near * near, lost = fused(near, near, -square);
    const float power = exponential(-0.5f * square), bell = fused(-0.5f * lost, power, power);
    const float a = 1 / (near + 3.5f), u = (near - 3.5f) * a;
    float p = fused(u, 0.0001106894f, 0.00042189786f);
    p = fused(u, p, -0.0004949437f);
    p = fused(u, p, -0.0031753108f);
    p = fused(u, p, 0.006493116f);
    p = fused(u, p, 0.017406378f);
    p = fused(u, p, -0.11605304f);
    p = fused(u, p, 0.31542504f);
    p = fused(u, p, -0.5655618f);
    p = fused(u, p, 0.74441606f);
    const float tail = bell * (p * a);
    const float share = x > 0 ? 1 - tail : tail;
    return (normal_point){x == x ? share : x, 0x1.988454p-2f * bell};
}

#endif

static const REAL tanh_scale = (REAL)0x1.9884533d43651p0, tanh_cubic = (REAL)0.044715;

/// √(8/π) (x + 0.044715 x³): x σ(this) is ½ x (1 + tanh(√(2/π) (x + 0.044715 x³))).
TENON_INLINE REAL tanh_argument(REAL x) {
    return tanh_scale * x * fused(tanh_cubic, x * x, 1);
}

static void learning_gelu(tenon_matrix x, int kind, tenon_matrix y, tenon_range rows) {
    EACH_ROW(rows, t) {
        const REAL *in = ROW(x, t);
        REAL *out = ROW(y, t);
        if (kind == TENON_GELU_TANH) {
            for (size_t j = 0; j < x.columns; j++) out[j] = in[j] * sigmoid(tanh_argument(in[j]));
        } else {
            for (size_t j = 0; j < x.columns; j++) out[j] = in[j] * normal(in[j]).share;
        }
    }
}

TENON_INLINE REAL gelu_slope(REAL x, const int kind) {
    if (kind == TENON_GELU_TANH) {
        const REAL share = sigmoid(tanh_argument(x));
        return fused(x * share * (1 - share), tanh_scale * fused(3 * tanh_cubic, x * x, 1), share);
    }
    const normal_point point = normal(x);
    return fused(x, point.density, point.share);
}

/// The result may stand where x or the gradient does. Each case has a loop of its own: of pointers that may be the same the
/// compiler would take one element at a time.
TENON_INLINE void gelu_backward_at_x(REAL *restrict x, const REAL *restrict g, const int kind, size_t count) {
    for (size_t j = 0; j < count; j++) x[j] = g[j] * gelu_slope(x[j], kind);
}

TENON_INLINE void gelu_backward_at_g(const REAL *restrict x, REAL *restrict g, const int kind, size_t count) {
    for (size_t j = 0; j < count; j++) g[j] = g[j] * gelu_slope(x[j], kind);
}

TENON_INLINE void gelu_backward_apart(
    const REAL *restrict x, const REAL *restrict g, REAL *restrict result, const int kind, size_t count) {
    for (size_t j = 0; j < count; j++) result[j] = g[j] * gelu_slope(x[j], kind);
}

TENON_INLINE void gelu_backward_row(REAL *x, REAL *g, REAL *result, const int kind, size_t count) {
    if (result == x) {
        gelu_backward_at_x(x, g, kind, count);
    } else if (result == g) {
        gelu_backward_at_g(x, g, kind, count);
    } else {
        gelu_backward_apart(x, g, result, kind, count);
    }
}

static void
learning_gelu_backward(tenon_matrix x, tenon_matrix dy, int kind, tenon_matrix dx, tenon_range rows) {
    EACH_ROW(rows, t) {
        if (kind == TENON_GELU_TANH) {
            gelu_backward_row(ROW(x, t), ROW(dy, t), ROW(dx, t), TENON_GELU_TANH, x.columns);
        } else {
            gelu_backward_row(ROW(x, t), ROW(dy, t), ROW(dx, t), TENON_GELU_ERF, x.columns);
        }
    }
}

// MARK: Rotary positions

/// The pairs of one head; `step` from pair to pair, `other` from the first of a pair to the second.
TENON_INLINE void rotate_head(
    REAL *restrict head, const REAL *cosine, const REAL *sine, REAL sign, size_t half, const size_t step,
    const size_t other) {
    REAL *restrict first = head, *restrict second = head + other;
    for (size_t j = 0; j < half; j++) {
        const REAL a = first[j * step], b = second[j * step], s = sign * sine[j];
        first[j * step] = fused(a, cosine[j], -(b * s));
        second[j * step] = fused(b, cosine[j], a * s);
    }
}

static void learning_rotate(
    tenon_matrix x, size_t heads, tenon_matrix cosines, tenon_matrix sines, const int32_t *positions,
    int is_interleaved, int is_inverse, tenon_range rows) {
    const size_t size = x.columns / heads, half = cosines.columns;
    const REAL sign = is_inverse ? -1 : 1;
    EACH_ROW(rows, t) {
        const REAL *cosine = ROW(cosines, (size_t)positions[t]), *sine = ROW(sines, (size_t)positions[t]);
        for (REAL *head = ROW(x, t), *end = head + heads * size; head < end; head += size) {
            if (is_interleaved) {
                rotate_head(head, cosine, sine, sign, half, 2, 1);
            } else {
                rotate_head(head, cosine, sine, sign, half, 1, half);
            }
        }
    }
}
