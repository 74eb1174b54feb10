package import Adapters
package import Digests
package import Tensors

/// All metadata of a container, as its tables: what the bytes between data and trailer say.
///
/// A value of this type is only well formed after ``validate()``; `serialized()` of a parsed index gives back
/// the bytes it was parsed from.
package struct Index: Hashable, Sendable {
    package var bases: [BaseRecord] = []
    package var entries: [EntryRecord] = []
    /// Base and result leaves of the entries whose flags say they have them, in order.
    package var leaves: [Digest] = []
    package var tensors: [TensorRecord] = []
    package var planes: [PlaneRecord] = []
    /// Unique, sorted by their bytes; entries and the adapter record refer to them.
    package var parameters: [Parameters] = []
    /// Unique, sorted by their bytes.
    package var strings: [String] = []
    package var metadata: [MetadataRecord] = []
    package var extensions: [ExtensionRecord] = []
    /// The adapter record: its method's name and its parameters.
    package var method: UInt32 = 0
    package var record: UInt32 = 0

    package init() {}

    /// What stands for the empty string, which the string table never holds.
    package static let noString = UInt32.max
    package static let noBase = UInt16.max

    package func string(_ id: UInt32) -> String {
        id == Self.noString ? "" : strings[Int(id)]
    }
}

/// The checkpoint that entries are bound to.
package struct BaseRecord: Hashable, Sendable {
    /// The one source format there is.
    package static let safetensors: UInt32 = 1

    package var root: Digest
    package var headerDigest: Digest
    package var tensorCount: UInt64
    package var byteCount: UInt64
    package var sourceFormat: UInt32

    package init(root: Digest, headerDigest: Digest, tensorCount: UInt64, byteCount: UInt64, sourceFormat: UInt32) {
        self.root = root
        self.headerDigest = headerDigest
        self.tensorCount = tensorCount
        self.byteCount = byteCount
        self.sourceFormat = sourceFormat
    }
}

package struct EntryRecord: Hashable, Sendable {
    package var target: UInt32
    package var kind: Kind
    package var ordinal: UInt8
    package var flags: Flags
    package var tensorCount: UInt16
    package var base: UInt16
    package var parameters: UInt32

    package struct Flags: OptionSet, Hashable, Sendable {
        package let rawValue: UInt8
        package init(rawValue: UInt8) { self.rawValue = rawValue }
        package static let baseLeaf = Flags(rawValue: 1)
        package static let resultLeaf = Flags(rawValue: 2)
        package static let known: Flags = [.baseLeaf, .resultLeaf]
    }

    package init(
        target: UInt32, kind: Kind, ordinal: UInt8, flags: Flags = [], tensorCount: UInt16,
        base: UInt16 = Index.noBase, parameters: UInt32
    ) {
        self.target = target
        self.kind = kind
        self.ordinal = ordinal
        self.flags = flags
        self.tensorCount = tensorCount
        self.base = base
        self.parameters = parameters
    }
}

package struct TensorRecord: Hashable, Sendable {
    package var role: Role
    package var dtype: DType
    package var filter: Filter
    /// Chunks of 2^chunkLog2 bytes, the last one shorter.
    package var chunkLog2: UInt8
    package var shape: Shape
    /// ``TensorDigest`` of its bytes.
    package var digest: Digest

    package init(role: Role, dtype: DType, filter: Filter, chunkLog2: UInt8, shape: Shape, digest: Digest) {
        self.role = role
        self.dtype = dtype
        self.filter = filter
        self.chunkLog2 = chunkLog2
        self.shape = shape
        self.digest = digest
    }
}

/// One plane of one chunk as it is stored.
package struct PlaneRecord: Hashable, Sendable {
    package var codec: Codec
    package var storedBytes: Int
    /// XXH3-64 of the stored bytes.
    package var storedCheck: UInt64
    /// XXH3-64 of the plane before its codec; equal to `storedCheck` where the codec is raw, and then not written.
    package var rawCheck: UInt64

    package init(codec: Codec, storedBytes: Int, storedCheck: UInt64, rawCheck: UInt64) {
        self.codec = codec
        self.storedBytes = storedBytes
        self.storedCheck = storedCheck
        self.rawCheck = rawCheck
    }
}

/// How the bytes of a plane are stored.
package enum Codec: UInt8, Sendable, CaseIterable {
    case raw = 0
    /// One zstd frame (RFC 8878) with its content size and without checksum or dictionary.
    case zstd = 1
    /// Segments, each with an entropy code of its own.
    case entropy = 2
}

/// Free text about the whole, which never changes what the delta does: string ids.
package struct MetadataRecord: Hashable, Sendable {
    package var key: UInt32
    package var value: UInt32

    package init(key: UInt32, value: UInt32) {
        self.key = key
        self.value = value
    }
}

/// Something a later version added. A reader that does not know the type refuses it if bit 31 is set.
package struct ExtensionRecord: Hashable, Sendable {
    package var type: UInt32
    package var bytes: [UInt8]

    package var isCritical: Bool { type >> 31 == 1 }

    package init(type: UInt32, bytes: [UInt8]) {
        self.type = type
        self.bytes = bytes
    }
}
