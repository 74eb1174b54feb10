import Adapters
import CKernels
import Diagnostics
import Parallelism
package import Quantization
import Synchronization
package import Tensors

/// What `pack` may do to factors on the way: only what was asked for, and measured.
package struct LossyConversion: Sendable {
    /// The dtype that fp32 factors are narrowed to; nil keeps theirs.
    package var dtype: DType?
    package var quantization: QuantizationScheme?

    package init(dtype: DType? = nil, quantization: QuantizationScheme? = nil) {
        self.dtype = dtype
        self.quantization = quantization
    }

    package var isLossless: Bool { dtype == nil && quantization == nil }

    /// Converts every float tensor of `adapter` that the options apply to. If there is any, the weights file can no
    /// longer be given back byte for byte, and its entry, whose header would lie, is dropped.
    func convert(_ adapter: inout Adapter, saved: inout PackReport.Savings, lanes: Lanes) throws(Failure)
        -> [PackReport.Loss]
    {
        var losses: [PendingLoss] = []
        for index in adapter.entries.indices where adapter.entries[index].key.kind != .file {
            let entry = adapter.entries[index]
            adapter.entries[index] = try convert(entry, saved: &saved, losses: &losses)
        }
        if losses.isEmpty { return [] }
        adapter.entries.removeAll { $0.key.kind == .file && $0.parameters["layout"] != nil }
        return try measure(losses, lanes: lanes)
    }

    private func convert(
        _ entry: AdapterEntry, saved: inout PackReport.Savings, losses: inout [PendingLoss]
    ) throws(Failure) -> AdapterEntry {
        var result = entry
        result.tensors = []
        for tensor in entry.tensors {
            let name = "\(entry.key), tensor \(tensor.role.word)"
            var source = tensor.source
            if let dtype, source.dtype == .f32, tensor.role.isFactor, entry.key.kind != .opaque {
                let narrowed = NarrowedTensor(original: source, dtype: dtype)
                saved.dtype += source.byteCount - narrowed.byteCount
                source = narrowed
            }
            guard let quantization, QuantizedFactor.accepts(source, role: tensor.role, of: entry.key.kind) else {
                if source.dtype != tensor.source.dtype {
                    losses.append(PendingLoss(tensor: name, original: tensor.source, result: source))
                }
                result.tensors.append(RoleTensor(tensor.role, source))
                continue
            }
            let quantized: QuantizedTensor
            do throws(Failure) {
                quantized = try QuantizedTensor(source, as: quantization)
            } catch {
                throw error.on(name).hint("pack it without --quantize, and see verify --values")
            }
            let parts = try quantized.parts(of: tensor.role)
            saved.quantization += source.byteCount - parts.reduce(0) { $0 + $1.source.byteCount }
            result.tensors += parts
            result.parameters["scheme"] = .string(quantization == .int8 ? "int8" : "nf4")
            result.parameters["block"] = .int(Int64(QuantizationScheme.blockElements))
            if quantization.isDouble {
                result.parameters["outer_block"] = .int(Int64(QuantizationScheme.outerBlockScales))
            }
            result.parameters["dtype"] = .string(source.dtype.name)
            losses.append(PendingLoss(tensor: name, original: tensor.source, result: try quantized.dequantized()))
        }
        return AdapterEntry(
            key: result.key, parameters: result.parameters, tensors: result.tensors, binding: entry.binding)
    }

    private func measure(_ pending: [PendingLoss], lanes: Lanes) throws(Failure) -> [PackReport.Loss] {
        let losses = Mutex([PackReport.Loss?](repeating: nil, count: pending.count))
        try lanes.forEach(pending.count) { _, index throws(Failure) in
            let one = pending[index]
            let error = try MeasuredError(of: one.result, against: one.original)
            losses.withLock {
                $0[index] = PackReport.Loss(tensor: one.tensor, relative: error.relative, largest: error.largest)
            }
        }
        return losses.withLock { $0.compactMap(\.self) }
    }
}

/// A tensor whose loss is measured when all conversions are known.
private struct PendingLoss: Sendable {
    let tensor: String
    let original: any TensorSource
    let result: any TensorSource
}

extension QuantizedFactor {
    /// Only matrices of floats are worth it, and rows of NF4 have whole bytes; whole tensors of the base and what
    /// nobody here understands are no factors.
    fileprivate static func accepts(_ source: any TensorSource, role: Role, of kind: Kind) -> Bool {
        guard role.isFactor, ![.opaque, .full, .dense, .bias].contains(kind) else { return false }
        guard source.shape.rank >= 2, let last = source.shape.dimensions.last, last % 2 == 0 else { return false }
        return QuantizationParameters.types.contains(source.dtype) && role.part == .whole
    }
}

extension QuantizedTensor {
    /// The parts as tensors of an entry; outer scales begin with the offset of the scales.
    fileprivate func parts(of role: Role) throws(Failure) -> [RoleTensor] {
        var parts = [RoleTensor(role.part(.codes), codes), RoleTensor(role.part(.scales), scales)]
        if let outerScales {
            let offset = parameters.offset.bitPattern
            let bytes = (0..<4).map { UInt8(truncatingIfNeeded: offset >> ($0 * 8)) } + (try outerScales.readAll())
            parts.append(
                RoleTensor(
                    role.part(.outerScales), try TensorBuffer(dtype: .f32, shape: [bytes.count / 4], bytes: bytes)))
        }
        return parts
    }
}

/// A tensor of fp32 read as bf16 or fp16, rounded to nearest, ties to even.
struct NarrowedTensor: TensorSource {
    let original: any TensorSource
    let dtype: DType

    var shape: Shape { original.shape }
    var byteCount: Int { original.byteCount / 2 }

    func read(at offset: Int, into target: inout MutableRawSpan) throws(Failure) {
        // Whole elements around the range asked for; a range that begins or ends within one is cut out.
        let first = offset / 2
        let last = (offset + target.byteCount + 1) / 2
        let wide = try original.read(at: first * 4, count: (last - first) * 4)
        var narrow = [UInt16](repeating: 0, count: last - first)
        unsafe wide.withUnsafeBytes { wide in
            let floats = unsafe wide.bindMemory(to: Float.self)
            switch dtype {
            case .bf16: unsafe tenon_bf16_from_f32(floats.baseAddress, floats.count, &narrow)
            default: unsafe tenon_f16_from_f32(floats.baseAddress, floats.count, &narrow)
            }
        }
        let bytes = unsafe narrow.span.bytes
        target.copy(from: bytes.extracting(droppingFirst: offset - first * 2).extracting(first: target.byteCount))
    }
}
