package import Diagnostics
package import Tensors

/// Reads the pickle of a dictionary from names to tensors, and nothing else.
///
/// A pickle is a program for a stack machine. This one knows the instructions that torch writes for such a dictionary,
/// calls nothing, holds values in flat lists (no recursion, however deep they nest), and stops at the first thing it
/// does not know with ``Failure/Code/pickleRefused``, the opcode and its place.
package struct PickleReader {
    /// A tensor as the pickle describes it: `storage[offset + Σ index · stride]`.
    package struct View {
        package var storage: Storage
        package var dtype: DType
        package var offset: Int
        package var shape: [Int]
        package var strides: [Int]
    }

    package struct Storage: Hashable {
        /// Nil: bytes.
        package var dtype: DType?
        package var key: String
        package var count: Int
    }

    enum Limits {
        static let operations = 1 << 23, stack = 1 << 16, marks = 64, name = 1024, rank = 64
    }

    private enum Value {
        case bool
        case int(Int)
        case text(String)
        case global(PickleGlobal)
        case storage(Storage)
        /// Places in the lists below.
        case tuple(Int), dict(Int), tensor(Int)
    }

    private var cursor: ByteCursor
    private var opcode = PickleOpcode.stop
    private var start = 0
    private var stack: [Value] = []
    private var marks: [Int] = []
    private var memo: [Value] = []
    private var tuples: [[Value]] = []
    private var dictionaries: [[(key: String, value: Value)]] = []
    private var views: [View] = []

    /// The tensors of the pickle in `bytes`, which lie at `base` of their file, in its order.
    package static func tensors(in bytes: [UInt8], base: Int) throws(Failure) -> [(name: String, view: View)] {
        var reader = PickleReader(cursor: ByteCursor(bytes: bytes, base: base, code: .pickleRefused))
        return try reader.run()
    }

    private mutating func run() throws(Failure) -> [(name: String, view: View)] {
        for operation in 0..<Limits.operations {
            start = cursor.place
            let byte = UInt8(try cursor.number(1))
            guard let known = PickleOpcode(rawValue: byte) else {
                throw Failure(
                    .pickleRefused, "the byte \(byte) at \(start) is no opcode", offset: UInt64(cursor.base + start))
            }
            opcode = known
            guard (operation == 0) == (opcode == .proto) else { throw refusal("is not where it belongs") }
            if opcode == .stop { return try result() }
            try step()
            guard stack.count <= Limits.stack, marks.count <= Limits.marks else { throw refusal("nests too deep") }
        }
        throw refusal("is one too many")
    }

    private func refusal(_ what: String) -> Failure {
        Failure(
            .pickleRefused, "the opcode \(opcode.name) at byte \(start) of the pickle \(what)",
            offset: UInt64(cursor.base + start)
        ).hint("only a dictionary of tensors is read; save such a file again as safetensors")
    }

    // MARK: The machine

    private mutating func step() throws(Failure) {
        switch opcode {
        case .proto: guard try (2...5).contains(cursor.number(1)) else { throw refusal("has an unknown version") }
        case .frame: guard try cursor.number(8) <= cursor.rest else { throw refusal("reaches beyond the end") }
        case .newTrue, .newFalse: stack.append(.bool)
        case .binInt: stack.append(.int(Int(Int32(truncatingIfNeeded: try cursor.number(4)))))
        case .binInt1, .binInt2: stack.append(.int(try cursor.size(opcode == .binInt1 ? 1 : 2)))
        case .long1:
            let width = try cursor.size(1)
            guard (1...8).contains(width) else { throw refusal("has more than 64 bits, or none") }
            let number = Int(truncatingIfNeeded: try cursor.number(width))
            stack.append(.int((number << (64 - 8 * width)) >> (64 - 8 * width)))
        case .shortBinUnicode, .binUnicode:
            let count = try cursor.size(opcode == .binUnicode ? 4 : 1)
            stack.append(.text(try cursor.text(count, limit: Limits.name)))
        case .mark: marks.append(stack.count)
        case .emptyTuple: push(tuple: [])
        case .tuple1, .tuple2, .tuple3: push(tuple: try pop(Int(opcode.rawValue - PickleOpcode.tuple1.rawValue) + 1))
        case .tuple: push(tuple: try popToMark())
        case .emptyDict: pushDictionary()
        case .setItem: try set(try pop(2))
        case .setItems: try set(try popToMark())
        case .binPut, .longBinPut: try remember(try cursor.size(opcode == .binPut ? 1 : 4))
        case .memoize: try remember(memo.count)
        case .binGet, .longBinGet: try recall(try cursor.size(opcode == .binGet ? 1 : 4))
        case .global: try push(global: try cursor.line(limit: Limits.name), try cursor.line(limit: Limits.name))
        case .stackGlobal:
            let words = try pop(2)
            guard case .text(let module) = words[0], case .text(let name) = words[1] else {
                throw refusal("wants two words")
            }
            try push(global: module, name)
        case .binPersID: try pushStorage(try pop(1)[0])
        case .reduce: try rebuild(try pop(2))
        case .build: try build(try pop(2))
        default: throw refusal("is not one that torch writes for tensors")
        }
    }

    private mutating func pop(_ count: Int) throws(Failure) -> [Value] {
        guard stack.count - (marks.last ?? 0) >= count else { throw refusal("finds too little on the stack") }
        defer { stack.removeLast(count) }
        return Array(stack.suffix(count))
    }

    private mutating func popToMark() throws(Failure) -> [Value] {
        guard let mark = marks.popLast() else { throw refusal("finds no mark") }
        defer { stack.removeSubrange(mark...) }
        return Array(stack[mark...])
    }

    private mutating func push(tuple: [Value]) {
        stack.append(.tuple(tuples.count))
        tuples.append(tuple)
    }

    private mutating func pushDictionary() {
        stack.append(.dict(dictionaries.count))
        dictionaries.append([])
    }

    /// Torch numbers what it remembers without gaps, so a list will do and cannot be blown up.
    private mutating func remember(_ index: Int) throws(Failure) {
        guard index == memo.count, stack.count > (marks.last ?? 0), let value = stack.last else {
            throw refusal("remembers nothing, or not in order")
        }
        memo.append(value)
    }

    private mutating func recall(_ index: Int) throws(Failure) {
        guard index < memo.count else { throw refusal("recalls what was never remembered") }
        stack.append(memo[index])
    }

    private mutating func set(_ items: [Value]) throws(Failure) {
        guard items.count % 2 == 0, stack.count > (marks.last ?? 0), case .dict(let place)? = stack.last else {
            throw refusal("finds no dictionary")
        }
        for index in stride(from: 0, to: items.count, by: 2) {
            guard case .text(let key) = items[index] else { throw refusal("sets a key that is no text") }
            dictionaries[place].append((key, items[index + 1]))
        }
    }

    // MARK: What values mean

    private mutating func push(global module: String, _ name: String) throws(Failure) {
        guard let global = PickleGlobal(module: module, name: name) else {
            throw refusal("names \(module).\(name), which has no place among tensors")
        }
        stack.append(.global(global))
    }

    /// `("storage", class, key, location, count)`.
    private mutating func pushStorage(_ value: Value) throws(Failure) {
        guard case .tuple(let place) = value, case let words = tuples[place], words.count == 5,
            case .text("storage") = words[0], case .global(.storage(let dtype)) = words[1],
            case .text(let key) = words[2], case .text = words[3], case .int(let count) = words[4], count >= 0
        else { throw refusal("has an id that is not a storage's") }
        stack.append(.storage(Storage(dtype: dtype, key: key, count: count)))
    }

    private mutating func rebuild(_ call: [Value]) throws(Failure) {
        guard case .global(let global) = call[0], case .tuple(let place) = call[1] else {
            throw refusal("calls what is no name")
        }
        let arguments = tuples[place]
        switch (global, arguments.count) {
        case (.orderedDict, 0): pushDictionary()
        case (.rebuildTensor, 6), (.rebuildTyped, 7): try pushTensor(arguments)
        case (.rebuildParameter, 3):
            guard case .tensor = arguments[0], case .bool = arguments[1], isEmpty(arguments[2]) else {
                throw refusal("rebuilds what is no tensor")
            }
            stack.append(arguments[0])
        default: throw refusal("calls \(global) with arguments that torch does not give it")
        }
    }

    /// `(storage, offset, shape, strides, requires_grad, hooks)`, and the type where the storage has none.
    private mutating func pushTensor(_ arguments: [Value]) throws(Failure) {
        guard case .storage(let storage) = arguments[0], case .int(let offset) = arguments[1],
            let shape = sizes(arguments[2]), let strides = sizes(arguments[3]), shape.count == strides.count,
            shape.count <= Limits.rank, offset >= 0, case .bool = arguments[4], isEmpty(arguments[5])
        else { throw refusal("rebuilds a tensor from arguments that torch does not give it") }
        var dtype = storage.dtype
        if arguments.count == 7, case .global(.dtype(let given)) = arguments[6], dtype == nil { dtype = given }
        guard let dtype, arguments.count == 6 || storage.dtype == nil else {
            throw refusal("leaves the type of a tensor open")
        }
        stack.append(.tensor(views.count))
        views.append(View(storage: storage, dtype: dtype, offset: offset, shape: shape, strides: strides))
    }

    private func sizes(_ value: Value) -> [Int]? {
        guard case .tuple(let place) = value else { return nil }
        let sizes = tuples[place].compactMap { if case .int(let size) = $0, size >= 0 { size } else { nil } }
        return sizes.count == tuples[place].count ? sizes : nil
    }

    private func isEmpty(_ value: Value) -> Bool {
        guard case .dict(let place) = value else { return false }
        return dictionaries[place].isEmpty
    }

    /// The state of a module's dictionary: versions of its parts, which no tensor depends on. All else is refused.
    private mutating func build(_ values: [Value]) throws(Failure) {
        guard case .dict = values[0], case .dict(let state) = values[1], dictionaries[state].count == 1,
            case ("_metadata", .dict) = dictionaries[state][0]
        else { throw refusal("sets the state of an object") }
        stack.append(values[0])
    }

    private func result() throws(Failure) -> [(name: String, view: View)] {
        guard cursor.rest == 0, marks.isEmpty, stack.count == 1, case .dict(let place) = stack[0] else {
            throw refusal("leaves something other than one dictionary")
        }
        var tensors: [(name: String, view: View)] = []
        // By their bytes: Swift takes strings for equal that Python does not.
        var names: Set<[UInt8]> = []
        for (key, value) in dictionaries[place] {
            guard case .tensor(let place) = value else { throw refusal("leaves a value that is no tensor").on(key) }
            guard names.insert(Array(key.utf8)).inserted else {
                throw Failure(.duplicate, "two tensors have one name", object: key)
            }
            tensors.append((key, views[place]))
        }
        return tensors
    }
}
