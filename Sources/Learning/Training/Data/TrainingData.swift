package import Architectures
package import Checkpoints
package import Diagnostics
package import Digests
import Files
import Tokenization

/// The rows to train on, and those to evaluate on meanwhile.
package struct TrainingData: Sendable {
    package let train: [Row]
    package let validation: [Row]
    package let findings: [Finding]

    /// Reads a folder with `train.jsonl`, or a file; rows are cut to `maximumLength` tokens.
    ///
    /// Throws as ``DataSet/init(path:options:)`` does, and for a `tokenizer.json` of the base that cannot be read where the
    /// data are text.
    package init(
        _ path: String, base: Checkpoint, _ architecture: DecoderArchitecture, maximumLength: Int, isStrict: Bool
    ) throws(Failure) {
        let folder = try DataFolder(path: path)
        let options = try DataOptions(base, architecture, maximumLength: maximumLength, isStrict: isStrict)
        let train = try DataSet(path: folder.train, options: options)
        let validation = try folder.validation.map { path throws(Failure) in try DataSet(path: path, options: options) }
        try train.checkLabeled()
        try validation?.checkLabeled()
        self.train = train.rows
        self.validation = validation?.rows ?? []
        findings = train.findings + (validation?.findings ?? [])
    }

    /// What identifies all of it: `Spec/training.md`.
    package var digest: Digest { DataDigest.of(train + validation) }

    package var longestRow: Int { (train + validation).reduce(1) { max($0, $1.inputs.count) } }
}

/// The rows to evaluate on.
package struct EvaluationData: Sendable {
    /// The file that was chosen.
    package let path: String
    package let rows: [Row]
    package let findings: [Finding]

    /// Reads a folder's `test.jsonl`, or else its `valid.jsonl`, or a file.
    package init(
        _ path: String, base: Checkpoint, _ architecture: DecoderArchitecture, maximumLength: Int
    ) throws(Failure) {
        var file = path
        if try Folder.kind(of: path) == .folder {
            let names = ["test.jsonl", "valid.jsonl"].map { Paths.joined(path, $0) }
            var found: String?
            for name in names where found == nil { found = try Folder.kind(of: name) == nil ? nil : name }
            guard let found else {
                throw Failure(
                    .notFound, "the folder has no data to evaluate on", path: path,
                    expected: "test.jsonl or valid.jsonl", hint: "name the file itself")
            }
            file = found
        }
        let set = try DataSet(
            path: file, options: DataOptions(base, architecture, maximumLength: maximumLength, isStrict: false))
        try set.checkLabeled()
        self.path = file
        rows = set.rows
        findings = set.findings
    }

    package var longestRow: Int { rows.reduce(1) { max($0, $1.inputs.count) } }
}

extension DataSet {
    /// Throws ``Failure/Code/dataEmpty`` where no row asks for anything: then any model would be perfect.
    fileprivate func checkLabeled() throws(Failure) {
        guard labeledTokenCount == 0 else { return }
        throw Failure(
            .dataEmpty, "no token of the data is labeled", path: path,
            hint: "rows need two tokens at least, and a label other than -100 after the first")
    }
}

extension DataOptions {
    /// With the tokenizer that lies beside the base, where there is one. Rows of ids need none, so a tokenizer that cannot
    /// be read is told of when there is text.
    fileprivate init(
        _ base: Checkpoint, _ architecture: DecoderArchitecture, maximumLength: Int, isStrict: Bool
    ) throws(Failure) {
        var tokenizer: Tokenizer?
        var failure: Failure?
        if base.companions.contains("tokenizer.json") {
            do throws(Failure) {
                tokenizer = try Tokenizer(path: Paths.joined(base.folder, "tokenizer.json"))
            } catch {
                failure = error
            }
        }
        self.init(
            vocabularySize: architecture.vocabularySize, maximumLength: maximumLength, tokenizer: tokenizer,
            isStrict: isStrict)
        tokenizerFailure = failure
    }
}
