package import Diagnostics
package import Tensors

/// What one tensor of a merged checkpoint is.
package struct MergedTensorPlan: Sendable {
    package enum Content: Sendable {
        case merge(TensorMerge, any MergeMethod)
        /// The elements of one tensor, rounded where its dtype is another.
        case copy(any TensorSource)
    }

    package let name: String
    package let content: Content
    package let dtype: DType

    package init(name: String, content: Content, dtype: DType) {
        self.name = name
        self.content = content
        self.dtype = dtype
    }
}

/// The files of a merged checkpoint that hold no weights.
package struct MergeFiles: Sendable {
    package struct Written: Sendable {
        package let name: String
        package let bytes: [UInt8]

        package init(name: String, bytes: [UInt8]) {
            self.name = name
            self.bytes = bytes
        }
    }

    /// Where those lie that are copied.
    package let folder: String
    /// Relative to the folder.
    package let copied: [String]
    /// Those that are new, or others than in the folder.
    package let written: [Written]

    package init(folder: String, copied: [String], written: [Written]) {
        self.folder = folder
        self.copied = copied
        self.written = written
    }
}

/// A merged checkpoint before anything of it is computed.
package struct MergePlan: Sendable {
    /// In the order of their names' bytes.
    package let tensors: [MergedTensorPlan]
    package let files: MergeFiles
    /// All that it reads from.
    package let models: [MergeModel]
    /// The text that it follows from, together with the models.
    package let origin: String
    package let findings: [Finding]

    package init(
        tensors: [MergedTensorPlan], files: MergeFiles, models: [MergeModel], origin: String, findings: [Finding]
    ) {
        self.tensors = tensors
        self.files = files
        self.models = models
        self.origin = origin
        self.findings = findings
    }
}
