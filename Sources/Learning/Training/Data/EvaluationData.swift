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

    /// Reads a folder's `test.jsonl`, or else its `valid.jsonl`, or a file; rows are cut to `maximumLength` tokens.
    ///
    /// Throws as ``TrainingData`` does.
    package init(
        _ path: String, base: Checkpoint, _ architecture: NetworkArchitecture, maximumLength: Int, isStrict: Bool,
        form: DataForm = DataForm()
    ) throws(Failure) {
        let file = try DataFolder.evaluationFile(at: path)
        let set = try DataSet(
            path: file,
            options: DataOptions(base, architecture, maximumLength: maximumLength, isStrict: isStrict, form: form))
        try set.checkLabeled()
        self.path = file
        rows = set.rows
        task = architecture.task
        labels = architecture.labels
        findings = set.findings
    }

    package var longestRow: Int { rows.reduce(1) { max($0, $1.inputs.count) } }
}
