import Adapters
import Digests
import Tensors

extension Index {
    /// The fixed part in front of the tables: fifteen counts, then the adapter record.
    static let countsSize = 68

    /// The tables in their one order, without the zeros that fill up to the trailer.
    package func serialized() -> [UInt8] {
        let (shapes, shapeNumbers) = ShapeTable.numbered(tensors)
        let blobs = parameters.map { $0.serialized() }
        let texts = StringTable.pack(strings)
        var writer = ByteWriter()
        let counts = [
            bases.count, entries.count, leaves.count, shapes.count, shapes.reduce(0) { $0 + $1.rank }, tensors.count,
            planes.count, planes.count { $0.codec != .raw }, blobs.count, blobs.reduce(0) { $0 + $1.count },
            texts.count, texts.reduce(0) { $0 + $1.rest.count }, metadata.count, extensions.count,
            extensions.reduce(0) { $0 + 8 + $1.bytes.count },
        ]
        for count in counts { writer.integer(UInt32(count)) }
        writer.integer(method)
        writer.integer(record)

        for base in bases {
            writer.append(base.root.bytes)
            writer.append(base.headerDigest.bytes)
            writer.integer(base.tensorCount)
            writer.integer(base.byteCount)
            writer.integer(base.sourceFormat)
            writer.zeros(12)
        }
        for entry in entries {
            writer.integer(entry.target)
            writer.integer(entry.parameters)
            writer.integer(entry.kind.rawValue)
            writer.integer(entry.ordinal)
            writer.integer(entry.flags.rawValue)
            writer.integer(entry.tensorCount)
            writer.integer(entry.base)
        }
        for leaf in leaves { writer.append(leaf.bytes) }
        for shape in shapes { writer.integer(UInt8(shape.rank)) }
        for shape in shapes {
            for dimension in shape.dimensions { writer.integer(UInt64(dimension)) }
        }
        for tensor in tensors {
            writer.integer(tensor.role.rawValue)
            writer.integer(tensor.dtype.rawValue)
            writer.integer(shapeNumbers[tensor.shape] ?? 0)
            writer.integer(tensor.filter.rawValue | (tensor.chunkLog2 - 16) << 4)
            writer.append(tensor.digest.bytes)
        }
        for plane in planes {
            writer.integer(UInt32(plane.storedBytes) | UInt32(plane.codec.rawValue) << 28)
            writer.integer(plane.storedCheck)
        }
        for plane in planes where plane.codec != .raw { writer.integer(plane.rawCheck) }
        for blob in blobs { writer.integer(UInt32(blob.count)) }
        for blob in blobs { writer.append(blob) }
        for text in texts {
            writer.integer(UInt16(text.shared))
            writer.integer(UInt16(text.rest.count))
        }
        for text in texts { writer.append(text.rest) }
        for pair in metadata {
            writer.integer(pair.key)
            writer.integer(pair.value)
        }
        for item in extensions {
            writer.integer(item.type)
            writer.integer(UInt32(item.bytes.count))
            writer.append(item.bytes)
        }
        return writer.bytes
    }
}
