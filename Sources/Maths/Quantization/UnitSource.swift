import Diagnostics
import Tensors

/// A tensor that is computed, not stored: 16,384 elements of what lies beneath give one unit of its bytes.
protocol UnitSource: TensorSource {
    /// Elements of the tensor beneath, whatever a unit becomes here.
    var elements: Int { get }
    /// Bytes of a unit; the last one may be shorter.
    var unitBytes: Int { get }

    /// Leaves the bytes of unit `index` in `work.result`, from its start.
    func compute(_ index: Int, _ work: inout Workspace) throws(Failure)
}

extension UnitSource {
    /// How many elements unit `index` stands for.
    func elements(ofUnit index: Int) -> Int {
        min(QuantizationScheme.unitElements, elements - index * QuantizationScheme.unitElements)
    }

    package func read(at offset: Int, into target: inout MutableRawSpan) throws(Failure) {
        precondition(offset >= 0 && target.byteCount <= byteCount - offset)
        guard target.byteCount > 0 else { return }
        var work = Workspace(elements: min(elements, QuantizationScheme.unitElements))
        try unsafe target.withUnsafeMutableBytes { (target) throws(Failure) in
            var done = 0
            while done < target.count {
                let (unit, skipped) = (offset + done).quotientAndRemainder(dividingBy: unitBytes)
                try compute(unit, &work)
                let count = min(unitBytes - skipped, target.count - done)
                unsafe work.result.withUnsafeBytes { result in
                    let piece = unsafe UnsafeRawBufferPointer(rebasing: result[skipped..<skipped + count])
                    unsafe UnsafeMutableRawBufferPointer(rebasing: target[done...]).copyMemory(from: piece)
                }
                done += count
            }
        }
    }
}

/// Room for one unit in each of its forms. A read makes one and uses it for all of its units.
struct Workspace {
    /// The elements as they are stored.
    var halves: [UInt16]
    var values: [Float]
    var codes: [UInt8]
    /// One for each block; where they are quantized in turn, `scaleCodes` are theirs.
    var scales: [Float]
    var scaleCodes: [UInt8]
    var outerScale: [Float] = [0]
    var result: [UInt8]

    /// For units of at most `elements`.
    init(elements: Int) {
        let scaleCount = QuantizationScheme.scaleCount(elements: elements)
        halves = [UInt16](repeating: 0, count: elements)
        values = [Float](repeating: 0, count: elements)
        codes = [UInt8](repeating: 0, count: elements)
        scales = [Float](repeating: 0, count: scaleCount)
        scaleCodes = [UInt8](repeating: 0, count: scaleCount)
        result = [UInt8](repeating: 0, count: elements * 4)
    }
}
