import CKernels
import Diagnostics
import Parallelism
import Tensors

/// Some elements of the models' tensors in fp32, for one lane to work on in place.
@safe
package final class MergeBlock: @unchecked Sendable {
    /// A row of numbers, one for each element.
    enum Vector: Hashable, Sendable {
        case base
        case input(Int)
        case result
        case spare
    }

    /// Its number among the blocks of the tensor.
    private(set) var index = 0
    /// The place of its first element in the tensor.
    private(set) var first = 0
    private(set) var count = 0
    /// Elements of a row of the tensor.
    private(set) var columns = 1
    private(set) var inputCount = 0

    private let bytes = ScratchBuffer()
    private let base = ScratchBuffer()
    private let result = ScratchBuffer()
    private let spare = ScratchBuffer()
    private var inputs: [ScratchBuffer] = []
    /// Where an element of some model is infinite or NaN; empty where there is none.
    private var unusable: [UInt8] = []
    /// The places of a row's elements among its magnitudes, and what is needed to find them.
    private let ranks = ScratchBuffer()
    private let rankScratch = ScratchBuffer()

    private static let pool = Pool<MergeBlock>()

    /// Calls `body` with one that nobody else uses meanwhile.
    static func with<Result>(_ body: (MergeBlock) throws(Failure) -> Result) throws(Failure) -> Result {
        let block = pool.take() ?? MergeBlock()
        defer { pool.giveBack(block) }
        return try body(block)
    }

    var inputVectors: [Vector] { (0..<inputCount).map { .input($0) } }

    subscript(_ vector: Vector) -> UnsafeMutableBufferPointer<Float> {
        switch vector {
        case .base: unsafe base.floats(count)
        case .input(let number): unsafe inputs[number].floats(count)
        case .result: unsafe result.floats(count)
        case .spare: unsafe spare.floats(count)
        }
    }

    // MARK: Reading and writing

    func begin(index: Int, elements: Range<Int>, columns: Int, inputCount: Int) {
        self.index = index
        first = elements.lowerBound
        count = elements.count
        self.columns = columns
        self.inputCount = inputCount
        unusable.removeAll(keepingCapacity: true)
        while inputs.count < inputCount { inputs.append(ScratchBuffer()) }
    }

    func read(_ source: any TensorSource, as vector: Vector) throws(Failure) {
        let width = source.dtype.width ?? 1
        let raw = try unsafe source.read(first * width..<(first + count) * width, into: bytes)
        unsafe FloatElements.widen(UnsafeRawBufferPointer(raw), source.dtype, into: self[vector])
    }

    /// The result's bytes in `dtype`, rounded to nearest.
    func rounded(to dtype: DType) -> UnsafeRawBufferPointer {
        let target = unsafe bytes.bytes(count * (dtype.width ?? 1))
        unsafe FloatElements.narrow(UnsafeBufferPointer(self[.result]), to: dtype, into: target)
        return UnsafeRawBufferPointer(target)
    }

    // MARK: Elements that are no numbers

    func unusableCount(_ vector: Vector) -> Int {
        unsafe tenon_count_unusable(self[vector].baseAddress, count)
    }

    /// Whether an element of the result is beyond what a type can hold.
    func overflows(_ dtype: DType) -> Bool {
        let largest: Float
        switch dtype {
        // Half a unit in the last place above the largest number rounds to infinity.
        case .f16: largest = 65_520
        case .bf16: largest = 0x1.FFp127
        default: return false
        }
        return unsafe tenon_count_at_least(self[.result].baseAddress, count, largest) > 0
    }

    /// Notes where those of a vector are.
    func markUnusable(_ vector: Vector) {
        guard unusableCount(vector) > 0 else { return }
        if unusable.isEmpty { unusable = [UInt8](repeating: 0, count: count) }
        unsafe tenon_mark_unusable(self[vector].baseAddress, count, &unusable)
    }

    /// Puts `value` where one was noted in any vector.
    func putUnusable(_ vector: Vector, _ value: Float) {
        guard !unusable.isEmpty else { return }
        unsafe tenon_put_marked(unusable, count, value, self[vector].baseAddress)
    }

    // MARK: Rows

    /// Sets to zero elements of each row with a chance that rises with their rank among the row's magnitudes.
    func clearRandomly(_ vector: Vector, key: UInt64, low: Double, spread: Double) {
        let values = unsafe self[vector]
        let order = unsafe ranks.bytes(columns * 4).assumingMemoryBound(to: UInt32.self)
        let scratch = unsafe rankScratch.bytes((2 * columns + 2048) * 4).assumingMemoryBound(to: UInt32.self)
        for start in stride(from: 0, to: count, by: columns) {
            let row = unsafe values.baseAddress.map { unsafe $0 + start }
            unsafe tenon_rank_magnitudes(row, columns, order.baseAddress, scratch.baseAddress)
            unsafe tenon_random_clear_ranked(
                key, UInt64(first + start), columns, order.baseAddress, low, spread, row)
        }
    }
}
