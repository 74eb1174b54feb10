package import Adapters
package import Diagnostics
package import Files
package import Parallelism
import Tensors
import Checkpoints
import JSON

/// Any adapter as one safetensors file, also one whose kinds nobody here knows.
///
/// A tensor is named `TARGET/KIND/ROLE`, or `TARGET/KIND/ORDINAL/ROLE` where the ordinal is not 0:
/// `model.layers.0.self_attn.q_proj.weight/lora/A`. Types that safetensors does not have go as U8, byte for byte. Metadata:
/// `format` is "tenon"; `method`; `parameters`, `entries` (the parameters of entries that have any, by `TARGET/KIND` or
/// `TARGET/KIND/ORDINAL`) and `types` (type and shape of what went as U8, by name) as JSON; then the adapter's own metadata
/// by `metadata.KEY`. Files that came along are left out.
package enum SafetensorsExport {
    /// Writes the adapter to `file`; the caller commits it.
    ///
    /// - Parameter ignoringOriginal: Whether a stored config that contradicts the parameters does no harm.
    /// - Returns: What was left out.
    ///
    /// Throws ``Failure/Code/configConflict`` as ``PEFTFolder/checkConflict(_:)`` does, and what reading and writing
    /// throw.
    @discardableResult
    package static func write(
        _ adapter: Adapter, to file: OutputFile, lanes: Lanes, observing: BlockObserving? = nil,
        ignoringOriginal: Bool = false
    ) throws(Failure) -> [Finding] {
        if !ignoringOriginal { try PEFTFolder.checkConflict(adapter) }
        var tensors: [(name: String, dtype: DType, shape: Shape)] = []
        var sources: [any TensorSource] = []
        var entries = JSONObject()
        var types = JSONObject()
        var files = 0
        for entry in adapter.entries {
            guard entry.key.kind != .file else {
                files += 1
                continue
            }
            let place = name(of: entry.key)
            if !entry.parameters.isEmpty { entries[place] = entry.parameters.document }
            for tensor in entry.tensors {
                let name = place + "/" + tensor.role.word
                let source = tensor.source
                if source.dtype == .nf4 || source.dtype == .bit {
                    types[name] = [.string(source.dtype.name), .array(source.shape.dimensions.map { JSONValue($0) })]
                    tensors.append((name, .u8, [source.byteCount]))
                } else {
                    tensors.append((name, source.dtype, source.shape))
                }
                sources.append(source)
            }
        }
        var metadata: [(key: String, value: String)] = [
            ("format", "tenon"), ("method", adapter.method), ("parameters", text(adapter.parameters.document)),
        ]
        if !entries.isEmpty { metadata.append(("entries", text(.object(entries)))) }
        if !types.isEmpty { metadata.append(("types", text(.object(types)))) }
        for key in adapter.metadata.keys.sorted(by: { $0.precedesInBytes($1) }) {
            metadata.append(("metadata." + key, adapter.metadata[key] ?? ""))
        }
        let (header, order) = try SafetensorsWriter.headerBytes(tensors: tensors, metadata: metadata)
        let ordered = order.map { sources[$0] }
        try SafetensorsWriter.write(
            header: header, sources: ordered, to: file, lanes: lanes, observer: observing?(ordered))
        if files == 0 { return [] }
        return [
            Finding("files-left-out", "\(files) files that came with the adapter have no place in one safetensors file")
        ]
    }

    private static func name(of key: EntryKey) -> String {
        let name = key.target + "/" + key.kind.word
        return key.ordinal == 0 ? name : "\(name)/\(key.ordinal)"
    }

    private static func text(_ value: JSONValue) -> String {
        String(decoding: JSONWriter.bytes(of: value, .compact), as: UTF8.self)
    }
}
