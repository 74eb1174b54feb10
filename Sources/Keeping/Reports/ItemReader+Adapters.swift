import Adapters
import DeltaFormat
import Diagnostics
import Digests
import Files
import Interchange
import Packaging
import Parallelism
import Tensors

extension ItemReader {
    // MARK: Containers

    mutating func container(_ holding: Holding) throws(Failure) -> Reading {
        let container = try Container(InputFile(path: holding.path))
        let adapter = container.adapter
        let identity = container.file.identity
        let (total, shared) = count([identity])
        let (base, baseBytes) = base(of: adapter)
        let sizes = try Sizes(container, adapter)
        let copy = Self.resultBytes(adapter) ?? baseBytes
        var chain = SizeChain(plain: total, copy: copy ?? sizes.own)
        chain.own = sizes.own
        chain.coded = sizes.coded
        chain.planes = sizes.planes
        chain.codedChanges = sizes.codedChanges
        chain.planesOfChanges = sizes.planesOfChanges
        chain.shared = shared
        let kinds = Set(adapter.entries.map(\.key.kind))
        let isFactors = kinds.contains(.lora) && kinds.isSubset(of: [.lora, .file])
        chain.isDelta = adapter.method == Method.delta.word && !isFactors
        let item = ReportItem(
            holding: holding, method: adapter.method, base: base,
            parameterCount: ContainerSummary(container).parameterCount, chain: chain, knowsCopy: copy != nil,
            added: holding.added ?? identity.modified, contentDigest: container.unboundContentDigest)
        var reading = Reading(item: item, file: FileKey(device: identity.device, inode: identity.inode))
        let origin = ShellWord.quoted(holding.path)
        let unpacked = ShellWord.quoted(holding.path + "-peft")
        let again = "tenon unpack \(origin) -o \(unpacked) && tenon pack \(unpacked) -o \(origin) --force"
        let bound = adapter.bases.isEmpty ? "" : " " + baseOption
        if readsValues {
            reading.advice += try adviseOnValues(adapter, holding, stored: chain.storedBytes)
            let wide = ValueScan.narrowable(adapter)
            let stored = wide.reduce(0) { $0 + sizes.stored[$1.entry][$1.tensor] }
            let sources = wide.map { adapter.entries[$0.entry].tensors[$0.tensor].source }
            let raw = sources.reduce(0) { $0 + $1.byteCount }
            // Where the zeros are coded away already there is nothing to win.
            if stored > raw / 2, try ValueScan(lanes: lanes).holdBFloat16(sources) {
                reading.advice.append(
                    Advice(
                        sort: .wideDType, name: item.name, reason: "every number of fp32 is one of bf16",
                        saves: stored - raw / 2, command: again + " --dtype bf16" + bound))
            }
        }
        if adapter.method != Method.delta.word, sizes.numbers >= 1 << 16, sizes.storedNumbers >= sizes.numbers {
            reading.advice.append(
                Advice(
                    sort: .uncompressed, name: item.name, reason: "none of its tensors is compressed", saves: nil,
                    command: again + bound))
        }
        if adapter.bases.isEmpty, adapter.method != Method.delta.word {
            reading.advice.append(
                Advice(
                    sort: .unbound, name: item.name, reason: "could be put onto a wrong base unnoticed", saves: nil,
                    command: "\(again) \(baseOption)"))
        }
        reading.advice += wholeTensors(adapter, holding, isContainer: true) { sizes.stored[$0][$1] }
        return reading
    }

    /// What the files of a lossless delta's result take, where it lists them: without those that it takes from the base.
    private static func resultBytes(_ adapter: Adapter) -> Int? {
        var total = 0
        var hasCheckpoint = false
        for entry in adapter.entries where entry.key.kind == .file {
            if entry.parameters["layout"]?.string == "checkpoint" {
                guard let size = entry.parameters["size"]?.int, (0...SizeChain.mostBytes).contains(size) else {
                    return nil
                }
                hasCheckpoint = true
                total += size
            } else {
                total += entry.tensors.reduce(0) { $0 + $1.source.byteCount }
            }
            guard total <= SizeChain.mostBytes else { return nil }
        }
        return hasCheckpoint ? total : nil
    }

    /// The bytes of a container's tensors at each step.
    private struct Sizes {
        var own = 0
        var coded = 0
        var planes = 0
        var codedChanges = 0
        var planesOfChanges = 0
        /// Of all tensors but files, decoded and stored.
        var numbers = 0
        var storedNumbers = 0
        /// Of each tensor of each entry, as stored.
        var stored: [[Int]] = []

        init(_ container: Container, _ adapter: Adapter) throws(Failure) {
            var number = 0
            for entry in adapter.entries {
                let isChange = ItemReader.changes.contains(entry.key.kind)
                let dtype = entry.parameters["dtype"]?.string.flatMap(DType.init(name:))
                var storedHere: [Int] = []
                for tensor in entry.tensors {
                    let stored = container.storedBytes(of: number)
                    number += 1
                    storedHere.append(stored)
                    let byteCount = tensor.source.byteCount
                    guard byteCount <= SizeChain.mostBytes, coded <= SizeChain.mostBytes else {
                        throw Failure(.limit, "larger than any model", path: container.file.path)
                    }
                    coded += byteCount
                    planes += stored
                    if isChange {
                        codedChanges += byteCount
                        planesOfChanges += stored
                    }
                    if entry.key.kind != .file {
                        numbers += byteCount
                        storedNumbers += stored
                    }
                    switch tensor.role.part {
                    case .codes?:
                        own += try tensor.source.shape.byteCount(dtype ?? tensor.source.dtype)
                    case .scales?, .outerScales?: break
                    default: own += byteCount
                    }
                }
                self.stored.append(storedHere)
            }
        }
    }

