import DeltaFormat
import Diagnostics
import FuzzSupport

// The tables of an index: what is accepted is written back as the same bytes, and whatever is derived from it holds.

/// One run: libFuzzer calls it with every input.
@c(LLVMFuzzerTestOneInput)
public func test(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = unsafe input(data, count)
    let parsed = accepted { () throws(Failure) in try Index(parsing: unsafe bytes.span.bytes, offset: 64) }
    guard let index = parsed else { return 0 }
    require(index.serialized() == bytes, "parsing and writing gives the same bytes")
    let layout = accepted { () throws(Failure) in try Layout(index, alignment: 64) }
    guard accepted({ () throws(Failure) in try index.validate() }) != nil else { return 0 }
    _ = index.contentDigest()
    guard let layout else { return 0 }
    var end = Limits.headerSize
    for gap in layout.gaps(index) {
        require(gap.lowerBound >= end && gap.count < 64, "gaps ascend and are short")
        end = gap.upperBound
    }
    require(layout.planeOffsets.count == index.planes.count + 1, "every plane has its place")
    return 0
}

/// Makes the next input from one at hand.
@c(LLVMFuzzerCustomMutator)
public func change(_ data: UnsafeMutablePointer<UInt8>?, _ count: Int, _ limit: Int, _ seed: CUnsignedInt) -> Int {
    unsafe mutate(data, count, limit, seed) { bytes, dice in
        dice.roll(3) == 0 ? plainlyMutated(bytes) : mutatedIndex(bytes, &dice)
    }
}
