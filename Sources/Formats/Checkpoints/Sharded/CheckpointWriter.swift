package import Diagnostics
package import Files
package import Parallelism
package import Tensors

/// Writes whole checkpoints.
package enum CheckpointWriter {
    /// Writes the files of `plan` into `folder`, and its index; but for files that an earlier run finished, which are
    /// read and kept if they still are what was written then.
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
        for file in plan.files {
            let sources = file.tensors.map { sources[$0] }
            if let noted = folder.finishedDigest(of: file.name) {
                let found = try digest(of: folder.finishedFile(file.name), as: file, sources, lanes: lanes)
                if found == noted { continue }
                try folder.discardFinished(file.name)
            }
            let output = try folder.file(named: file.name)
            let digest = ShardDigest(header: file.headerBytes, alongside: observer(file))
            try SafetensorsWriter.write(
                header: file.headerBytes, sources: sources, to: output, lanes: lanes, observer: digest)
            try output.commit()
            try folder.noteFinished(file.name, digest: digest.finish())
        }
        guard let index = plan.index else { return }
        let output = try folder.file(named: index.name)
        try unsafe output.write(index.bytes.span.bytes)
        try output.commit()
    }

    /// What would have been noted of a file that is there, had it been written for `plan` from `sources`; nil where it
    /// has another size.
    private static func digest(
        of file: InputFile, as plan: ShardPlan.File, _ sources: [any TensorSource], lanes: Lanes
    ) throws(Failure) -> String? {
        guard file.size == plan.byteCount else { return nil }
        let digest = ShardDigest(header: try file.read(at: 0, count: plan.headerBytes.count))
        let groups = SafetensorsWriter.groups(sources)
        let buffers = LaneBuffers(lanes, byteCount: groups.reduce(0) { max($0, $1.byteCount) })
        try lanes.forEach(groups.count) { lane, index throws(Failure) in
            let group = groups[index]
            guard let first = group.blocks.first else { return }
            try buffers.withBuffer(lane: lane, count: group.byteCount) { buffer throws(Failure) in
                try file.read(at: plan.starts[first.tensor] + first.offset, into: &buffer)
                digest.observe(group, bytes: buffer.bytes)
            }
        }
        return digest.finish()
    }
}
