/// A change that may take any form, and what is known of those that need no decomposition.
struct MixedTarget {
    let tensor: LowRankTarget
    /// Whether a product of thin matrices may stand for the change.
    let takesFactors: Bool
    /// ‖D‖²; finite.
    let power: Double
    let signs: SignScales
    /// What the change takes without loss, coded.
    let losslessByteCount: Int
}
