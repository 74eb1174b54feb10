import Diagnostics
import FuzzSupport
import Training

// A byte for the kind of file, and a file of labeled texts: every example that is accepted has its class.

private let files = ["labeled.csv", "labeled.tsv", "labeled.jsonl"].map { ScratchFile($0) }

/// One run: libFuzzer calls it with every input.
@c(LLVMFuzzerTestOneInput)
public func test(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = unsafe input(data, count)
    guard let first = bytes.first else { return 0 }
    let file = files[Int(first) % files.count]
    file.replace(by: Array(bytes.dropFirst()))
    var options = LabeledSet.Options(vocabularySize: 97)
    options.typeCount = 2
    options.lineByteLimit = 4096
    func read() -> LabeledSet? {
        accepted { () throws(Failure) in try LabeledSet(path: file.path, options: options) }
    }
    guard let set = read() else { return 0 }
    for finding in set.findings { _ = finding.description }
    require(!set.examples.isEmpty, "a set has examples")
    for (example, next) in zip(set.examples, set.examples.dropFirst()) {
        require(example.line < next.line, "examples are in the order of their lines")
    }
    for example in set.examples {
        require(!example.label.isEmpty, "an example has a label")
        if case .ids(let ids, let types) = example.content {
            require(!ids.isEmpty && ids.allSatisfy { (0..<97).contains($0) }, "ids are the model's")
            require(types.allSatisfy { (0..<2).contains($0) }, "parts are the model's")
        }
    }
    if let map = LabelMap(of: set.examples) {
        let classes = demanded("every label is a class") { () throws(Failure) in try set.classes(map) }
        require(Set(classes).count == map.names.count, "every class occurs")
        for (example, number) in zip(set.examples, classes) {
            require(Array(map.names[number].utf8) == Array(example.label.utf8), "a class is its label")
        }
        require(LabelMap(map.document) == map, "classes that are kept can be read again")
    }
    if let numbers = accepted({ () throws(Failure) in try set.numbers() }) {
        require(numbers.allSatisfy(\.isFinite), "numbers are finite")
    }
    options.isStrict = true
    require((read() != nil) == (set.skippedCount == 0), "strict refuses what would be skipped, and nothing else")
    return 0
}
