import CKernels

extension Engine {
    /// `y = weight ∘ (x · inverse)` with `inverse = 1 / √(mean(x²) + epsilon)` of each row, [rows, 1], which is written too
    /// (Zhang and Sennrich, 2019). The weight is [1, columns].
    public func rmsNorm(
        _ x: Matrix<R>, weight: Matrix<R>, epsilon: R, into y: Matrix<R>, inverse: Matrix<R>
    ) {
        requireNorm(x, [y], weight: weight, [inverse])
        forRanges(x.rows, work: 2 * x.columns) { rows in
            unsafe R.kernels.rms_norm(x.view, weight.view, Double(epsilon), y.view, inverse.view, rows)
        }
    }

    /// Adds the gradient with respect to x to `dx` and, if there is one, that of the weight to `weightGradient`.
    public func rmsNormBackward(
        _ x: Matrix<R>, weight: Matrix<R>, inverse: Matrix<R>, gradient dy: Matrix<R>, into dx: Matrix<R>,
        weightGradient: Matrix<R>? = nil
    ) {
        requireNorm(x, [dy, dx], weight: weight, [inverse])
        if let weightGradient {
            requireRow(weightGradient, for: x)
            forRanges(x.columns, work: x.rows, multiple: 64) { columns in
                unsafe R.kernels.rms_norm_weight(x.view, inverse.view, dy.view, weightGradient.view, columns)
            }
        }
        forRanges(x.rows, work: 2 * x.columns) { rows in
            unsafe R.kernels.rms_norm_backward(x.view, weight.view, inverse.view, dy.view, dx.view, rows)
        }
    }

    /// `y = weight ∘ ((x − mean) · inverse) + bias` with mean and `inverse = 1 / √(variance + epsilon)` of each row,
    /// [rows, 1], which are written too (Ba, Kiros and Hinton, 2016). Weight and bias are [1, columns].
    public func layerNorm(
        _ x: Matrix<R>, weight: Matrix<R>, bias: Matrix<R>, epsilon: R, into y: Matrix<R>, mean: Matrix<R>,
        inverse: Matrix<R>
    ) {
        requireNorm(x, [y], weight: weight, [mean, inverse])
        requireRow(bias, for: x)
        forRanges(x.rows, work: 2 * x.columns) { rows in
            unsafe R.kernels.layer_norm(
                x.view, weight.view, bias.view, Double(epsilon), y.view, mean.view, inverse.view, rows)
        }
    }

    /// Adds the gradient with respect to x to `dx` and, where there are such, those of weight and bias to theirs.
    public func layerNormBackward(
        _ x: Matrix<R>, weight: Matrix<R>, mean: Matrix<R>, inverse: Matrix<R>, gradient dy: Matrix<R>,
        into dx: Matrix<R>, weightGradient: Matrix<R>? = nil, biasGradient: Matrix<R>? = nil
    ) {
        requireNorm(x, [dy, dx], weight: weight, [mean, inverse])
        if let weightGradient {
            requireRow(weightGradient, for: x)
            forRanges(x.columns, work: x.rows, multiple: 64) { columns in
                unsafe R.kernels.layer_norm_weight(
                    x.view, mean.view, inverse.view, dy.view, weightGradient.view, columns)
            }
        }
        if let biasGradient { addColumnSums(of: dy, into: biasGradient) }
        forRanges(x.rows, work: 2 * x.columns) { rows in
            unsafe R.kernels.layer_norm_backward(
                x.view, weight.view, mean.view, inverse.view, dy.view, dx.view, rows)
        }
    }

    private func requireNorm(
        _ x: Matrix<R>, _ others: [Matrix<R>], weight: Matrix<R>, _ statistics: [Matrix<R>]
    ) {
        for other in others { requireSame(x, other) }
        requireRow(weight, for: x)
        for column in statistics { requireColumn(column, for: x) }
    }
}

func requireSame<R>(_ x: Matrix<R>, _ y: Matrix<R>) {
    require(x.hasShape(of: y), "\(y.shape) beside \(x.shape)")
}

func requireRow<R>(_ row: Matrix<R>, for x: Matrix<R>) {
    require(row.rows == 1 && row.columns == x.columns, "a row of \(row.shape) for \(x.shape)")
}

func requireColumn<R>(_ column: Matrix<R>, for x: Matrix<R>) {
    require(column.rows == x.rows && column.columns == 1, "a column of \(column.shape) for \(x.shape)")
}
