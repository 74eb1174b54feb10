import Adapters
import DeltaFormat
import Diagnostics
import FuzzSupport
import Packaging

// A file's bytes as they are: header, trailer, the index's place, the index, and what is told of it.

/// One run: libFuzzer calls it with every input.
@c(LLVMFuzzerTestOneInput)
public func test(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = unsafe input(data, count)
    let file = ScratchFile.shared.holding(bytes)
    guard let container = accepted({ () throws(Failure) in try Container(file) }) else { return 0 }
    require(sealed(bytes) == bytes, "an accepted container has all its checksums right")
    require(
        container.layout.indexOffset == container.trailer.dataBytes + Limits.headerSize, "the data end at the index")
    _ = ContainerSummary(container).document(blobDigest: nil)
    require(container.adapter.entries.count == container.index.entries.count, "every entry is in the adapter")
    return 0
}

/// Makes the next input from one at hand.
@c(LLVMFuzzerCustomMutator)
public func change(_ data: UnsafeMutablePointer<UInt8>?, _ count: Int, _ limit: Int, _ seed: CUnsignedInt) -> Int {
    unsafe mutate(data, count, limit, seed) { bytes, dice in
        let changed = plainlyMutated(bytes)
        return dice.roll(4) == 0 ? changed : sealed(changed)
    }
}
