import Adapters
import DeltaFormat
package import Diagnostics
package import Files
import Interchange
package import Parallelism
import Tensors

package enum UnpackFormat: String, Sendable, CaseIterable {
    case peft, vllm, safetensors
}

/// Turns a container into another tool's files.
package struct UnpackingJob: Sendable {
    package struct Report: Sendable {
        package var files: [String]
        package var logicalBytes: Int
        package var findings: [Finding]
        /// The most memory that unpacking was expected to hold.
        package var memoryBytes: Int
        package var times = StageTimes()
    }

    package var format: UnpackFormat
    package var ignoresOriginal: Bool
    package var allowsRatio: Bool
    package var lanes: Lanes
    package var replaces: Bool
    package var isDryRun: Bool
    package var progress: Progress?

    package init(
        format: UnpackFormat = .peft, ignoresOriginal: Bool = false, allowsRatio: Bool = false, lanes: Lanes,
        replaces: Bool = false, isDryRun: Bool = false, progress: Progress? = nil
    ) {
        self.format = format
        self.ignoresOriginal = ignoresOriginal
        self.allowsRatio = allowsRatio
        self.lanes = lanes
        self.replaces = replaces
        self.isDryRun = isDryRun
        self.progress = progress
    }

    /// Unpacks `file` to `output`, verifying the SHA-256 of every tensor on the way: a folder, or one file for safetensors.
    package func run(_ file: InputFile, output: String) throws(Failure) -> Report {
        guard output != "-" else {
            throw Failure(.usage, "only a container can be written to the standard output")
        }
        let container = try Container(file)
        try checkRatio(container)
        do throws(Failure) {
            return try write(container, to: output)
        } catch {
            throw error.at(path: file.path)
        }
    }

    private func checkRatio(_ container: Container) throws(Failure) {
        let logical = container.layout.logicalBytes
        guard !allowsRatio, logical > Limits.ratioFloor, logical / Limits.ratio > container.file.size else { return }
        throw Failure(
            .suspiciousRatio, "unpacking would write over a thousand times what the file holds",
            path: container.file.path, expected: "at most \(container.file.size * Limits.ratio) bytes",
            actual: "\(logical)", hint: "--allow-ratio unpacks it nevertheless")
    }

    /// What an adapter's folder can hold: of a delta of checkpoints its LoRA.
    ///
    /// Throws ``Failure/Code/notExportable`` where there is none.
    private func exportable(_ adapter: Adapter) throws(Failure) -> (adapter: Adapter, findings: [Finding]) {
        guard format != .safetensors, adapter.method == Method.delta.word else { return (adapter, []) }
        let factors = adapter.entries.filter { $0.key.kind == .lora }
        if !factors.isEmpty {
            var lora = adapter
            lora.method = Method.lora.word
            lora.parameters["result_root"] = nil
            lora.entries = factors
            let others = adapter.entries.filter { $0.key.kind != .file && $0.key.kind != .lora }
            let findings = others.first.map { first in
                [
                    Finding(
                        "residual-left-out",
                        "\(Self.count(others)) have no place in an adapter's folder: only the LoRA is written",
                        object: first.key.target)
                ]
            }
            return (lora, findings ?? [])
        }
        if adapter.entries.contains(where: { $0.key.kind == .signs }) {
            throw Failure(
                .notExportable,
                "the file holds signs of changes, which are no LoRA: no adapter's folder has a place for them",
                hint:
                    "tenon apply puts them onto their base; tenon extract --rank makes a LoRA of the same change, and "
                    + "--format safetensors takes the tensors out")
        }
        let isCorrection = adapter.parameters["stage"]?.string == "correction"
        throw Failure(
            .notExportable,
            isCorrection
                ? "the file holds a correction, which no adapter's folder has a place for"
                : "the file holds a delta of checkpoints, which no adapter's folder has a place for",
            hint: isCorrection
                ? "tenon unapply takes the adapters off that it is for; --format safetensors takes its tensors out"
                : "tenon apply puts it onto its base; --format safetensors takes its tensors out")
    }

    /// What is left out, in words.
    private static func count(_ entries: [AdapterEntry]) -> String {
        let signs = entries.count { $0.key.kind == .signs }
        if signs == 0 { return "\(entries.count) exact differences" }
        let others = entries.count - signs
        return others == 0 ? "the signs of \(signs) tensors" : "the signs of \(signs) tensors and \(others) differences"
    }

    private func write(_ container: Container, to output: String) throws(Failure) -> Report {
        let exported = try exportable(container.adapter)
        try Outputs.checkFree(output, replaces: replaces)
        try Outputs.checkApart(output, from: [container.file.path])
        let adapter = try (progress?.watching(exported.adapter) ?? exported.adapter).dequantized()
        let digests = UnpackDigests(container)
        var report = Report(
            files: [], logicalBytes: adapter.entries.reduce(0) { $0 + $1.byteCount }, findings: [],
            memoryBytes: Outputs.memory(lanes: lanes))
        report.times.end("open")
        if format == .safetensors {
            report.files = [output]
            if isDryRun { return report }
            let target = try OutputFile.create(at: output, replacing: replaces)
            report.findings = try SafetensorsExport.write(
                adapter, to: target, lanes: lanes, observing: digests.observer(for:), ignoringOriginal: ignoresOriginal)
            report.times.end("decode")
            try finish(digests, of: container, &report)
            try target.commit()
            report.times.end("commit")
            return report
        }
        if isDryRun {
            report.files = names(of: adapter, in: output)
            return report
        }
        let folder = try OutputFolder.create(at: output, replacing: replaces)
        switch format {
        case .vllm:
            report.findings = try VLLMFolder.write(
                adapter, to: folder, lanes: lanes, observing: digests.observer(for:), ignoringOriginal: ignoresOriginal)
        default:
            report.findings = try PEFTFolder.write(
                adapter, to: folder, lanes: lanes, observing: digests.observer(for:), ignoringOriginal: ignoresOriginal)
        }
        report.times.end("decode")
        try finish(digests, of: container, &report)
        report.findings += exported.findings
        report.files = names(of: adapter, in: output)
        try folder.commit()
        report.times.end("commit")
        return report
    }

    private func finish(
        _ digests: UnpackDigests, of container: Container, _ report: inout Report
    ) throws(Failure) {
        try digests.finish(lanes: lanes)
        try container.file.checkUnchanged()
        report.times.end("verify")
    }

    private func names(of adapter: Adapter, in output: String) -> [String] {
        let ignores = ignoresOriginal || format == .vllm
        return PEFTFolder.fileNames(of: adapter, ignoringOriginal: ignores).map { Paths.joined(output, $0) }
    }
}
