import Architectures
package import Checkpoints
package import Diagnostics
import Files
import Kernels
import Layers
import Synchronization
import Tensors

/// A checkpoint's tensors where they lie: its files mapped, so that frozen weights cost the page cache alone.
package final class WeightStore: Sendable {
    package let checkpoint: Checkpoint
    private let files: [MappedShard]
    private let names: TensorNaming

    package init(_ checkpoint: Checkpoint) throws(Failure) {
        if let quantization = checkpoint.quantization {
            throw Failure(
                .baseInvalid, "the base is quantized and cannot be trained on", object: quantization,
                path: checkpoint.path, hint: "use the model it was quantized from")
        }
        self.checkpoint = checkpoint
        var files: [MappedShard] = []
        for shard in checkpoint.shards {
            guard let file = shard.file.file as? InputFile else {
                throw Failure(
                    .usage, "a model in a container cannot be trained on where it is", path: checkpoint.path,
                    hint: "write it to a folder first: tenon apply \(checkpoint.path) -o FOLDER")
            }
            files.append(try MappedShard(file))
        }
        self.files = files
        names = TensorNaming(checkpoint)
    }

    /// Whether there is a tensor of that name and shape.
    func has(_ wanted: NamedShape) -> Bool { names.tensor(wanted.name)?.shape == wanted.shape }

    /// The tensor as layers read it: a vector is one row. It goes by the name that is wanted, or by its `ownName` in the
    /// file.
    ///
    /// Throws ``Failure/Code/baseIncompatible`` where the base lacks it or has another shape, and ``Failure/Code/baseInvalid``
    /// for a type that is none of F32, BF16 and F16.
    func parameter<R: Real>(
        _ wanted: NamedShape, ownName: Bool = false, _ type: R.Type
    ) throws(Failure) -> BaseParameter<R> {
        guard let tensor = names.tensor(wanted.name) else {
            throw Failure(
                .baseIncompatible, "the base lacks a tensor of its architecture", object: wanted.name,
                path: checkpoint.path)
        }
        guard tensor.shape == wanted.shape else {
            throw Failure(
                .baseIncompatible, "a tensor of the base is not as its config says", object: tensor.name,
                path: checkpoint.path, expected: "\(wanted.shape)", actual: "\(tensor.shape)")
        }
        guard let format = WeightFormat(tensor.dtype) else {
            throw Failure(
                .baseInvalid, "a tensor of the base is of a type that cannot be trained on", object: tensor.name,
                path: checkpoint.path, expected: "F32, BF16 or F16", actual: tensor.dtype.name)
        }
        let dimensions = wanted.shape.dimensions
        let (rows, columns) = dimensions.count == 1 ? (1, dimensions[0]) : (dimensions[0], dimensions[1])
        let weight: Weight<R> = try files[tensor.shard].weight(
            tensor.source.tensor.range, format: format, rows: rows, columns: columns)
        return BaseParameter(name: ownName ? tensor.name : wanted.name, weight, isVector: dimensions.count == 1)
    }
}

/// A file of weights in memory that is the file's own.
private final class MappedShard: Sendable {
    private let map: MappedFile

    init(_ file: InputFile) throws(Failure) {
        map = try MappedFile(file)
    }

    func weight<R: Real>(_ range: Range<Int>, format: WeightFormat, rows: Int, columns: Int) throws(Failure) -> Weight<
        R
    > {
        var weight: Weight<R>?
        try unsafe map.withUnsafeBytes(range) { bytes throws(Failure) in
            guard let base = bytes.baseAddress else { return }
            let width = bytes.count / max(1, rows * columns)
            guard UInt(bitPattern: base) % UInt(max(1, width)) == 0 else {
                let copy = unsafe AlignedBytes(base, count: bytes.count)
                unsafe weight = Weight(unsafe: copy.start, format: format, rows: rows, columns: columns, owner: copy)
                return
            }
            // The map stays where it is for as long as its owner lives, and the weight keeps that.
            unsafe weight = Weight(unsafe: base, format: format, rows: rows, columns: columns, owner: self)
        }
        guard let weight else { throw Failure(.internal, "an empty tensor was mapped") }
        return weight
    }
}

/// What lies in a file where kernels cannot read it: headers may have any length, and so tensors any place.
@safe
private final class AlignedBytes: @unchecked Sendable {
    let start: UnsafeRawPointer

    init(_ bytes: UnsafeRawPointer, count: Int) {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: count, alignment: 64)
        unsafe memory.copyMemory(from: bytes, byteCount: count)
        unsafe start = UnsafeRawPointer(memory)
    }

    deinit {
        unsafe start.deallocate()
    }
}

extension WeightFormat {
    /// Nil for what kernels do not read.
    fileprivate init?(_ dtype: DType) {
        switch dtype {
        case .f32: self = .f32
        case .bf16: self = .bf16
        case .f16: self = .f16
        default: return nil
        }
    }
}

/// Names of tensors with or without the model's prefix, and as older releases wrote them.
private struct TensorNaming: Sendable {
    private let checkpoint: Checkpoint

    /// What a model with a head puts before the names of the model without one.
    private static let prefixes = ["model.", "transformer.", "bert.", "roberta.", "distilbert."]
    private static let renamed = [
        // BERT's norms, as converted from TensorFlow.
        (".LayerNorm.weight", ".LayerNorm.gamma"), (".LayerNorm.bias", ".LayerNorm.beta"),
        // The bias of the head, which its last layer shares.
        ("predictions.decoder.bias", "predictions.bias"), ("lm_head.decoder.bias", "lm_head.bias"),
    ]

    init(_ checkpoint: Checkpoint) {
        self.checkpoint = checkpoint
    }

    func tensor(_ name: String) -> CheckpointTensor? {
        var names = [name]
        for (newer, older) in Self.renamed where name.hasSuffix(newer) {
            names.append(name.dropLast(newer.count) + older)
        }
        for name in names {
            if let tensor = checkpoint[name] { return tensor }
            for prefix in Self.prefixes where name.hasPrefix(prefix) {
                if let tensor = checkpoint[String(name.dropFirst(prefix.count))] { return tensor }
            }
        }
        return nil
    }
}
