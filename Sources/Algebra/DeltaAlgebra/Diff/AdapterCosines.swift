package import Adapters
import CKernels
package import Diagnostics
import JSON
import LinearAlgebra
package import Parallelism
import Tensors

/// The inner products of every two of many adapters, each factor read once: `Spec/diff.md`.
///
/// What they hold for one target is taken together. Of products of factors, all factors are stacked, and ⟨X, Y⟩ is the
/// sum over the elements that belong to X and Y of both stacks' Gram matrices; products are in fp32 over at most
/// 1024 elements and in fp64 from there. Memory: all factors of one target, and a strip of the Gram matrices a lane.
package struct AdapterCosines: Sendable {
    /// Of each adapter; no number where one of its own is none.
    package let norms: [Double]
    private let products: [Double]

    package var count: Int { norms.count }

    /// Nil where one of them is zero.
    package subscript(i: Int, j: Int) -> Double? {
        guard norms[i] > 0, norms[j] > 0 else { return nil }
        return i == j ? 1 : max(-1, min(1, products[i * count + j] / (norms[i] * norms[j])))
    }

    /// - Parameter adapters: With their factors dequantized.
    ///
    /// Throws ``Failure/Code/badParameter`` for a scale that is no number, ``Failure/Code/outOfMemory`` where the factors
    /// of one target do not fit, and what reading throws.
    package init(_ adapters: [Adapter], lanes: Lanes, memory: MemoryBudget = .standard) throws(Failure) {
        let count = adapters.count
        let parts = try adapters.map { adapter throws(Failure) in try AdapterParts(adapter) }
        let sums = SharedBuffer<Double>(count: count * count)
        var seen: Set<ExactKey> = []
        for part in parts.flatMap(\.parts) where seen.insert(ExactKey(part.name)).inserted {
            do throws(Failure) {
                for stack in FactorStack.stacks(parts.map { $0[part.name]?.content }) {
                    try stack.add(to: sums, count: count, stack.fitting(lanes, memory))
                }
            } catch {
                throw error.on(part.name)
            }
        }
        var products = [Double](repeating: 0, count: count * count)
        for i in 0..<count {
            for j in i..<count {
                unsafe products[i * count + j] = sums.elements[i * count + j]
                unsafe products[j * count + i] = sums.elements[i * count + j]
            }
        }
        self.products = products
        norms = (0..<count).map { place in
            // Rounding alone can bring a square below zero; a NaN stays one.
            let square = products[place * count + place]
            return square < 0 ? 0 : square.squareRoot()
        }
    }
}

/// What several adapters hold for one target, in one shape.
private struct FactorStack {
    struct Member {
        let adapter: Int
        let content: AdapterParts.Content
    }

    private let members: [Member]

    /// One stack for each shape that is there; what stands alone is a stack too.
    static func stacks(_ contents: [AdapterParts.Content?]) -> [FactorStack] {
        var groups: [Form: [Member]] = [:]
        var order: [Form] = []
        for (adapter, content) in contents.enumerated() {
            guard let content, let form = Form(content) else { continue }
            if groups[form] == nil { order.append(form) }
            groups[form, default: []].append(Member(adapter: adapter, content: content))
        }
        return order.compactMap { form in groups[form].map { FactorStack(members: $0) } }
    }

    private struct Form: Hashable {
        let isProduct: Bool
        let shape: Shape

        /// Nil for what is no numbers.
        init?(_ content: AdapterParts.Content) {
            switch content {
            case .product(let change):
                isProduct = true
                shape = [change.rows, change.columns]
            case .tensor(let source):
                guard FloatElements.canHold(source.dtype) else { return nil }
                isProduct = false
                shape = source.shape
            }
        }
    }

    /// As many lanes as fit, each with a strip of both Gram matrices, beside the stacked factors.
    func fitting(_ lanes: Lanes, _ memory: MemoryBudget) throws(Failure) -> Lanes {
        let starts = self.starts
        let widest = Strips(starts).ranges.map { starts[$0.upperBound] - starts[$0.lowerBound] }.max() ?? 0
        let strip = 2 * widest * starts[starts.count - 1] * MemoryLayout<Double>.stride
        let stacked = try starts[starts.count - 1] * side() * MemoryLayout<Float>.stride
        guard stacked + strip <= memory.bytes else {
            throw Failure(
                .outOfMemory, "the factors of all adapters for one module do not fit the memory",
                expected: "at most \(memory.bytes) bytes", actual: "\(stacked + strip) bytes",
                hint: "--memory \((stacked + strip + (1 << 20) - 1) >> 20)M")
        }
        return Lanes(count: MemoryBudget(bytes: memory.bytes - stacked).lanes(wanted: lanes.count, perLane: strip))
    }

    /// How many elements a row has in both stacks together.
    private func side() throws(Failure) -> Int {
        switch members[0].content {
        case .product(let change): change.rows + change.columns
        case .tensor(let source): try source.shape.elementCount()
        }
    }

