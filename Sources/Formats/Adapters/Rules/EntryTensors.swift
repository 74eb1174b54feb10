import Diagnostics
package import Tensors

/// The tensors one entry may have, by factor. Where a factor is quantized its codes carry the factor's own shape, so
/// the rules of kinds need not know.
///
/// A dimension of zero, which only tensors without elements have, fits every other: of factors pruned to rank 0 all
/// else must still be right. The shape [0] is what a training over several processes leaves of a factor that it did not
/// gather; it stands for any shape of zeros.
package struct EntryTensors {
    private let kind: String
    private let tensors: [TensorDescription]

    package init(_ kind: String, _ tensors: [TensorDescription], empty: [EmptyTensor] = []) {
        self.kind = kind
        self.tensors = tensors + empty.map { TensorDescription(role: $0.role, dtype: $0.dtype, shape: $0.shape) }
    }

    private func description(of role: Role) -> TensorDescription? {
        tensors.first { $0.role.factor == role && ($0.role.part == .whole || $0.role.part == .codes) }
    }

    package subscript(role: Role) -> Shape? { description(of: role)?.shape }

    package func dtype(of role: Role) -> DType? { description(of: role)?.dtype }

    package var factors: [Role] {
        tensors.filter { $0.role.part == .whole || $0.role.part == .codes }.map(\.role.factor)
    }

    // MARK: What rules ask

    /// The dimensions of a tensor that must be there.
    func dimensions(_ role: Role) throws(Failure) -> [Int] {
        guard let shape = self[role] else {
            throw Failure(.kindShape, "an entry of kind \(kind) lacks its tensor \(role.word)")
        }
        guard shape.dimensions.count(where: { $0 == 0 }) <= 1 else {
            throw Failure(
                .kindShape, "the tensor \(role.word) of a \(kind) entry has more than one dimension of zero",
                actual: "\(shape)")
        }
        return shape.dimensions
    }

    /// The dimensions of a tensor that must be there and have `rank` of them, or more where `orMore` says so.
    func dimensions(_ role: Role, rank: Int, orMore: Bool = false) throws(Failure) -> [Int] {
        let dimensions = try dimensions(role)
        if dimensions == [0] { return [Int](repeating: 0, count: rank) }
        guard dimensions.count == rank || orMore && dimensions.count > rank else {
            throw Failure(
                .kindShape, "the tensor \(role.word) of a \(kind) entry has the wrong number of dimensions",
                expected: orMore ? "\(rank) or more" : "\(rank)", actual: "\(Shape(dimensions))")
        }
        return dimensions
    }

    /// Both sides of a matrix.
    func matrix(_ role: Role) throws(Failure) -> (rows: Int, columns: Int) {
        let dimensions = try dimensions(role, rank: 2)
        return (dimensions[0], dimensions[1])
    }

    /// How many elements a tensor that must be there has.
    func count(_ role: Role) throws(Failure) -> Int {
        try Shape(try dimensions(role)).elementCount()
    }

    /// Refuses a tensor of another shape, if it is there.
    func expect(_ role: Role, _ shape: Shape) throws(Failure) {
        guard let found = self[role] else { return }
        let dimensions = try dimensions(role, rank: shape.rank)
        guard zip(dimensions, shape.dimensions).allSatisfy(Self.fit) else {
            throw Failure(
                .kindShape, "the tensor \(role.word) of a \(kind) entry has the wrong shape", expected: "\(shape)",
                actual: "\(found)")
        }
    }

    /// Whether two sides may be the same one.
    static func fit(_ a: Int, _ b: Int) -> Bool { a == b || a == 0 || b == 0 }

    /// Refuses sides of two tensors that should be equal and are not.
    func expectEqual(_ a: Int, _ b: Int, _ what: String) throws(Failure) {
        guard Self.fit(a, b) else {
            throw Failure(
                .kindShape, "the tensors of a \(kind) entry differ in \(what)", expected: "\(a)", actual: "\(b)")
        }
    }

    /// Refuses a tensor of a type that is not among `dtypes`, if it is there.
    func expect(_ role: Role, _ dtypes: [DType]) throws(Failure) {
        guard let found = dtype(of: role), !dtypes.contains(found) else { return }
        throw Failure(
            .kindShape, "the tensor \(role.word) of a \(kind) entry has the wrong type",
            expected: dtypes.map(\.name).joined(separator: ", "), actual: found.name)
    }

    /// A word among those allowed, or `standard` where the parameter is absent.
    func word(_ name: String, _ allowed: [String], standard: String, _ parameters: Parameters) throws(Failure) -> String
    {
        guard let value = parameters[name] else { return standard }
        guard let word = value.string, allowed.contains(word) else {
            throw Failure(
                .badParameter, "the parameter \(name) of a \(kind) entry is unknown",
                expected: allowed.joined(separator: ", "), actual: value.summary)
        }
        return word
    }

    func fail(_ message: String) -> Failure {
        Failure(.kindShape, "\(message) in an entry of kind \(kind)")
    }
}
