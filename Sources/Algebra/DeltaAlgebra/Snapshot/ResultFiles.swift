import Checkpoints
import DeltaFormat
import Diagnostics
import Files
import Tensors

/// A safetensors file of a result: its header, and tensors that are computed as they are read.
struct ResultShard: FileContent {
    private let file: ShardPlan.File
    /// By their numbers in the plan.
    private let sources: [any TensorSource]
    private let delta: Container
    private let base: Checkpoint

    init(_ file: ShardPlan.File, _ sources: [any TensorSource], of delta: Container, onto base: Checkpoint) {
        self.file = file
        self.sources = sources
        self.delta = delta
        self.base = base
    }

    var path: String { Paths.joined(delta.file.path, file.name) }
    var size: Int { file.byteCount }
    var diskIdentity: FileIdentity? { nil }

    func read(at offset: Int, into target: inout MutableRawSpan) throws(Failure) {
        try checkRange(offset, target.byteCount)
        var done = 0
        while done < target.byteCount {
            let place = offset + done
            let rest = target.byteCount - done
            if place < file.headerBytes.count {
                let count = min(rest, file.headerBytes.count - place)
                var part = target._mutatingExtracting(done..<done + count)
                part.copy(from: unsafe file.headerBytes.span.bytes.extracting(place..<place + count))
                done += count
                continue
            }
            let number = tensor(at: place)
            let source = sources[file.tensors[number]]
            let start = place - file.starts[number]
            let count = min(rest, source.byteCount - start)
            var part = target._mutatingExtracting(done..<done + count)
            try source.read(at: start, into: &part)
            done += count
        }
    }

    /// Which tensor the byte at `place`, behind the header, belongs to: of those that begin there the last, for the others
    /// are empty.
    private func tensor(at place: Int) -> Int {
        var low = 0
        var high = file.starts.count
        while low < high {
            let middle = (low + high) / 2
            if file.starts[middle] <= place { low = middle + 1 } else { high = middle }
        }
        return low - 1
    }

    func checkUnchanged() throws(Failure) {
        try delta.file.checkUnchanged()
        try base.checkUnchanged()
    }

    func advise(_ advice: InputFile.Advice, _ range: Range<Int>) {}
}

/// A file of a result that a container holds as it is.
struct TensorFile: FileContent {
    private let source: any TensorSource
    private let name: String
    private let delta: Container

    init(_ source: any TensorSource, named name: String, of delta: Container) {
        self.source = source
        self.name = name
        self.delta = delta
    }

    var path: String { Paths.joined(delta.file.path, name) }
    var size: Int { source.byteCount }
    var diskIdentity: FileIdentity? { nil }

    func read(at offset: Int, into target: inout MutableRawSpan) throws(Failure) {
        try checkRange(offset, target.byteCount)
        try source.read(at: offset, into: &target)
    }

    func checkUnchanged() throws(Failure) { try delta.file.checkUnchanged() }

    func advise(_ advice: InputFile.Advice, _ range: Range<Int>) {}
}
