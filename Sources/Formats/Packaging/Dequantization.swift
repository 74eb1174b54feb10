package import Adapters
package import Diagnostics
import Quantization
import Tensors

extension Adapter {
    /// The same adapter with every quantized factor as the floats its codes stand for.
    package func dequantized() throws(Failure) -> Adapter {
        var adapter = self
        for index in adapter.entries.indices { adapter.entries[index] = try adapter.entries[index].dequantized() }
        return adapter
    }
}

extension AdapterEntry {
    /// The bytes of all its tensors.
    var byteCount: Int { tensors.reduce(0) { $0 + $1.source.byteCount } }

    fileprivate func dequantized() throws(Failure) -> AdapterEntry {
        guard tensors.contains(where: { $0.role.part == .codes }) else { return self }
        var entry = self
        entry.tensors = []
        for tensor in tensors {
            switch tensor.role.part {
            case .whole?: entry.tensors.append(tensor)
            case .codes?:
                entry.tensors.append(RoleTensor(tensor.role.factor, try dequantized(tensor.role.factor, tensor.source)))
            default: continue
            }
        }
        for key in ["scheme", "block", "outer_block", "dtype"] { entry.parameters[key] = nil }
        return entry
    }

    private func dequantized(_ factor: Role, _ codes: any TensorSource) throws(Failure) -> any TensorSource {
        guard let scales = self[factor.part(.scales)],
            let dtype = parameters["dtype"]?.string.flatMap(DType.init(name:)),
            parameters["block"]?.int == QuantizationScheme.blockElements
        else {
            throw Failure(
                .notExportable, "the factor \(factor.word) is quantized in a way unknown here", object: key.description)
        }
        guard let outer = self[factor.part(.outerScales)] else {
            let scheme: QuantizationScheme = codes.dtype == .i8 ? .int8 : .nf4
            return try DequantizedTensor(
                codes: codes, scales: scales, outerScales: nil,
                parameters: QuantizationParameters(scheme: scheme, dtype: dtype))
        }
        let bytes = try outer.readAll()
        let offset = Float(bitPattern: bytes.prefix(4).reversed().reduce(0 as UInt32) { $0 << 8 | UInt32($1) })
        let rest = Array(bytes.dropFirst(4))
        return try DequantizedTensor(
            codes: codes, scales: scales,
            outerScales: TensorBuffer(dtype: .f32, shape: [rest.count / 4], bytes: rest),
            parameters: QuantizationParameters(scheme: .nf4Double, dtype: dtype, offset: offset))
    }
}
