package import Diagnostics

/// The sizes of one thing, each step smaller for one reason: from full copies to what is on disk.
///
/// Sizes are bytes of one name's copy, up to `file`; the savings sum to ``logicalBytes`` − ``storedBytes`` exactly.
package struct SizeChain: Hashable, Sendable {
    /// A full copy of the model; what its own tensors take where that is not known.
    package var copy: Int
    /// Its own tensors and files, floats in the dtype that they had before they were quantized.
    package var own: Int
    /// The same as they are decoded: codes and scales.
    package var coded: Int
    /// The same as stored, without what is around them.
    package var planes: Int
    /// The part of `coded` and of `planes` that says what changed of weights.
    package var codedChanges: Int
    package var planesOfChanges: Int
    /// Its files.
    package var file: Int
    /// The part of its files that others hold, and that is counted there.
    package var shared: Int
    package var names: Int
    /// Whether it stands for a full copy by telling changes of weights, not by few parameters.
    package var isDelta: Bool

    /// What no model's size reaches; sums of as many as can be named stay within 64 bits.
    package static let mostBytes = 1 << 44
    package static let mostNames = 1 << 18

    /// Of something stored as it is.
    package init(plain file: Int, copy: Int? = nil) {
        self.copy = copy ?? file
        own = file
        coded = file
        planes = file
        codedChanges = 0
        planesOfChanges = 0
        self.file = file
        shared = 0
        names = 1
        isDelta = false
    }

    package var logicalBytes: Int { names * copy }
    package var storedBytes: Int { file - shared }

    package var savings: Savings {
        var savings = Savings()
        savings[isDelta ? .delta : .lowRank] = names * (copy - own)
        savings.quantization = names * (own - coded)
        savings.delta += names * (codedChanges - planesOfChanges)
        savings.compression = names * ((coded - codedChanges) - (planes - planesOfChanges))
        savings.framing = names * (planes - file)
        savings.dedupe = names * file - storedBytes
        return savings
    }

    /// Throws ``Failure/Code/limit`` for sizes that cannot be.
    package func check() throws(Failure) {
        guard [copy, own, coded, file].allSatisfy({ (0...Self.mostBytes).contains($0) }),
            (1...Self.mostNames).contains(names)
        else {
            throw Failure(.limit, "larger than any model", expected: "at most \(Self.mostBytes) bytes")
        }
    }
}
