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
        var advice: [Advice] = []
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
        if let store = holding.store {
            reading.advice = reading.advice.map { advice in
                Advice(
                    sort: advice.sort, name: advice.name, reason: advice.reason, saves: advice.saves,
                    command: keptCommand(advice.sort, holding, in: store))
            }
        }
        reading.item.chain.names = holding.names.count
        try reading.item.chain.check()
        return reading
    }

    /// What mends an object of a store, whose files are nobody else's to touch: it is taken out and put back under its name.
    private func keptCommand(_ sort: Advice.Sort, _ holding: Holding, in store: String) -> String {
        let name = ShellWord.quoted(holding.names.first ?? holding.path), place = "--store \(ShellWord.quoted(store))"
        if sort == .untrained { return "tenon store remove \(name) \(place)" }
        let option =
            switch sort {
            case .wideDType: " --dtype bf16"
            case .wholeTensors: " --compression max"
            case .unbound: " " + baseOption
            default: ""
            }
        return
            "tenon store get \(name) -o adapter --format peft \(place) && tenon pack adapter -o adapter.tenon\(option)"
            + " && tenon store add adapter.tenon --name \(name) --force \(place)"
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

    /// `--base MODEL` as it belongs into a command.
    var baseOption: String { "--base " + (bases.first.map { ShellWord.quoted($0.path) } ?? "BASE") }

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
        let item = ReportItem(
            holding: holding, method: "checkpoint", parameterCount: parameters, chain: chain, knowsCopy: true,
            added: holding.added ?? files.map(\.modified).max() ?? 0)
        var reading = Reading(item: item)
        let digest = bases.isEmpty ? "" : "\(BaseFingerprint.headerDigest(of: checkpoint))"
        if let base = bases.first(where: { $0.headerDigest == digest }), !base.isAt(holding.path) {
            reading.advice.append(
                Advice(
                    sort: .fullCopy, name: item.name, reason: "has the tensors of \(base.path), by names and shapes",
                    saves: nil,
                    command: "tenon extract --base \(ShellWord.quoted(base.path)) --tuned "
                        + "\(ShellWord.quoted(holding.path)) -o \(ShellWord.quoted(Self.container(for: holding.path)))")
            )
        }
        let wide = checkpoint.tensors.filter { $0.dtype == .f32 }.map(\.source)
        if readsValues, !wide.isEmpty, wide.count == checkpoint.tensors.filter({ $0.dtype.isFloat }).count,
            try ValueScan(lanes: lanes).holdBFloat16(wide)
        {
            let bytes = wide.reduce(0) { $0 + $1.byteCount }
            reading.advice.append(
                Advice(
                    sort: .wideDType, name: item.name, reason: "every number of fp32 is one of bf16", saves: bytes / 2,
                    command: Self.narrowing(holding.path)))
        }
        return reading
    }

    /// The container that a folder or a file becomes.
    static func container(for path: String) -> String {
        let name = Paths.joined(Paths.parent(of: path), Paths.lastComponent(of: path))
        let plain = name.hasSuffix(".safetensors") ? String(name.dropLast(12)) : name
        return (plain.hasPrefix("./") ? String(plain.dropFirst(2)) : plain) + ".tenon"
    }

    /// Python, for no command of Tenon's writes a whole model anew.
    private static func narrowing(_ path: String) -> String {
        "python3 -c 'import sys, torch, transformers as t; t.AutoModelForCausalLM.from_pretrained(sys.argv[1], "
            + "dtype=torch.bfloat16).save_pretrained(sys.argv[2])' "
            + "\(ShellWord.quoted(path)) \(ShellWord.quoted(path + "-bf16"))"
    }
}
