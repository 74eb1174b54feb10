package import Architectures
package import Checkpoints
package import Diagnostics

/// The rows to evaluate on.
package struct EvaluationData: Sendable {
    /// The file that was chosen.
    package let path: String
    package let rows: [Row]
    package let findings: [Finding]
    /// What the rows are for, and how many classes there are.
    package let task: ModelTask
    package let labels: Int

    /// Reads the file of a folder that is to evaluate on, or a file; rows are cut to `maximumLength` tokens.
    ///
    /// Throws as ``TrainingData`` does.
    ///
    /// - Parameter classes: Those that rows may be of; nil for those of the base's head.
    package init(
        _ path: String, base: Checkpoint, _ architecture: NetworkArchitecture, maximumLength: Int, isStrict: Bool,
        form: DataForm = DataForm(), classes: LabelMap? = nil
    ) throws(Failure) {
        let file = try DataFolder.evaluationFile(at: path)
        var options = try DataOptions(base, architecture, maximumLength: maximumLength, isStrict: isStrict, form: form)
        if architecture.task == .classification {
            options.classes = try LabelMap(architecture, known: classes, in: [])
        }
        let set = try DataSet(path: file, options: options)
        try set.checkLabeled()
        self.path = file
        rows = set.rows
        task = architecture.task
        labels = architecture.labels
        findings = set.findings
    }

    package var longestRow: Int { rows.reduce(1) { max($0, $1.inputs.count) } }
}
