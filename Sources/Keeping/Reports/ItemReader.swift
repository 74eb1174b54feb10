import Adapters
import Checkpoints
import DeltaFormat
import Diagnostics
import Digests
import Files
import Interchange
import Parallelism
import Tensors

/// Reads what a report says of one holding after the other.
struct ItemReader {
    let lanes: Lanes
    let bases: [KnownBase]
    /// Whether numbers are looked at, and folders packed in memory.
    let readsValues: Bool
    /// The files that were counted already.
    private(set) var seen: Set<FileKey> = []

    struct FileKey: Hashable {
        let device: UInt64
        let inode: UInt64
    }

    struct Reading {
        var item: ReportItem
        var remedies: [Remedy] = []
        /// Tells that it is the same file as another container's; nil for what is no single file.
        var file: FileKey?
        /// What lies beside an adapter and is none of its files.
        var others: [HoldingFinder.Other] = []
    }

    init(lanes: Lanes, bases: [KnownBase], readsValues: Bool) {
        self.lanes = lanes
        self.bases = bases
        self.readsValues = readsValues
    }

    /// Throws what opening and reading throw.
    mutating func read(_ holding: Holding) throws(Failure) -> Reading {
        var reading: Reading
        switch holding.form {
        case .container: reading = try container(holding)
        case .folder: reading = try folder(holding)
        case .checkpoint: reading = try checkpoint(holding)
        }
        reading.item.chain.names = holding.names.count
        try reading.item.chain.check()
        return reading
    }

    /// Notes files, and gives the bytes of those that were noted before.
    mutating func count(_ files: [FileIdentity]) -> (total: Int, shared: Int) {
        var (total, shared) = (0, 0)
        for file in files {
            total += min(file.size, SizeChain.mostBytes)
            if !seen.insert(FileKey(device: file.device, inode: file.inode)).inserted {
                shared += min(file.size, SizeChain.mostBytes)
            }
        }
        return (total, shared)
    }

    // MARK: The base

    /// What an adapter goes onto, and how large a full copy would be.
    func base(of adapter: Adapter) -> (base: ReportItem.Base?, byteCount: Int?) {
        let name = adapter.metadata["base"]
        if let bound = adapter.bases.first {
            let known = bases.first { $0.headerDigest == "\(bound.headerDigest)" }
            let label = name ?? known?.path ?? String("\(bound.root)".prefix(12))
            // The checkpoint without tensors is no base.
            guard bound.tensorCount > 0 else { return (nil, nil) }
            let isSize = (1...SizeChain.mostBytes).contains(bound.byteCount)
            return (
                ReportItem.Base(key: "\(bound.root)", label: label, isFingerprint: true), isSize ? bound.byteCount : nil
            )
        }
        if let known = bases.first(where: { $0.fits(adapter) }) {
            return (ReportItem.Base(key: name ?? known.path, label: name ?? known.path), known.byteCount)
        }
        return (name.map { ReportItem.Base(key: $0, label: $0) }, nil)
    }

    /// `--base MODEL` as it belongs into a command: the model that the adapter is bound to, or one that it fits.
    func baseOption(for adapter: Adapter) -> String {
        let known = bases.first { base in
            adapter.bases.first.map { "\($0.headerDigest)" == base.headerDigest } ?? base.fits(adapter)
        }
        return " --base " + (known.map { ShellWord.quoted($0.path) } ?? "BASE")
    }

    // MARK: Whole models

    private mutating func checkpoint(_ holding: Holding) throws(Failure) -> Reading {
        let checkpoint = try Checkpoint(path: holding.path)
        var files = checkpoint.shards.compactMap(\.file.file.diskIdentity)
        for name in checkpoint.companions {
            if let identity = try checkpoint.place.file(named: name).diskIdentity { files.append(identity) }
        }
        let (total, shared) = count(files)
        var chain = SizeChain(plain: total)
        chain.shared = shared
        var parameters = 0
        for tensor in checkpoint.tensors { parameters += tensor.byteCount * 8 / tensor.dtype.bits }
        var item = ReportItem(
            holding: holding, method: "checkpoint", parameterCount: parameters, chain: chain, knowsCopy: true,
            added: holding.added ?? files.map(\.modified).max() ?? 0)
        item.files = try own(
            checkpoint.paths + checkpoint.companions.map { Paths.joined(checkpoint.folder, $0) }, of: holding)
        var reading = Reading(item: item)
        let digest = bases.isEmpty ? "" : "\(BaseFingerprint.headerDigest(of: checkpoint))"
        if let base = bases.first(where: { $0.headerDigest == digest }), !base.isAt(holding.path) {
            reading.remedies.append(
                Remedy(
                    sort: .fullCopy, reason: "has the tensors of \(base.path), by names and shapes", saves: nil,
                    way: .replacement(
                        command: "tenon extract --base \(ShellWord.quoted(base.path)) --tuned "
                            + ShellWord.quoted(holding.path), output: Self.container(for: holding.path), options: "")))
        }
        let wide = checkpoint.tensors.filter { $0.dtype == .f32 }.map(\.source)
        if readsValues, !wide.isEmpty, wide.count == checkpoint.tensors.filter({ $0.dtype.isFloat }).count,
            try ValueScan(lanes: lanes).holdBFloat16(wide)
        {
            let bytes = wide.reduce(0) { $0 + $1.byteCount }
            reading.remedies.append(
                Remedy(
                    sort: .wideDType, reason: "every number of fp32 is one of bf16", saves: bytes / 2,
                    way: .command(Self.narrowing(holding.path))))
        }
        return reading
    }

    /// The files at `paths`, which are all of an item.
    func own(_ paths: [String], of holding: Holding) throws(Failure) -> OwnFiles {
        var files = OwnFiles(paths: paths)
        guard holding.form != .container, try Folder.kind(of: holding.path) == .folder else { return files }
        let names = Set(paths.map(Paths.lastComponent(of:)))
        files.areAll = try Folder.entries(of: holding.path).allSatisfy { $0.kind == .file && names.contains($0.name) }
        return files
    }

    /// The container that a folder or a file becomes: a name that is free.
    static func container(for path: String) -> String {
        var name = Paths.joined(Paths.parent(of: path), Paths.lastComponent(of: path))
        if [".", ".."].contains(Paths.lastComponent(of: path)) { name = (try? Folder.resolved(path)) ?? name }
        let plain = name.hasSuffix(".safetensors") ? String(name.dropLast(12)) : name
        let stem = plain.hasPrefix("./") ? String(plain.dropFirst(2)) : plain
        var target = stem + ".tenon"
        var number = 2
        while (try? Folder.kind(of: target)) != .some(nil), number < 100 {
            target = "\(stem)-\(number).tenon"
            number += 1
        }
        return target
    }

    /// Python, for no command of Tenon's writes a whole model anew.
    private static func narrowing(_ path: String) -> String {
        "python3 -c 'import sys, torch, transformers as t; t.AutoModelForCausalLM.from_pretrained(sys.argv[1], "
            + "dtype=torch.bfloat16).save_pretrained(sys.argv[2])' "
            + "\(ShellWord.quoted(path)) \(ShellWord.quoted(path + "-bf16"))"
    }
}
