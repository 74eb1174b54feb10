import ArgumentParser
import Checkpoints
import Diagnostics
import Digests
import JSON
import Packaging
import Tensors

struct Fingerprint: ParsableCommand, Exemplified {
    static let example = "tenon fingerprint my-model"

    static let configuration = CommandConfiguration(
        commandName: "fingerprint", abstract: "Print what identifies a base model.",
        discussion: """
            The root covers every tensor's name, type, shape and bytes, however they are spread over files; the header \
            digest all but the bytes. What was read once is remembered as long as the files stay as they are; \
            TENON_CACHE=off stands for --no-cache.
            """)

    @Argument(help: ArgumentHelp("A model's folder, or a single safetensors file.", valueName: "model"))
    var model: String

    @Flag(help: "Only the header digest, without reading the data.")
    var headerOnly = false

    @Flag(help: "List every tensor, with its leaf.")
    var tensors = false

    @Flag(help: "Read all data, and remember nothing.")
    var noCache = false

    @OptionGroup var shared: SharedOptions

    func run() throws {
        var times = StageTimes()
        let checkpoint = try Checkpoint(path: model)
        times.end("headers")
        for finding in checkpoint.findings { shared.console.warn(finding) }
        let cache = noCache ? nil : FingerprintCache.standard()
        let bar = headerOnly ? nil : ProgressBar("reading", isQuiet: shared.quiet)
        bar?.progress.expect(checkpoint.totalBytes)
        defer { bar?.end() }
        let fingerprint =
            headerOnly
            ? nil
            : try BaseFingerprint(of: checkpoint, lanes: shared.lanes, cache: cache) {
                [progress = bar?.progress] count in
                progress?.note(count)
            }
        bar?.end()
        let headerDigest = fingerprint?.headerDigest ?? BaseFingerprint.headerDigest(of: checkpoint)
        if !headerOnly { times.end("data") }
        if shared.json {
            shared.console.result(document(checkpoint, fingerprint, headerDigest))
        } else {
            print(checkpoint, fingerprint, headerDigest)
        }
        if shared.verbose { shared.console.tell(times) }
    }

    private func print(_ checkpoint: Checkpoint, _ fingerprint: BaseFingerprint?, _ headerDigest: Digest) {
        func row(_ name: String, _ value: String) {
            shared.console.result((name + ":").padded(to: 16) + value)
        }
        if let fingerprint { row("root", "\(fingerprint.root)") }
        row("header digest", "\(headerDigest)")
        row("tensors", checkpoint.tensors.count.grouped)
        let files = checkpoint.shards.count == 1 ? "1 file" : "\(checkpoint.shards.count) files"
        row("bytes", "\(checkpoint.totalBytes.grouped) in \(files)")
        guard tensors else { return }
        for (number, tensor) in checkpoint.tensors.enumerated() {
            let leaf = fingerprint.map { "\($0.leaves[number])  " } ?? ""
            shared.console.result(leaf + "\(tensor.name)  \(tensor.dtype.name) \(tensor.shape)".escapedForTerminal)
        }
    }

    private func document(
        _ checkpoint: Checkpoint, _ fingerprint: BaseFingerprint?, _ headerDigest: Digest
    ) -> JSONValue {
        let list = checkpoint.tensors.enumerated().map { number, tensor -> JSONValue in
            [
                "name": .string(tensor.name), "dtype": .string(tensor.dtype.name),
                "shape": .array(tensor.shape.dimensions.map { JSONValue($0) }),
                "digest": fingerprint.map { .string("\($0.leaves[number])") } ?? nil,
            ]
        }
        return [
            "root": fingerprint.map { .string("\($0.root)") } ?? nil,
            "headerDigest": .string("\(headerDigest)"),
            "tensorCount": JSONValue(checkpoint.tensors.count),
            "totalBytes": JSONValue(checkpoint.totalBytes),
            "files": .array(checkpoint.shards.map { .string($0.name) }),
            "tensors": tensors ? .array(list) : nil,
            "warnings": .array(checkpoint.findings.map { .string($0.description) }),
        ]
    }
}
