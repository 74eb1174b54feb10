package import Adapters
package import DeltaFormat
package import Diagnostics
import Digests
import Files
import Interchange
package import Parallelism
import Tensors

/// Turns adapters into containers.
package struct PackingJob: Sendable {
    package var compression: Compression
    package var lossy: LossyConversion
    package var lanes: Lanes
    package var replaces: Bool
    package var isDryRun: Bool
    package var progress: Progress?
    /// Binds an adapter to its base before anything else is done to it; is told where it came from. Nil for none.
    package var bind: (@Sendable (_ adapter: inout Adapter, _ path: String) throws(Failure) -> Void)?

    package init(
        compression: Compression = .standard, lossy: LossyConversion = .init(), lanes: Lanes, replaces: Bool = false,
        isDryRun: Bool = false, progress: Progress? = nil
    ) {
        self.compression = compression
        self.lossy = lossy
        self.lanes = lanes
        self.replaces = replaces
        self.isDryRun = isDryRun
        self.progress = progress
    }

    /// Packs one source to `output` (a file, or `-` for the standard output), or several into the folder `output`.
    ///
    /// Of several, all are looked at before the first is written. Every file is put in place whole; where writing one
    /// fails, those before it stay.
    package func run(sources: [String], output: String, tell: (Finding) -> Void) throws(Failure) -> [PackReport] {
        if sources.contains("-") {
            throw Failure(.usage, "an adapter is a folder and cannot be read from the standard input")
        }
        let paths = try SourcePaths.expand(sources)
        if paths.count == 1 && sources.count == 1 && !SourcePaths.isPattern(sources[0]) {
            return [try pack(paths[0], to: output, tell: tell)]
        }
        guard output != "-" else { throw Failure(.usage, "several adapters do not fit one stream") }
        let targets = try SourcePaths.outputs(for: paths, in: output)
        for path in paths {
            var adapter = try PEFTFolder.read(try SourcePaths.resolveCache(path)).adapter
            try bind?(&adapter, path)
        }
        var reports: [PackReport] = []
        let isThere = try Folder.kind(of: output) != nil
        let isNew = !isDryRun && !isThere
        if isNew { try Folder.make(output) }
        do throws(Failure) {
            for (path, target) in zip(paths, targets) { reports.append(try pack(path, to: target, tell: tell)) }
        } catch {
            if isNew && reports.isEmpty { try? Folder.remove(output) }
            throw error
        }
        return reports
    }

    private func pack(_ source: String, to path: String, tell: (Finding) -> Void) throws(Failure) -> PackReport {
        var times = StageTimes()
        if path != "-" { try Outputs.checkFree(path, replaces: replaces) }
        let folder = try SourcePaths.resolveCache(source)
        let imported = try PEFTFolder.read(folder)
        for finding in imported.findings { tell(finding) }
        var adapter = imported.adapter
        let logicalBytes = imported.files.reduce(0) { $0 + $1.size }
        times.end("read")
        if let bind {
            try bind(&adapter, source)
            times.end("bind")
        }
        var saved = PackReport.Savings()
        let losses = lossy.isLossless ? [] : try lossy.convert(&adapter, saved: &saved, lanes: lanes)

        if !lossy.isLossless { times.end("convert") }
        if !lossy.isLossless && losses.isEmpty {
            tell(Finding("nothing-converted", "there is no tensor that the option applies to", object: source))
        }

        let output = try open(path)
        let writer = ContainerWriter(compression: compression, lanes: lanes)
        let trailer = try writer.write(progress?.watching(adapter) ?? adapter, to: output)
        try imported.checkUnchanged()
        times.end("encode")
        if !isDryRun {
            try output.commit()
            times.end("commit")
        }

        let storedBytes = Int(trailer.fileSize)
        saved.framing = trailer.dataBytes - storedBytes
        saved.compression = logicalBytes - storedBytes - saved.framing - saved.dtype - saved.quantization
        return PackReport(
            source: source, output: path, method: adapter.method,
            tensorCount: adapter.entries.reduce(0) { $0 + $1.tensors.count }, logicalBytes: logicalBytes,
            storedBytes: storedBytes, saved: saved, losses: losses, contentDigest: trailer.contentDigest,
            indexDigest: trailer.indexDigest, base: adapter.bases.first, findings: imported.findings,
            memoryBytes: Outputs.memory(lanes: lanes),
            times: times)
    }

    private func open(_ path: String) throws(Failure) -> OutputFile {
        if isDryRun { return .discarded() }
        return path == "-" ? .standardOutput() : try OutputFile.create(at: path, replacing: replaces)
    }
}
