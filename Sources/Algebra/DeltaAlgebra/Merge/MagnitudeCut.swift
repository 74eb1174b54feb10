import CKernels
import Diagnostics
import Parallelism
import Synchronization

/// The first k elements of a tensor in the falling order of their magnitudes, equal ones as they lie.
enum MagnitudeCut: Sendable {
    case none
    case all
    /// Those above `magnitude`, and the first of those that have it: how many each block holds, and how many of them
    /// are among the k. No blocks where all are.
    case at(magnitude: UInt32, blocks: [(ties: Int, taken: Int)])

    /// Sets to zero what is not among them.
    func keep(_ vector: MergeBlock.Vector, of block: MergeBlock) {
        switch self {
        case .all: break
        case .none: block.fill(vector, 0)
        case .at(let magnitude, let blocks):
            let place = blocks.isEmpty ? (ties: 0, taken: 0) : blocks[block.index]
            block.clearBelow(vector, magnitude, ties: place.ties, kept: place.taken)
        }
    }

    /// Sets to zero what is among them.
    func clear(_ vector: MergeBlock.Vector, of block: MergeBlock) {
        switch self {
        case .none: break
        case .all: block.fill(vector, 0)
        case .at(let magnitude, let blocks):
            let place = blocks.isEmpty ? (ties: block.count, taken: block.count) : blocks[block.index]
            block.clearAbove(vector, magnitude, ties: place.ties, cleared: place.taken)
        }
    }
}

extension MergeCrew {
    /// For each of some numbers k of a vector's elements, the first k: by counting magnitudes, without sorting.
    ///
    /// - Parameters:
    ///   - wanted: Which vector, and how many of its elements.
    ///   - prepare: Makes the vectors out of what was read.
    func cuts(
        _ wanted: [(vector: MergeBlock.Vector, count: Int)], prepare: @escaping @Sendable (MergeBlock) -> Void
    ) throws(Failure) -> [MagnitudeCut] {
        let total = inputs.count
        var cuts = wanted.map { $0.count >= total ? MagnitudeCut.all : .none }
        let open = wanted.indices.filter { wanted[$0].count > 0 && wanted[$0].count < total }
        guard !open.isEmpty else { return cuts }
        let found = try magnitudes(open.map { wanted[$0] }, prepare: prepare)
        let hasAll = found.allSatisfy { $0.taken == $0.ties }
        let places = hasAll ? [] : try ties(open.map { wanted[$0].vector }, found.map(\.magnitude), prepare)
        for (number, index) in open.enumerated() {
            cuts[index] = .at(
                magnitude: found[number].magnitude,
                blocks: hasAll ? [] : Self.taking(found[number].taken, of: places.map { $0[number] }))
        }
        return cuts
    }

    /// The k-th largest magnitudes of vectors, with how many elements have it and how many of those are among the first
    /// k; k is at least 1 and at most the number of elements.
    func magnitudes(
        _ wanted: [(vector: MergeBlock.Vector, count: Int)], prepare: @escaping @Sendable (MergeBlock) -> Void
    ) throws(Failure) -> [(magnitude: UInt32, ties: Int, taken: Int)] {
        guard inputs.count <= Int(UInt32.max) else {
            throw Failure(.tooLarge, "the tensor has too many elements to be counted", object: inputs.tensor.name)
        }
        let vectors = wanted.map(\.vector)
        let uppers = try counts(vectors.count, bins: Int(TENON_UPPER_BINS)) { block, number, counts in
            if number == 0 { prepare(block) }
            block.countUpper(vectors[number], &counts)
        }
        let found = zip(wanted, uppers).map { Self.bin(of: $0.count, in: $1) }
        let bins = found.map { UInt32($0.bin) }
        let lowers = try counts(vectors.count, bins: Int(TENON_LOWER_BINS)) { block, number, counts in
            if number == 0 { prepare(block) }
            block.countLower(vectors[number], ofUpper: bins[number], &counts)
        }
        return wanted.indices.map { number in
            let rest = wanted[number].count - found[number].above
            let (bin, above) = Self.bin(of: rest, in: lowers[number])
            return (bins[number] << 15 | UInt32(bin), Int(lowers[number][bin]), rest - above)
        }
    }

    private func ties(
        _ vectors: [MergeBlock.Vector], _ magnitudes: [UInt32], _ prepare: @escaping @Sendable (MergeBlock) -> Void
    ) throws(Failure) -> [[Int]] {
        try map { block in
            prepare(block)
            return zip(vectors, magnitudes).map { block.ties($0, $1) }
        }
    }

    private static func taking(_ count: Int, of ties: [Int]) -> [(ties: Int, taken: Int)] {
        var left = count
        return ties.map { ties in
            let taken = min(ties, left)
            left -= taken
            return (ties, taken)
        }
    }

    /// The bin with the k-th element from the top, and how many are in those above it.
    private static func bin(of count: Int, in counts: [UInt32]) -> (bin: Int, above: Int) {
        var above = 0
        for bin in counts.indices.reversed() {
            if above + Int(counts[bin]) >= count { return (bin, above) }
            above += Int(counts[bin])
        }
        return (0, above)
    }

    /// Counts over all blocks, in tables that lanes take in turn.
    private func counts(
        _ tables: Int, bins: Int,
        _ body: @escaping @Sendable (_ block: MergeBlock, _ table: Int, _ counts: inout [UInt32]) -> Void
    ) throws(Failure) -> [[UInt32]] {
        let idle = Pool<Tables>()
        let made = Mutex<[Tables]>([])
        _ = try map { block in
            let mine =
                idle.take()
                ?? made.withLock { made in
                    made.append(Tables(count: tables, bins: bins))
                    return made[made.count - 1]
                }
            mine.counts.withLock { counts in
                for table in 0..<tables { body(block, table, &counts[table]) }
            }
            idle.giveBack(mine)
        }
        var sums = [[UInt32]](repeating: [UInt32](repeating: 0, count: bins), count: tables)
        for one in made.withLock({ $0 }) {
            one.counts.withLock { counts in
                for table in 0..<tables {
                    for bin in 0..<bins { sums[table][bin] += counts[table][bin] }
                }
            }
        }
        return sums
    }
}

/// One lane's counts.
private final class Tables: Sendable {
    let counts: Mutex<[[UInt32]]>

    init(count: Int, bins: Int) {
        counts = Mutex([[UInt32]](repeating: [UInt32](repeating: 0, count: bins), count: count))
    }
}
