import CKernels

/// What decides a step of AdamW.
public struct AdamW: Sendable {
    /// How far a step goes.
    public var learningRate: Double
    /// The decay of the mean of gradients.
    public var beta1: Double
    /// The decay of the mean of their squares.
    public var beta2: Double
    /// Added to the root of that mean.
    public var epsilon: Double
    /// How fast parameters shrink.
    public var weightDecay: Double

    /// The defaults are those of torch.optim.AdamW.
    public init(
        learningRate: Double, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8,
        weightDecay: Double = 0.01
    ) {
        self.learningRate = learningRate
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.weightDecay = weightDecay
    }

    fileprivate func options(step: Int) -> tenon_adamw {
        func power(_ base: Double) -> Double {
            var power = 1.0, square = base, exponent = step
            while exponent > 0 {
                if exponent % 2 == 1 { power *= square }
                square *= square
                exponent /= 2
            }
            return power
        }
        return tenon_adamw(
            rate: learningRate, first_decay: beta1, second_decay: beta2, first_correction: 1 - power(beta1),
            second_correction: 1 - power(beta2), epsilon: epsilon, weight_decay: weightDecay)
    }
}

extension Engine {
    /// One step with decoupled weight decay (Loshchilov and Hutter, 2019), in place, in the order of operations of
    /// torch.optim.AdamW. Steps count from 1; both means begin as zeros.
    public func adamW(
        _ parameter: Matrix<R>, gradient: Matrix<R>, first: Matrix<R>, second: Matrix<R>, step: Int, _ options: AdamW
    ) {
        for other in [gradient, first, second] { requireSame(parameter, other) }
        require(step > 0, "steps count from 1")
        forRanges(parameter.rows, work: 4 * parameter.columns) { rows in
            var raw = options.options(step: step)
            unsafe R.kernels.adamw(parameter.view, gradient.view, first.view, second.view, &raw, rows)
        }
    }
}
