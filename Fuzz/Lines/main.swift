import Diagnostics
import FuzzSupport
import Layers
import Training

// Lines of training data: every row that is accepted is one that a model can take.

/// One run: libFuzzer calls it with every input.
@c(LLVMFuzzerTestOneInput)
public func test(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    ScratchFile.shared.replace(by: unsafe input(data, count))
    var options = DataOptions(vocabularySize: 97, maximumLength: 16)
    options.lineByteLimit = 4096
    guard
        let set = accepted({ () throws(Failure) in try DataSet(path: ScratchFile.shared.path, options: options) })
    else { return 0 }
    for finding in set.findings { _ = finding.description }
    for row in set.rows {
        require((1...16).contains(row.inputs.count) && row.labels.count == row.inputs.count, "rows fit the limits")
        require(row.inputs.allSatisfy { (0..<97).contains($0) }, "ids are the model's")
        require(
            row.labels.allSatisfy { $0 == Batch.ignored || (0..<97).contains($0) }, "labels are the model's, or ignored"
        )
    }
    let batches = Packing.batches(of: set.rows, tokensPerPass: 24)
    require(batches.flatMap(\.tokens) == set.rows.flatMap(\.inputs), "no token is lost")
    options.isStrict = true
    let strict = accepted { () throws(Failure) in try DataSet(path: ScratchFile.shared.path, options: options) }
    require((strict != nil) == (set.skippedCount == 0), "strict refuses what would be skipped, and nothing else")
    require(strict.map { $0.digest == set.digest } ?? true, "the same rows have the same digest")
    return 0
}