    /// Kinds that tell what became of the base's numbers, one by one.
    static let changes: Set<Kind> = [.exact, .sparse, .signs, .mask, .correction]

    // MARK: Folders

    mutating func folder(_ holding: Holding) throws(Failure) -> Reading {
        let imported = try PEFTFolder.read(holding.path)
        let adapter = imported.adapter
        let (total, shared) = count(imported.files.map(\.identity))
        let (base, baseBytes) = base(of: adapter)
        var chain = SizeChain(plain: total, copy: baseBytes)
        chain.shared = shared
        var parameters = 0
        for entry in adapter.entries where entry.key.kind != .file {
            for tensor in entry.tensors where tensor.role.isFactor {
                parameters += tensor.source.byteCount * 8 / tensor.source.dtype.bits
            }
        }
        var item = ReportItem(
            holding: holding, method: adapter.method, base: base, parameterCount: parameters, chain: chain,
            knowsCopy: baseBytes != nil, added: holding.added ?? imported.files.map(\.identity.modified).max() ?? 0)
        let pack =
            "tenon pack \(ShellWord.quoted(holding.path)) -o "
            + ShellWord.quoted(Self.container(for: holding.path))
        var advice: [Advice] = []
        if readsValues {
            let trailer = try ContainerWriter(compression: .fast, lanes: lanes, verifies: false).write(
                adapter, to: .discarded())
            item.contentDigest = trailer.contentDigest
            let packed = Int(clamping: trailer.fileSize)
            if packed < chain.storedBytes {
                advice.append(
                    Advice(
                        sort: .unpacked, name: item.name,
                        reason:
                            "a container takes \(ByteSize.text(packed)) in place of \(ByteSize.text(chain.storedBytes))",
                        saves: chain.storedBytes - packed, command: pack + " --compression fast"))
            }
            advice += try adviseOnValues(adapter, holding, stored: chain.storedBytes)
            let wide = ValueScan.narrowable(adapter).map { adapter.entries[$0.entry].tensors[$0.tensor].source }
            if !wide.isEmpty, try ValueScan(lanes: lanes).holdBFloat16(wide) {
                advice.append(
                    Advice(
                        sort: .wideDType, name: item.name, reason: "every number of fp32 is one of bf16",
                        saves: wide.reduce(0) { $0 + $1.byteCount } / 2, command: pack + " --dtype bf16"))
            }
            try imported.checkUnchanged()
        }
        advice += wholeTensors(adapter, holding, isContainer: false) {
            adapter.entries[$0].tensors[$1].source.byteCount
        }
        let skipped = Set(imported.skipped)
        let others = try Folder.entries(of: holding.path).filter { $0.kind == .file && skipped.contains($0.name) }
            .map {
                HoldingFinder.Other(
                    path: Paths.joined(holding.path, $0.name), bytes: $0.size, sort: "beside an adapter")
            }
        return Reading(item: item, advice: advice, others: others)
    }

    // MARK: What to mend in either

    private func adviseOnValues(_ adapter: Adapter, _ holding: Holding, stored: Int) throws(Failure) -> [Advice] {
        guard try ValueScan(lanes: lanes).isUntrained(adapter) else { return [] }
        let path = ShellWord.quoted(holding.path)
        return [
            Advice(
                sort: .untrained, name: holding.names.first ?? holding.path,
                reason: "each of its products has a factor of zeros: it changes nothing", saves: stored,
                command: holding.form == .folder ? "rm -r \(path)" : "rm \(path)")
        ]
    }

    /// Matrices of the base that go along whole in what else is an adapter.
    private func wholeTensors(
        _ adapter: Adapter, _ holding: Holding, isContainer: Bool, stored: (_ entry: Int, _ tensor: Int) -> Int
    ) -> [Advice] {
        guard adapter.method != Method.delta.word else { return [] }
        var targets: [String] = []
        var bytes = 0
        var isWide = false
        let modules = adapter.parameters["modules_to_save"]?.strings ?? []
        for (number, entry) in adapter.entries.enumerated() where entry.key.kind == .full {
            for (index, tensor) in entry.tensors.enumerated() where tensor.source.shape.rank >= 2 {
                targets.append(entry.key.target)
                bytes += stored(number, index)
                isWide = isWide || tensor.source.dtype == .f32
            }
        }
        guard let first = targets.first else { return [] }
        let path = ShellWord.quoted(holding.path)
        let command: String
        // PEFT saves embeddings along unasked; what was asked for was trained.
        if modules.isEmpty && !isContainer {
            command =
                "python3 -c 'import sys; from peft import AutoPeftModelForCausalLM as M; "
                + "M.from_pretrained(sys.argv[1]).save_pretrained(sys.argv[2], save_embedding_layers=False)' "
                + "\(path) \(ShellWord.quoted(holding.path + "-small"))"
        } else {
            let source = isContainer ? ShellWord.quoted(holding.path + "-peft") : path
            let target = isContainer ? path + " --force" : ShellWord.quoted(Self.container(for: holding.path))
            let option = isWide ? " --dtype bf16" : " --compression max"
            let bound = adapter.bases.isEmpty ? "" : " " + baseOption
            command =
                (isContainer ? "tenon unpack \(path) -o \(source) && " : "")
                + "tenon pack \(source) -o \(target)\(option)\(bound)"
        }
        return [
            Advice(
                sort: .wholeTensors, name: holding.names.first ?? holding.path,
                reason: targets.count == 1 ? "carries \(first)" : "carries \(first) and \(targets.count - 1) more",
                saves: bytes, command: command)
        ]
    }
}
