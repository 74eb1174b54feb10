package import Architectures
package import Checkpoints
package import Diagnostics
package import Digests

/// The rows to train on, and those to evaluate on meanwhile.
package struct TrainingData: Sendable {
    package let train: [Row]
    package let validation: [Row]
    package let findings: [Finding]
    /// The classes that rows are of, where they are of classes.
    package let classes: LabelMap?

    /// Reads a folder's data to train and to evaluate on, or a file; rows are cut to `maximumLength` tokens.
    ///
    /// Throws as ``DataSet/init(path:options:)`` does, for rows of which none is labeled, and for a `tokenizer.json` of the
    /// base that cannot be read where the data are text.
    ///
    /// - Parameter classes: Those that rows may be of; nil for those of the base's head, or those that occur.
    package init(
        _ path: String, base: Checkpoint, _ architecture: NetworkArchitecture, maximumLength: Int, isStrict: Bool,
        form: DataForm = DataForm(), classes: LabelMap? = nil
    ) throws(Failure) {
        let folder = try DataFolder(path: path)
        var options = try DataOptions(base, architecture, maximumLength: maximumLength, isStrict: isStrict, form: form)
        // Where the base has no head for them, the data say how many there are.
        if !architecture.namesClasses { options.classCount = max(options.classCount, LabelMap.limit) }
        let train: DataSet
        let validation: DataSet?
        if options.task == .classification {
            let labeled = options.labeled
            let examples = try LabeledSet(path: folder.train, options: labeled)
            let others = try folder.validation.map { path throws(Failure) in
                try LabeledSet(path: path, options: labeled)
            }
            options.classes = try LabelMap(architecture, known: classes, in: [examples] + (others.map { [$0] } ?? []))
            train = try DataSet(examples, options)
            validation = try others.map { set throws(Failure) in try DataSet(set, options) }
        } else {
            train = try DataSet(path: folder.train, options: options)
            validation = try folder.validation.map { path throws(Failure) in
                try DataSet(path: path, options: options)
            }
        }
        try train.checkLabeled()
        try validation?.checkLabeled()
        self.train = train.rows
        self.validation = validation?.rows ?? []
        self.classes = options.classes
        findings =
            train.findings + (validation?.findings ?? [])
            + Self.unlearned(options.classes, train.rows, validation?.rows ?? [])
    }

    /// Of classes that only rows to evaluate on have: nothing is learned of them.
    private static func unlearned(_ classes: LabelMap?, _ train: [Row], _ validation: [Row]) -> [Finding] {
        guard let classes else { return [] }
        let missing = Set(validation.map(\.question)).subtracting(train.map(\.question)).compactMap { question in
            if case .whole(let number) = question { Int(number) } else { nil }
        }
        guard !missing.isEmpty else { return [] }
        let names = missing.sorted().prefix(8).map { classes.names[$0] }.joined(separator: ", ")
        return [Finding("unlearned-classes", "classes that no row to train on has: \(missing.count)", object: names)]
    }

    /// What identifies all of it: `Spec/training.md`.
    package var digest: Digest { DataDigest.of(train + validation) }

    package var longestRow: Int { (train + validation).reduce(1) { max($0, $1.inputs.count) } }

    /// How many classes rows or tokens are of.
    package var classCount: Int {
        classes?.names.count
            ?? (train + validation).reduce(0) { count, row in
                row.question == .own ? max(count, Int(row.labels.max() ?? 0) + 1) : count
            }
    }

    /// How many tokens all rows have.
    package var tokenCount: Int { (train + validation).reduce(0) { $0 + $1.inputs.count } }
}
