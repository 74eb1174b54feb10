import Files

/// How long each stage of a job took, in the order of the stages.
package struct StageTimes: Sendable {
    package private(set) var stages: [(name: String, seconds: Double)] = []
    private var last = Syscalls.monotonicNanoseconds()

    package init() {}

    /// Ends the stage that began with the end of the one before it.
    package mutating func end(_ name: String) {
        let now = Syscalls.monotonicNanoseconds()
        stages.append((name, Double(now - last) / 1e9))
        last = now
    }
}
