import CKernels
import Diagnostics
import Parallelism
import Synchronization
import Tensors

/// Two runs of elements that are compared one by one, a block at a time.
protocol ComparedElements: Sendable {
    var count: Int { get }

    /// Throws what reading throws.
    func compare(_ elements: Range<Int>, _ scratch: WindowScratch) throws(Failure) -> BlockComparison
}

/// What a block tells.
struct BlockComparison: Sendable {
    let isEqual: Bool
    var sums: DiffSums

    init(isEqual: Bool, _ comparison: tenon_comparison = tenon_comparison(), count: Int) {
        self.isEqual = isEqual
        var sums = DiffSums(
            basePower: comparison.base_power, otherPower: comparison.tuned_power, product: comparison.product,
            changePower: comparison.change_power)
        sums.elements = DiffSums.ElementSums(
            count: count, changed: Int(comparison.changed), agreeing: Int(comparison.agreeing),
            unusable: Int(comparison.unusable), largest: comparison.largest,
            roundingPower: comparison.rounding_power)
        self.sums = sums
    }
}

/// Compares many tensors in one pass over their bytes. Blocks are added in their order, so that sums do not depend on
/// the number of lanes.
struct ElementScan: Sendable {
    let lanes: Lanes

    /// What is known of one pair.
    struct Found: Sendable {
        var isEqual = true
        var sums = DiffSums()
    }

    /// Both, widened, and what they are read into stay in a core's own cache.
    static let blockElements = 1 << 15

    func run(_ pairs: [any ComparedElements]) throws(Failure) -> [Found] {
        var ends: [Int] = []
        for pair in pairs {
            ends.append((ends.last ?? 0) + (pair.count + Self.blockElements - 1) / Self.blockElements)
        }
        let places = BlockPlaces(ends: ends)
        let found = Tally(count: pairs.count)
        try lanes.forEachInOrder(ends.last ?? 0) { _, index throws(Failure) in
            let (pair, block) = places[index]
            let start = block * Self.blockElements
            return try WindowScratch.with { scratch throws(Failure) in
                try pairs[pair].compare(start..<min(start + Self.blockElements, pairs[pair].count), scratch)
            }
        } consume: { index, block throws(Failure) in
            found.add(block, to: places[index].pair)
        }
        return found.all
    }

    /// Which block of which pair a number means.
    private struct BlockPlaces: Sendable {
        let ends: [Int]

        subscript(index: Int) -> (pair: Int, block: Int) {
            var (low, high) = (0, ends.count - 1)
            while low < high {
                let middle = (low + high) / 2
                if ends[middle] <= index { low = middle + 1 } else { high = middle }
            }
            return (low, index - (low == 0 ? 0 : ends[low - 1]))
        }
    }

    private final class Tally: Sendable {
        private let found: Mutex<[Found]>

        init(count: Int) {
            found = Mutex([Found](repeating: Found(), count: count))
        }

        func add(_ block: BlockComparison, to pair: Int) {
            found.withLock { found in
                found[pair].isEqual = found[pair].isEqual && block.isEqual
                found[pair].sums += block.sums
            }
        }

        var all: [Found] { found.withLock { $0 } }
    }
}

/// Two tensors of one shape and of types that fp32 holds.
struct FloatPair: ComparedElements {
    let base: any TensorSource
    let other: any TensorSource
    let count: Int

    init(_ base: any TensorSource, _ other: any TensorSource) {
        self.base = base
        self.other = other
        count = base.byteCount / (base.dtype.width ?? 1)
    }

    /// Whether the numbers of two tensors can be compared.
    static func canHold(_ base: any TensorSource, _ other: any TensorSource) -> Bool {
        base.shape == other.shape && FloatElements.canHold(base.dtype) && FloatElements.canHold(other.dtype)
    }

    func compare(_ elements: Range<Int>, _ scratch: WindowScratch) throws(Failure) -> BlockComparison {
        let before = try unsafe Self.read(base, elements, scratch.base)
        let after = try unsafe Self.read(other, elements, scratch.tuned)
        let width = base.dtype.width ?? 1
        let isEqual =
            unsafe base.dtype == other.dtype
            && tenon_count_changed(before.baseAddress, after.baseAddress, elements.count, width) == 0
        let from = unsafe Self.widen(before, base.dtype, elements.count, scratch.first)
        let to = unsafe isEqual ? from : Self.widen(after, other.dtype, elements.count, scratch.second)
        return unsafe BlockComparison(
            isEqual: isEqual, tenon_compare_pair(from.baseAddress, to.baseAddress, elements.count),
            count: elements.count)
    }

    static func read(
        _ source: any TensorSource, _ elements: Range<Int>, _ room: ScratchBuffer
    ) throws(Failure) -> UnsafeMutableRawBufferPointer {
        let width = source.dtype.width ?? 1
        return try unsafe source.read(elements.lowerBound * width..<elements.upperBound * width, into: room)
    }

    /// The elements in fp32: where they lie, if they are that.
    static func widen(
        _ bytes: UnsafeMutableRawBufferPointer, _ dtype: DType, _ count: Int, _ room: ScratchBuffer
    ) -> UnsafeMutableBufferPointer<Float> {
        if dtype == .f32 { return unsafe bytes.assumingMemoryBound(to: Float.self) }
        let floats = unsafe room.floats(count)
        unsafe FloatElements.widen(UnsafeRawBufferPointer(bytes), dtype, into: floats)
        return unsafe floats
    }
}

/// Two tensors of one type and shape whose bytes are no numbers that can be measured.
struct PlainPair: ComparedElements {
    let base: any TensorSource
    let other: any TensorSource

    var count: Int { base.byteCount }

    func compare(_ elements: Range<Int>, _ scratch: WindowScratch) throws(Failure) -> BlockComparison {
        let before = try unsafe base.read(elements, into: scratch.base)
        let after = try unsafe other.read(elements, into: scratch.tuned)
        let changed = unsafe tenon_count_changed(before.baseAddress, after.baseAddress, elements.count, 1)
        return BlockComparison(isEqual: changed == 0, count: 0)
    }
}
