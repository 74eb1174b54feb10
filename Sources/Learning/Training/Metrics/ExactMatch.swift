import Diagnostics

/// The share of answers that are the expected ones, byte for byte.
package enum ExactMatch {
    /// Nil without any answers. Both have one length.
    package static func share(of answers: [String], expected: [String]) -> Double? {
        precondition(answers.count == expected.count)
        guard !answers.isEmpty else { return nil }
        return Double(zip(answers, expected).count { $0.equalsInBytes($1) }) / Double(answers.count)
    }
}
