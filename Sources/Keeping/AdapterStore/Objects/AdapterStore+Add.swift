package import DeltaFormat
package import Diagnostics
import Digests
import Files
package import Packaging
package import Parallelism

extension AdapterStore {
    /// What is to be added, and how.
    package struct Addition: Sendable {
        /// A container, `-` for one on the standard input, an adapter in any format that can be packed, or a whole
        /// checkpoint.
        package var source: String
        /// What a checkpoint was tuned from; nil to look for it in the store.
        package var base: ObjectReference?
        package var options: PutOptions
        package var compression = Compression.standard
        package var lanes: Lanes
        package var progress: Progress?

        package init(source: String, options: PutOptions, lanes: Lanes) {
            self.source = source
            self.options = options
            self.lanes = lanes
        }
    }

    /// Puts a container as it is, packs an adapter on the way, or takes of a checkpoint what it differs in from the nearest.
    package func add(_ addition: Addition) throws(Failure) -> PutReport {
        try addition.options.checkLength()
        let prepared = try prepare(addition)
        let report = try put(
            prepared.staging, prepared.options, isVerified: prepared.isVerified, lanes: addition.lanes)
        return PutReport(
            object: report.object, isNew: report.isNew, isRestored: report.isRestored,
            findings: prepared.findings + report.findings)
    }

    /// What ``add(_:)`` would come to; throws what that would, and leaves nothing behind.
    package func consider(_ addition: Addition) throws(Failure) -> PutReport {
        try addition.options.checkLength()
        let prepared = try prepare(addition)
        let container = try Container(InputFile(path: prepared.staging.container))
        let facts = ObjectFacts(container)
        try checkFree(prepared.options.names, for: facts.digest, replaces: prepared.options.replaces)
        let there = try catalog.object(facts.digest)
        let object = StoredObject(
            facts, inputBytes: prepared.options.inputBytes, origin: prepared.options.origin,
            added: container.file.identity.modified)
        return PutReport(object: there ?? object, isNew: there == nil, findings: prepared.findings)
    }

    struct Prepared {
        let staging: Staging
        var options: PutOptions
        var isVerified = false
        var findings: [Finding] = []
    }

    /// Writes the container to a place in the store's file system.
    private func prepare(_ addition: Addition) throws(Failure) -> Prepared {
        try Self.checkSingle(addition.source)
        if let checkpoint = try Self.checkpoint(at: addition.source) { return try prepare(checkpoint, addition) }
        guard addition.base == nil else {
            throw Failure(
                .usage, "only a whole checkpoint is told as the difference from another", path: addition.source,
                hint: "leave out --base")
        }
        var prepared = Prepared(staging: try stage(), options: addition.options)
        let isFolder = addition.source == "-" ? false : try Folder.kind(of: addition.source) == .folder
        guard isFolder else {
            let file = try InputFile.opened(addition.source)
            // Whatever else it may be, nothing is copied that is no container.
            _ = try Container(file)
            try Self.copy(file, to: prepared.staging.container)
            prepared.options.inputBytes = file.size
            prepared.options.origin = "tenon"
            return prepared
        }
        var job = PackingJob(compression: addition.compression, lanes: addition.lanes)
        job.progress = addition.progress
        let reports = try job.run(sources: [addition.source], output: prepared.staging.container) {
            prepared.findings.append($0)
        }
        prepared.options.inputBytes = reports.reduce(0) { $0 + $1.logicalBytes }
        prepared.options.origin = "peft"
        prepared.isVerified = true
        return prepared
    }

    private static func checkSingle(_ source: String) throws(Failure) {
        guard SourcePaths.isPattern(source), try Folder.kind(of: source) == nil else { return }
        throw Failure(.notFound, "a pattern names no single adapter", path: source, hint: "add them one by one")
    }

    /// Copies a file block by block, and waits until it is on the medium.
    static func copy(_ file: InputFile, to path: String) throws(Failure) {
        let target = try OutputFile.create(at: path, replacing: false)
        try target.reserve(byteCount: file.size)
        try copy(file, to: target)
        try target.commit()
    }

    static func copy(_ file: InputFile, to target: OutputFile) throws(Failure) {
        try BlockCopy.copy(file, to: target) { _ in }
    }
}
