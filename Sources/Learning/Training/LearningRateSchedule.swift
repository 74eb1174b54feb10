#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// How the learning rate changes over the steps, as in Hugging Face's schedulers: it rises over the warmup, and then stays
/// or falls to zero.
package struct LearningRateSchedule: Hashable, Sendable {
    package enum Shape: String, CaseIterable, Sendable {
        case constant, linear, cosine
    }

    package let shape: Shape
    package let peak: Double
    package let warmupSteps: Int
    package let totalSteps: Int

    package init(_ shape: Shape, peak: Double, warmupSteps: Int, totalSteps: Int) {
        self.shape = shape
        self.peak = peak
        self.warmupSteps = warmupSteps
        self.totalSteps = totalSteps
    }

    /// The rate of a step, counted from 0.
    package func rate(at step: Int) -> Double {
        if step < warmupSteps { return peak * Double(step) / Double(warmupSteps) }
        let left = Double(totalSteps - step) / Double(max(1, totalSteps - warmupSteps))
        return switch shape {
        case .constant: peak
        case .linear: peak * max(0, left)
        case .cosine: peak * (1 + cos(.pi * (1 - min(1, max(0, left))))) / 2
        }
    }
}
