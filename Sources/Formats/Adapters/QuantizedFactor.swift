package import Tensors

/// How a factor of an entry was quantized: one member of the entry's parameter `quantized`, a map from roles to maps of
/// `scheme` ("int8", "nf4", "nf4-double"), `dtype` (what the factor was) and, where it is not 0, `offset` (what was taken
/// from each scale before the scales were quantized in turn).
package struct QuantizedFactor: Hashable, Sendable {
    package let scheme: String
    package let dtype: DType
    package let offset: Double

    package init(scheme: String, dtype: DType, offset: Double = 0) {
        self.scheme = scheme
        self.dtype = dtype
        self.offset = offset
    }

    /// Elements that share a scale, counted along the flattened factor; the last block may be short.
    static let blockElements = 64
    /// Elements whose scales share an outer scale.
    static let outerBlockElements = 64 * 256

    static let schemes = ["int8", "nf4", "nf4-double"]
}

extension Parameters {
    /// How the factor of this role was quantized; nil where the entry does not say so in the form above.
    package func quantization(of role: Role) -> QuantizedFactor? {
        guard let members = self["quantized"]?.map?.first(where: { $0.key == role.factor.word })?.value.map else {
            return nil
        }
        func value(_ key: String) -> ParameterValue? { members.first { $0.key == key }?.value }
        guard let scheme = value("scheme")?.string, QuantizedFactor.schemes.contains(scheme),
            let dtype = value("dtype")?.string.flatMap(DType.init(name:)), dtype.isFloat
        else { return nil }
        guard let offset = value("offset") else { return QuantizedFactor(scheme: scheme, dtype: dtype) }
        guard let offset = offset.double, offset.isFinite else { return nil }
        return QuantizedFactor(scheme: scheme, dtype: dtype, offset: offset)
    }

    /// Says how the factor of this role was quantized.
    package mutating func setQuantization(_ factor: QuantizedFactor?, of role: Role) {
        var members = self["quantized"]?.map ?? []
        members.removeAll { $0.key == role.factor.word }
        if let factor {
            var value: [ParameterValue.Member] = [
                .init("dtype", .string(factor.dtype.name)), .init("scheme", .string(factor.scheme)),
            ]
            if factor.offset != 0 { value.insert(.init("offset", .number(factor.offset)), at: 1) }
            members.append(.init(role.factor.word, .map(value)))
        }
        members.sort { $0.key.precedesInBytes($1.key) }
        self["quantized"] = members.isEmpty ? nil : .map(members)
    }
}
