import CKernels

/// Which GELU (Hendrycks and Gimpel, 2016).
public enum GELU: Sendable {
    /// `x Φ(x)`, by the error function.
    case erf
    /// `½ x (1 + tanh(√(2/π) (x + 0.044715 x³)))`.
    case tanh

    var kind: Int32 {
        switch self {
        case .erf: Int32(TENON_GELU_ERF)
        case .tanh: Int32(TENON_GELU_TANH)
        }
    }
}

extension Engine {
    /// `h = gate σ(gate) up` (Shazeer, 2020).
    public func swiglu(gate: Matrix<R>, up: Matrix<R>, into h: Matrix<R>) {
        requireSame(gate, up)
        requireSame(gate, h)
        forRanges(gate.rows, work: 8 * gate.columns) { rows in
            unsafe R.kernels.swiglu(gate.view, up.view, h.view, rows)
        }
    }

    /// Writes the gradients with respect to gate and up over them and, if there is one, `h` as ``swiglu(gate:up:into:)``
    /// made it, which may be `dh`.
    public func swigluBackward(
        gate: Matrix<R>, up: Matrix<R>, gradient dh: Matrix<R>, recomputing h: Matrix<R>? = nil
    ) {
        requireSame(gate, up)
        requireSame(gate, dh)
        if let h { requireSame(gate, h) }
        forRanges(gate.rows, work: 8 * gate.columns) { rows in
            unsafe R.kernels.swiglu_backward(gate.view, up.view, dh.view, unsafe h?.view ?? .none, rows)
        }
    }

    /// GELU of each number; `y` may be `x`.
    public func gelu(_ x: Matrix<R>, _ kind: GELU, into y: Matrix<R>) {
        requireSame(x, y)
        forRanges(x.rows, work: 8 * x.columns) { rows in unsafe R.kernels.gelu(x.view, kind.kind, y.view, rows) }
    }

    /// Writes the gradient with respect to x; `dx` may be `x` or `dy`.
    public func geluBackward(_ x: Matrix<R>, _ kind: GELU, gradient dy: Matrix<R>, into dx: Matrix<R>) {
        requireSame(x, dy)
        requireSame(x, dx)
        forRanges(x.rows, work: 8 * x.columns) { rows in
            unsafe R.kernels.gelu_backward(x.view, dy.view, kind.kind, dx.view, rows)
        }
    }
}
