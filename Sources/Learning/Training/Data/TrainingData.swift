package import Architectures
package import Checkpoints
package import Diagnostics
package import Digests

/// The rows to train on, and those to evaluate on meanwhile.
package struct TrainingData: Sendable {
    private static let mostClasses = 1 << 16

    package let train: [Row]
    package let validation: [Row]
    package let findings: [Finding]

    /// Reads a folder with `train.jsonl`, or a file; rows are cut to `maximumLength` tokens.
    ///
    /// Throws as ``DataSet/init(path:options:)`` does, for rows of which none is labeled, and for a `tokenizer.json` of the
    /// base that cannot be read where the data are text.
    package init(
        _ path: String, base: Checkpoint, _ architecture: NetworkArchitecture, maximumLength: Int, isStrict: Bool,
        form: DataForm = DataForm()
    ) throws(Failure) {
        let folder = try DataFolder(path: path)
        var options = try DataOptions(base, architecture, maximumLength: maximumLength, isStrict: isStrict, form: form)
        // Where the base has no head for them, the data say how many there are.
        if !architecture.namesClasses { options.labels = max(options.labels, Self.mostClasses) }
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

    /// One more than the highest class that a row or a token is of.
    package var classCount: Int {
        (train + validation).reduce(0) { count, row in
            switch row.question {
            case .next: count
            case .own: max(count, Int(row.labels.max() ?? 0) + 1)
            case .whole(let target): max(count, Int(min(max(target, 0), 0x1p31)) + 1)
            }
        }
    }

    /// How many tokens all rows have.
    package var tokenCount: Int { (train + validation).reduce(0) { $0 + $1.inputs.count } }
}
