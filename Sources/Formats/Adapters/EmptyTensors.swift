package import Tensors

/// A tensor without elements. No container holds one, so that all there is to know of it, its type and its shape, is kept
/// in the entry's parameter `empty`: a map from roles to lists of the type's name and the dimensions.
package struct EmptyTensor: Hashable, Sendable {
    package let role: Role
    package let dtype: DType
    package let shape: Shape

    package init(role: Role, dtype: DType, shape: Shape) {
        self.role = role
        self.dtype = dtype
        self.shape = shape
    }
}

extension Parameters {
    /// The entry's tensors without elements in the order of their roles; nil where the parameter says something else.
    package var emptyTensors: [EmptyTensor]? {
        guard let value = self["empty"] else { return [] }
        guard let members = value.map, !members.isEmpty else { return nil }
        var tensors: [EmptyTensor] = []
        for member in members {
            guard let role = Role.all.first(where: { $0.word == member.key }), let list = member.value.list,
                let dtype = list.first?.string.flatMap(DType.init(name:))
            else { return nil }
            let dimensions = list.dropFirst().compactMap(\.int)
            guard dimensions.count == list.count - 1, dimensions.contains(0), dimensions.allSatisfy({ $0 >= 0 }) else {
                return nil
            }
            tensors.append(EmptyTensor(role: role, dtype: dtype, shape: Shape(dimensions)))
        }
        return tensors
    }

    /// Keeps tensors without elements; none takes the parameter away.
    package mutating func setEmptyTensors(_ tensors: [EmptyTensor]) {
        guard !tensors.isEmpty else {
            self["empty"] = nil
            return
        }
        self["empty"] = .map(
            tensors.sorted { $0.role.rawValue < $1.role.rawValue }.map { tensor in
                .init(
                    tensor.role.word,
                    .list([.string(tensor.dtype.name)] + tensor.shape.dimensions.map { .int(Int64($0)) }))
            })
    }
}
