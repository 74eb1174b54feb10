package import Adapters
package import Diagnostics
package import Digests

/// What packing one adapter came to.
package struct PackReport: Sendable {
    /// What was packed, as the user named it.
    package var source: String
    package var output: String
    package var method: String
    package var tensorCount: Int
    /// The size of the files that went in.
    package var logicalBytes: Int
    /// The size of the container.
    package var storedBytes: Int
    package var saved: Savings
    /// What a lossy option cost, tensor by tensor.
    package var losses: [Loss]
    package var contentDigest: Digest
    package var indexDigest: Digest
    /// The base it was bound to.
    package var base: BaseReference?
    package var findings: [Finding]
    /// The most memory that packing was expected to hold.
    package var memoryBytes: Int
    package var times: StageTimes

    /// The part of the input that need not be stored; negative where the container is larger.
    package var savedShare: Double {
        logicalBytes == 0 ? 0 : 1 - Double(storedBytes) / Double(logicalBytes)
    }

    /// Where the bytes went: the four sum up to `logicalBytes - storedBytes` exactly.
    package struct Savings: Hashable, Sendable {
        /// By a narrower dtype.
        package var dtype = 0
        package var quantization = 0
        /// Planes smaller than their tensors, and file headers that can be derived.
        package var compression = 0
        /// Header, index, trailer and padding: negative.
        package var framing = 0

        package init() {}
    }

    package struct Loss: Sendable {
        package let tensor: String
        /// ‖stored − original‖ / ‖original‖, Frobenius.
        package let relative: Double
        /// The largest absolute difference of one element.
        package let largest: Double
    }
}
