import Diagnostics
import Files

/// What of a folder is an adapter, what goes along and what stays.
struct FolderListing {
    let path: String
    /// The name of the file with the tensors.
    let weights: String
    /// Names of files that go along as they are.
    private(set) var others: [String] = []
    private(set) var skipped: [String] = []
    private(set) var findings: [Finding] = []

    /// Throws ``Failure/Code/configMissing`` and ``Failure/Code/weightsMissing``, or ``Failure/Code/notAnAdapter`` where the
    /// path is something else that is known.
    init(_ path: String) throws(Failure) {
        self.path = path
        guard let kind = try Folder.kind(of: path) else {
            throw Failure(.notFound, "there is no such file or folder", path: path)
        }
        guard kind == .folder else {
            let sniffed = try Sniff.of(path)
            throw Failure(
                .notAnAdapter, "this is no adapter folder but \(sniffed.description)", path: path, hint: sniffed.hint)
        }
        let entries = try Folder.entries(of: path)
        let names = entries.filter { $0.kind == .file }.map(\.name)
        let hasConfig = names.contains(PEFTFolder.configName)
        let weights = [PEFTFolder.weightsName, PEFTFolder.pickleName].first { names.contains($0) }
        guard hasConfig || weights != nil else {
            let sniffed = try Sniff.of(path)
            throw Failure(
                .notAnAdapter, "this is no adapter folder but \(sniffed.description)", path: path, hint: sniffed.hint)
        }
        guard hasConfig else {
            throw Failure(
                .configMissing, "the folder has no \(PEFTFolder.configName)", path: path,
                hint: "copy it from where the adapter was trained: the tensors alone do not say what they do")
        }
        guard let weights else {
            let sniffed = try Sniff.of(path)
            if sniffed == .mlxAdapter || sniffed == .adapterHubAdapter {
                throw Failure(
                    .notAnAdapter, "this is no PEFT adapter but \(sniffed.description)", path: path, hint: sniffed.hint)
            }
            throw Failure(
                .weightsMissing, "the folder has no \(PEFTFolder.weightsName)", path: path,
                hint: "save the adapter again, or complete the download")
        }
        self.weights = weights
        for entry in entries { sort(entry) }
        if !skipped.isEmpty {
            let names = skipped.prefix(8).joined(separator: ", ") + (skipped.count > 8 ? ", …" : "")
            findings.append(Finding("file-skipped", "\(skipped.count) left out: \(names)", object: skipped.first))
        }
    }

    private mutating func sort(_ entry: Folder.Entry) {
        if entry.name == PEFTFolder.configName || entry.name == weights { return }
        guard entry.kind == .file, !Self.isOfTraining(entry.name) else {
            skipped.append(entry.name)
            return
        }
        if entry.name == PEFTFolder.pickleName {
            findings.append(
                Finding(
                    "two-weights", "PEFT would read \(weights) and not this file, which goes along unread",
                    object: entry.name))
        }
        others.append(entry.name)
    }

    /// The state of a training run: large, and no part of what the adapter does.
    private static func isOfTraining(_ name: String) -> Bool {
        let names: Set<String> = [
            "optimizer.pt", "optimizer.bin", "scheduler.pt", "scaler.pt", "training_args.bin", "trainer_state.json",
            "global_step", "latest", "zero_to_fp32.py",
        ]
        return names.contains(name) || (name.hasPrefix("rng_state") && name.hasSuffix(".pth"))
            || name.hasSuffix(".lock")
            || (name.hasPrefix("events.out.tfevents"))
    }
}
