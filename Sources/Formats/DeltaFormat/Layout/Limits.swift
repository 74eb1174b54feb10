/// What a container may ask for, whatever it says: checked before anything is allocated.
package enum Limits {
    package static let headerSize = 64
    package static let trailerSize = 128
    package static let indexSize = 64 << 20
    package static let bases = 1 << 12
    package static let entries = 1 << 18
    package static let tensors = 1 << 20
    package static let planes = 1 << 24
    package static let strings = 1 << 21
    package static let parameterSets = 1 << 18
    package static let metadata = 4096
    package static let extensions = 256
    package static let rank = 8
    package static let dimension = 1 << 48
    package static let nameBytes = 1024
    package static let metadataBytes = 1 << 20
    /// All strings together, written out.
    package static let stringBytes = 16 << 20
    /// One string, written out.
    package static let stringLength = 65_535
    package static let parameterBytes = 1 << 20
    package static let parameterDepth = 8
    /// All tensors together: 16 TiB.
    package static let logicalBytes = 1 << 44
    package static let chunkLog2 = 16...24
    /// A frame may not need a larger window to decode.
    package static let zstdWindow = 8 << 20
    /// What unpacking may write for each byte read before it asks; below ``ratioFloor`` nobody is harmed.
    package static let ratio = 1000
    package static let ratioFloor = 1 << 30
}
