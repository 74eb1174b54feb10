package import Diagnostics
package import Files
package import Parallelism
package import Tensors

/// Writes whole checkpoints.
package enum CheckpointWriter {
    /// Writes the files of `plan` into `folder`, and its index.
    ///
    /// Memory: one buffer of 1 MiB a lane. Throws what reading and writing throw, and ``Failure/Code/baseInvalid`` where
    /// a source has another size than was planned.
    ///
    /// - Parameters:
    ///   - sources: The tensors by the numbers that the plan has for them.
    ///   - observer: Makes what sees the blocks of a file, which count tensors by their place in it; nil for nobody.
    package static func write(
        _ plan: ShardPlan, sources: [any TensorSource], to folder: OutputFolder, lanes: Lanes,
        observer: (_ file: ShardPlan.File) -> (any BlockObserver)? = { _ in nil }
    ) throws(Failure) {
        for file in plan.files where !folder.finished.contains(file.name) {
            let output = try folder.file(named: file.name)
            try SafetensorsWriter.write(
                header: file.headerBytes, sources: file.tensors.map { sources[$0] }, to: output, lanes: lanes,
                observer: observer(file))
            try output.commit()
            try folder.noteFinished(file.name)
        }
        guard let index = plan.index else { return }
        let output = try folder.file(named: index.name)
        try unsafe output.write(index.bytes.span.bytes)
        try output.commit()
    }
}
