import CKernels
import Checkpoints
import Diagnostics
import Digests
import Packaging
import Parallelism
import Synchronization
import Tensors

/// What a pass over a tensor of the base and its tuned form tells.
struct PairFindings: Sendable {
    /// Nil where it is known from elsewhere.
    let base: Digest?
    /// Of the tuned tensor's rows that the base has too.
    let tuned: Digest
    /// No more than whether there are any where ``counts`` is empty.
    let changes: Int
    /// Of each window; empty where too many elements differ for them to be named one by one.
    let counts: [FewChangesCount]
    /// The changes themselves, where they are few enough to be held.
    let kept: KeptChanges?
    /// What the changed elements of a few windows would take, in bits each: as differences and as they are.
    let differenceBits: Double
    let elementBits: Double
}

/// Reads pairs of tensors once: both digests, and how they differ.
struct PairScan: Sendable {
    let lanes: Lanes
    /// False where the base's digests are known: then no more of it is read than tells how a tensor is to be stored.
    var hashesBase = true
    var progress: Progress?

    /// Named one by one, changes pay up to about one in five: beyond it, a difference for every element is shorter.
    static let fewShare = 0.2
    /// Bytes of changes that are held until they are written: others are found once more.
    private static let mostKept = 64 << 20

    private struct Work: Sendable {
        let pair: Int
        let window: Int
    }

    private struct Tally: Sendable {
        var counts: [FewChangesCount]
        var kept: KeptChanges?
        var isDense = false
        var differences = ByteHistogram()
        var elements = ByteHistogram()
    }

    func run(_ pairs: [TensorPair]) throws(Failure) -> [PairFindings] {
        let base = DigestCollector(byteCounts: pairs.map(\.base.byteCount))
        let tuned = DigestCollector(byteCounts: pairs.map(\.tuned.byteCount))
        let kinds = pairs.map { ElementKind($0.base.dtype) }
        let windows = zip(pairs, kinds).map { Windows(byteCount: $0.base.byteCount, size: $1.windowByteCount) }
        let tallies = windows.map {
            Mutexed(
                Tally(
                    counts: [FewChangesCount](repeating: .init(), count: $0.count),
                    kept: KeptChanges(windowCount: $0.count)))
        }
        let room = Atomic(Self.mostKept)
        let works = windows.indices.flatMap { pair in (0..<windows[pair].count).map { Work(pair: pair, window: $0) } }
        try lanes.forEach(works.count) { _, index throws(Failure) in
            let work = works[index]
            let range = windows[work.pair][work.window]
            let kind = kinds[work.pair]
            try WindowScratch.with { scratch throws(Failure) in
                let after = try unsafe UnsafeRawBufferPointer(pairs[work.pair].tuned.read(range, into: scratch.tuned))
                let block = BlockGroup(
                    blocks: [TensorBlock(tensor: work.pair, offset: range.lowerBound, count: range.count)])
                unsafe tuned.observe(block, bytes: after.bytes)
                progress?.note(range.count)
                if !hashesBase, tallies[work.pair].value.withLock({ $0.isDense }) { return }
                let whole = try unsafe pairs[work.pair].base.read(range, into: scratch.base)
                let before = UnsafeRawBufferPointer(whole)
                if hashesBase { unsafe base.observe(block, bytes: before.bytes) }
                let count = range.count / kind.width
                let changes = unsafe tenon_count_changed(before.baseAddress, after.baseAddress, count, kind.width)
                if changes == 0 { return }
                let isDense = Double(changes) > Self.fewShare * 2 * Double(count)
                var gapBytes = 0
                var kept: KeptChanges.Window?
                var differences = ByteHistogram()
                var elements = ByteHistogram()
                if !isDense {
                    let coded = unsafe FewChangesStreams.encode(before, after, kind, scratch)
                    gapBytes = unsafe coded.gaps.count
                    if work.window % 16 == 0 {
                        unsafe differences.add(UnsafeRawBufferPointer(coded.differences), width: kind.width)
                        unsafe FewChangesStreams.forEachPlace(coded.gaps) { place in
                            unsafe elements.add(
                                UnsafeRawBufferPointer(rebasing: after[place * kind.width..<(place + 1) * kind.width]),
                                width: kind.width)
                        }
                    }
                    let byteCount = unsafe gapBytes + coded.differences.count
                    if room.subtract(byteCount, ordering: .relaxed).newValue >= 0 {
                        try unsafe FewChangesStreams.prove(
                            whole, coded.gaps, UnsafeRawBufferPointer(coded.differences), after, kind)
                        kept = unsafe KeptChanges.Window(gaps: Array(coded.gaps), differences: Array(coded.differences))
                    }
                }
                tallies[work.pair].value.withLock { tally in
                    tally.counts[work.window] = FewChangesCount(changes: changes, gapBytes: gapBytes)
                    tally.isDense = tally.isDense || isDense
                    if let kept, !tally.isDense { tally.kept?[work.window] = kept } else { tally.kept = nil }
                    tally.differences.add(differences)
                    tally.elements.add(elements)
                }
            }
        }
        return try pairs.indices.map { pair throws(Failure) in
            let before = base.digest(of: pair)
            guard before != nil || !hashesBase, let after = tuned.digest(of: pair) else {
                throw Failure(.internal, "a tensor was not hashed", object: pairs[pair].name)
            }
            let tally = tallies[pair].value.withLock { $0 }
            return PairFindings(
                base: before, tuned: after, changes: tally.counts.reduce(0) { $0 + $1.changes },
                counts: tally.isDense ? [] : tally.counts, kept: tally.kept, differenceBits: tally.differences.bits,
                elementBits: tally.elements.bits)
        }
    }
}

/// A mutex that can stand in an array.
private final class Mutexed<Value: Sendable>: Sendable {
    let value: Mutex<Value>

    init(_ value: Value) {
        self.value = Mutex(value)
    }
}
