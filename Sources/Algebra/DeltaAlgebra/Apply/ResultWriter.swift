import Checkpoints
import Diagnostics
import Digests
import Files
import Packaging
import Parallelism

/// Writes a checkpoint that comes of another one, proves it, and only then lets it appear.
struct ResultWriter: Sendable {
    /// What digests say once everything is written.
    struct Proof: Sendable {
        /// The digests of the tensors of what was read.
        let data: [Digest]
        let base: BaseFingerprint
        /// The leaves of the result in the order of its tensors, and their root; nil where they were not taken.
        let result: (leaves: [Digest], root: Digest)?
    }

    /// Which digests are taken as bytes pass.
    enum Digesting: Sendable {
        case none, base, baseAndResult
    }

    let lanes: Lanes
    let replaces: Bool
    /// What the content depends on, where finished files are to outlive an interruption, and whether to go on with them.
    var keeping: (key: String, resumes: Bool)?

    /// - Parameters:
    ///   - tensors: In the order of their names' bytes.
    ///   - prove: Is given the digests, if any are taken. It may give a file that is to appear with the result. What it
    ///     throws leaves nothing behind.
    ///
    /// - Returns: What `prove` was given, and how many files an earlier run had finished.
    func write(
        _ files: OutputPlan, _ tensors: [ResultTensor], from watch: BaseWatch, to output: String,
        taking digesting: Digesting, times: inout StageTimes,
        prove: (_ proof: Proof, _ times: inout StageTimes) throws(Failure) -> OutputFile?
    ) throws(Failure) -> (proof: Proof?, finishedCount: Int) {
        let folder = try begin(output, isFile: try files.isFile(at: output, of: watch.base))
        let results = digesting == .baseAndResult ? ResultWatch(tensors) : nil
        try CheckpointWriter.write(
            files.shards, sources: tensors.map(\.source), to: folder, lanes: lanes,
            observer: { results?.observer($0.tensors) })
        try files.writeOthers(from: watch.base, to: folder)
        try results?.readFinished(files.shards, in: folder, lanes: lanes)
        times.end("write")
        var proof: Proof?
        var companion: OutputFile?
        if digesting != .none {
            let data = try watch.digests(lanes: lanes)
            try watch.base.checkUnchanged()
            let result = results.map { results in
                let leaves = results.leaves(base: data)
                return (leaves: leaves, root: MerkleTree.root(of: leaves))
            }
            let found = Proof(data: data, base: BaseFingerprint(of: watch.base, data: data), result: result)
            companion = try prove(found, &times)
            proof = found
        }
        try watch.base.checkUnchanged()
        try commit(folder, with: companion)
        times.end("commit")
        return (proof, folder.finishedCount)
    }

    private func begin(_ output: String, isFile: Bool) throws(Failure) -> OutputFolder {
        guard let keeping else { return try OutputFolder.create(at: output, replacing: replaces, isFile: isFile) }
        return try OutputFolder.createResumable(
            at: output, replacing: replaces, isFile: isFile, key: keeping.key, resuming: keeping.resumes)
    }

    /// Puts the result in its place, and its companion before it: at no time is one there with another's.
    private func commit(_ folder: OutputFolder, with companion: OutputFile?) throws(Failure) {
        guard let companion else { return try folder.commit() }
        let older = try folder.setOldAside()
        let olderCompanion = replaces ? try SetAside(companion.path) : nil
        do throws(Failure) {
            try companion.commit()
        } catch {
            // Its place was free: it may stand there although its folder could not be flushed.
            if replaces { try? Folder.remove(companion.path) }
            throw error
        }
        do throws(Failure) {
            try folder.commit()
        } catch {
            try? Folder.remove(companion.path)
            throw error
        }
        try older?.discard()
        try olderCompanion?.discard()
    }
}
