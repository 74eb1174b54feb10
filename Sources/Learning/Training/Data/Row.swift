import Layers

/// One example: the ids of a text, and what is to be learned at each.
package struct Row: Hashable, Sendable {
    package let inputs: [Int32]
    /// One for each input: the same id where the model is to predict it from those before it, or ``Batch/ignored``.
    package let labels: [Int32]
    /// Its line in the file, from 1.
    package let line: Int

    /// `inputs` and `labels` have one length, at least 1.
    package init(inputs: [Int32], labels: [Int32], line: Int) {
        precondition(!inputs.isEmpty && inputs.count == labels.count)
        self.inputs = inputs
        self.labels = labels
        self.line = line
    }

    /// How many tokens are predicted: the first never is, as nothing stands before it.
    package var labeledTokenCount: Int {
        labels.dropFirst().count { $0 != Batch.ignored }
    }
}
