import Diagnostics
import LinearAlgebra
import Tensors

/// The largest singular values of many tensors' changes, more of them where they are asked for.
///
/// Vectors are kept while they fit a quarter of the memory. Where they do not they are computed again, the same way.
struct Spectra {
    private let extraction: LowRankExtraction
    private let targets: [LowRankTarget]
    private var spectra: [Spectrum] = []
    private var held = 0

    /// - Parameter ranks: How many values to begin with, of each tensor.
    init(_ extraction: LowRankExtraction, _ targets: [LowRankTarget], ranks: [Int]) throws(Failure) {
        self.extraction = extraction
        self.targets = targets
        for (target, rank) in zip(targets, ranks) {
            let found = try extraction.work(on: target).iteration.approximate(rank: rank)
            spectra.append(Spectrum(asked: [rank], found, held: &held, most: extraction.memory.bytes / 4))
        }
    }

    /// What is known of one tensor's change.
    struct Spectrum {
        /// The ranks that were asked for, one after the other.
        let asked: [Int]
        /// Descending.
        let values: [Double]
        let power: Double
        /// Whether there are no others.
        let isComplete: Bool
        /// Nil where there was no room for them.
        let vectors: Approximation?

        init(asked: [Int], _ found: Approximation, held: inout Int, most: Int) {
            self.asked = asked
            values = found.values
            power = found.power
            isComplete = found.isComplete
            vectors = held + found.byteCount <= most ? found : nil
            held += byteCount
        }

        var byteCount: Int { vectors?.byteCount ?? 0 }
    }

    subscript(_ index: Int) -> Spectrum { spectra[index] }

    /// Finds values of one tensor up to a rank above those that are known.
    mutating func grow(_ index: Int, to rank: Int) throws(Failure) {
        let asked = spectra[index].asked + [rank]
        let found = try vectors(index, extraction.work(on: targets[index]), asked)
        held -= spectra[index].byteCount
        spectra[index] = Spectrum(asked: asked, found, held: &held, most: extraction.memory.bytes / 4)
    }

    /// The factors of one tensor's first vectors, none for a rank of zero.
    func result(_ index: Int, rank: Int) throws(Failure) -> LowRankResult {
        let work = try extraction.work(on: targets[index])
        if rank == 0 { return work.nothing(power: spectra[index].power) }
        return try work.result(try vectors(index, work, spectra[index].asked), rank: rank)
    }

    /// What comes of asking for one rank after the other, the first of which the spectrum knows.
    private func vectors(_ index: Int, _ work: LowRankWork, _ asked: [Int]) throws(Failure) -> Approximation {
        var found = spectra[index].vectors
        if let found { work.iteration.resume(from: found) }
        for rank in asked.dropFirst(found == nil ? 0 : spectra[index].asked.count) {
            found = try work.iteration.approximate(rank: rank)
        }
        guard let found else { throw Failure(.internal, "no rank was asked for", object: targets[index].name) }
        return found
    }
}
