import Layers

/// One example: the ids of a text, and what is to be learned of it.
package struct Row: Hashable, Sendable {
    /// What is asked.
    package enum Question: Hashable, Sendable {
        /// Each token, of those before it.
        case next
        /// At each token its label.
        case own
        /// The number of a class, or a value, of the row as a whole.
        case whole(Double)
    }

    package let inputs: [Int32]
    /// One for each input, or ``Batch/ignored``: where the next token is asked the same id, where the model is to predict it
    /// from those before it.
    package let labels: [Int32]
    package let question: Question
    /// Which part of the row each input belongs to; none where all are of the first.
    package let types: [Int32]
    /// Its line in the file, from 1.
    package let line: Int

    /// `inputs` and `labels` have one length, at least 1, and `types` too, unless there are none.
    package init(
        inputs: [Int32], labels: [Int32], question: Question = .next, types: [Int32] = [], line: Int
    ) {
        precondition(!inputs.isEmpty && inputs.count == labels.count)
        precondition(types.isEmpty || types.count == inputs.count)
        self.inputs = inputs
        self.labels = labels
        self.question = question
        self.types = types
        self.line = line
    }

    /// How many questions there are: where the next token is asked the first never is, as nothing stands before it.
    package var labeledTokenCount: Int {
        switch question {
        case .next: labels.dropFirst().count { $0 != Batch.ignored }
        case .own: labels.count { $0 != Batch.ignored }
        case .whole: 1
        }
    }
}