    /// Adds ⟨X, Y⟩ for every two members X, Y, the first not after the second.
    func add(to sums: SharedBuffer<Double>, count: Int, _ lanes: Lanes) throws(Failure) {
        let starts = self.starts
        let sides = try read(starts, lanes)
        let strips = Strips(starts)
        try lanes.forEach(strips.ranges.count) { _, index throws(Failure) in
            let strip = strips.ranges[index]
            let (first, end) = (starts[strip.lowerBound], starts[strip.upperBound])
            let total = starts[starts.count - 1]
            let width = total - first
            var products = sides[0].gram(rows: first..<end, columns: first..<total)
            if sides.count == 2 {
                let right = sides[1].gram(rows: first..<end, columns: first..<total)
                for place in right.indices { products[place] *= right[place] }
            }
            for i in strip {
                for j in i..<self.members.count {
                    var sum = 0.0
                    for row in starts[i] - first..<starts[i + 1] - first {
                        for column in starts[j] - first..<starts[j + 1] - first {
                            sum += products[row * width + column]
                        }
                    }
                    unsafe sums.elements[self.members[i].adapter * count + self.members[j].adapter] += sum
                }
            }
        }
    }

    /// The first row of each member in the stack, and the end.
    private var starts: [Int] {
        var starts = [0]
        for member in members {
            var rows = 1
            if case .product(let change) = member.content { rows = change.rank }
            starts.append(starts[starts.count - 1] + rows)
        }
        return starts
    }

    /// Runs of members, some 128 rows of the stack each.
    private struct Strips {
        private(set) var ranges: [Range<Int>] = []

        init(_ starts: [Int]) {
            var begin = 0
            for end in 1..<starts.count where starts[end] - starts[begin] >= 128 || end == starts.count - 1 {
                ranges.append(begin..<end)
                begin = end
            }
        }
    }

    /// The stacks of both sides of the products, or of the tensors themselves.
    private func read(_ starts: [Int], _ lanes: Lanes) throws(Failure) -> [Stack] {
        let total = starts[starts.count - 1]
        let sides: [Stack]
        switch members[0].content {
        case .product(let change):
            sides = [Stack(rows: total, columns: change.rows), Stack(rows: total, columns: change.columns)]
        case .tensor(let source):
            sides = [Stack(rows: total, columns: try source.shape.elementCount())]
        }
        try lanes.forEach(members.count) { _, index throws(Failure) in
            switch self.members[index].content {
            case .product(let change):
                let (left, right, scale) = try change.unscaledFactors()
                sides[0].put(transposed: left.values, at: starts[index], count: change.rank)
                sides[1].put(right.values, times: scale, at: starts[index])
            case .tensor(let source): sides[0].put(try source.floats(), times: 1, at: starts[index])
            }
        }
        return sides
    }
}

/// Long rows one below the other.
private struct Stack: Sendable {
    let rows: Int
    let columns: Int
    private let values: SharedBuffer<Float>

    init(rows: Int, columns: Int) {
        self.rows = rows
        self.columns = columns
        values = SharedBuffer(count: rows * columns)
    }

    func put(_ rows: [Float], times scale: Float, at row: Int) {
        let target = unsafe values.start + row * columns
        unsafe rows.withUnsafeBufferPointer { rows in
            for index in 0..<rows.count { unsafe target[index] = scale * rows[index] }
        }
    }

    /// `count` rows, given as the columns of a matrix.
    func put(transposed matrix: [Float], at row: Int, count: Int) {
        let target = unsafe values.start + row * columns
        unsafe matrix.withUnsafeBufferPointer { matrix in
            for column in 0..<columns {
                for k in 0..<count { unsafe target[k * columns + column] = matrix[column * count + k] }
            }
        }
    }

    /// The inner products of some rows with others, row-major.
    func gram(rows: Range<Int>, columns others: Range<Int>) -> [Double] {
        let kernels = unsafe tenon_learning_f32().pointee
        let scratch = SharedBuffer<Float>(count: kernels.scratch_bytes / MemoryLayout<Float>.stride + 1)
        let (height, width) = (rows.count, others.count)
        let part = SharedBuffer<Float>(count: height * width)
        var sums = [Double](repeating: 0, count: height * width)
        for start in stride(from: 0, to: columns, by: Self.depth) {
            let depth = min(Self.depth, columns - start)
            var term = unsafe tenon_term(
                left: operand(rows.lowerBound, start, isTransposed: false),
                right: operand(others.lowerBound, start, isTransposed: true), depth: depth)
            let nothing = unsafe tenon_matrix(start: nil, rows: height, columns: width, stride: width)
            let target = unsafe tenon_matrix(start: part.start, rows: height, columns: width, stride: width)
            withExtendedLifetime(scratch) {
                unsafe kernels.multiply(
                    &term, 1, nothing, target, tenon_range(from: 0, to: height), tenon_range(from: 0, to: width),
                    scratch.start)
            }
            unsafe sums.withUnsafeMutableBufferPointer { sums in
                for index in 0..<sums.count { unsafe sums[index] += Double(part.start[index]) }
            }
        }
        return sums
    }

    /// How many products are summed in fp32.
    private static let depth = 1024

    private func operand(_ row: Int, _ column: Int, isTransposed: Bool) -> tenon_operand {
        unsafe tenon_operand(
            start: values.start + row * columns + column, stride: columns, numbers: Int32(TENON_NUMBERS_OWN),
            is_transposed: isTransposed ? 1 : 0)
    }
}
