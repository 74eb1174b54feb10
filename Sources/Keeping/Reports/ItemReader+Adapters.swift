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
        var item = ReportItem(
            holding: holding, method: adapter.method, base: base,
            parameterCount: ContainerSummary(container).parameterCount, chain: chain, knowsCopy: copy != nil,
            added: holding.added ?? identity.modified)
        item.contentDigest = container.contentDigest
        item.unboundDigest = container.unboundContentDigest
        let key = FileKey(device: identity.device, inode: identity.inode)
        item.files = OwnFiles(paths: [holding.path], weights: (holding.path, key, total), adapterBytes: total)
        var reading = Reading(item: item, file: key)
        if readsValues { reading.remedies += try untrained(adapter, stored: chain.storedBytes) }
        // What differs between checkpoints is no folder that could be packed again.
        guard adapter.method != Method.delta.word else { return reading }
        let scheme = Self.quantization(of: adapter)
        func mend(_ options: String, binds: Bool = false) -> Remedy.Way {
            let options = options + (binds || !adapter.bases.isEmpty ? baseOption(for: adapter) : "")
            return scheme.map { .repacking(options: " --quantize \($0)" + options) } ?? .rewriting(options: options)
        }
        if readsValues, scheme == nil {
            let wide = ValueScan.narrowable(adapter)
            let stored = wide.reduce(0) { $0 + sizes.stored[$1.entry][$1.tensor] }
            let sources = wide.map { adapter.entries[$0.entry].tensors[$0.tensor].source }
            let raw = sources.reduce(0) { $0 + $1.byteCount }
            // Where the zeros are coded away already there is nothing to win.
            if stored > raw / 2, try ValueScan(lanes: lanes).holdBFloat16(sources) {
                reading.remedies.append(
                    Remedy(
                        sort: .wideDType, reason: "every number of fp32 is one of bf16", saves: stored - raw / 2,
                        way: mend(" --dtype bf16")))
            }
            if sizes.numbers >= 1 << 16, sizes.storedNumbers >= sizes.numbers {
                let trailer = try ContainerWriter(lanes: lanes, verifies: false).write(adapter, to: .discarded())
                let saves = total - Int(clamping: trailer.fileSize)
                if saves > 0 {
                    reading.remedies.append(
                        Remedy(
                            sort: .uncompressed, reason: "none of its tensors is compressed", saves: saves,
                            way: mend("")))
                }
            }
        }
        if adapter.bases.isEmpty {
            reading.remedies.append(
                Remedy(
                    sort: .unbound, reason: "could be put onto a wrong base unnoticed", saves: nil,
                    way: mend("", binds: true)))
        }
        if let whole = wholeTensors(adapter, byteCount: { sizes.stored[$0][$1] }) {
            reading.remedies.append(
                Remedy(sort: .wholeTensors, reason: whole.reason, saves: nil, way: mend(" --compression max")))
        }
        return reading
    }

    /// What `pack --quantize` made of it; nil where it is as it was trained.
    private static func quantization(of adapter: Adapter) -> String? {
        let parts = adapter.entries.flatMap { $0.tensors.map(\.role.part) }
        return parts.contains(.outerScales) ? "nf4" : parts.contains(.codes) ? "int8" : nil
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
        item.files = try own(imported.files.map(\.path), of: holding)
        // The config, the numbers, then what goes along with them.
        for file in imported.files.prefix(2) {
            let key = FileKey(device: file.identity.device, inode: file.identity.inode)
            item.files.weights = (file.path, key, file.size)
            item.files.adapterBytes += file.size
        }
        func packed(_ options: String) -> Remedy.Way {
            .replacement(
                command: "tenon pack \(ShellWord.quoted(holding.path))", output: Self.container(for: holding.path),
                options: options)
        }
        var remedies: [Remedy] = []
        if readsValues {
            let trailer = try ContainerWriter(compression: .fast, lanes: lanes, verifies: false).write(
                adapter, to: .discarded())
            item.contentDigest = trailer.contentDigest
            item.unboundDigest = trailer.contentDigest
            let size = Int(clamping: trailer.fileSize)
            if size < chain.storedBytes {
                remedies.append(
                    Remedy(
                        sort: .unpacked,
                        reason:
                            "a container takes \(ByteSize.text(size)) in place of \(ByteSize.text(chain.storedBytes))",
                        saves: chain.storedBytes - size, way: packed(" --compression fast")))
            }
            remedies += try untrained(adapter, stored: chain.storedBytes)
            let wide = ValueScan.narrowable(adapter).map { adapter.entries[$0.entry].tensors[$0.tensor].source }
            if !wide.isEmpty, try ValueScan(lanes: lanes).holdBFloat16(wide) {
                remedies.append(
                    Remedy(
                        sort: .wideDType, reason: "every number of fp32 is one of bf16",
                        saves: wide.reduce(0) { $0 + $1.byteCount } / 2, way: packed(" --dtype bf16")))
            }
            try imported.checkUnchanged()
        }
        if let whole = wholeTensors(adapter, byteCount: { adapter.entries[$0].tensors[$1].source.byteCount }) {
            // PEFT saves embeddings along unasked; what was asked for was trained.
            let isAsked = !(adapter.parameters["modules_to_save"]?.strings ?? []).isEmpty
            remedies.append(
                Remedy(
                    sort: .wholeTensors, reason: whole.reason, saves: isAsked ? nil : whole.bytes,
                    way: isAsked ? packed(" --compression max") : .command(Self.savingAgain(holding.path))))
        }
        let skipped = Set(imported.skipped)
        let others = try Folder.entries(of: holding.path).filter { $0.kind == .file && skipped.contains($0.name) }
            .map {
                HoldingFinder.Other(
                    path: Paths.joined(holding.path, $0.name), bytes: $0.size, sort: "beside an adapter")
            }
        return Reading(item: item, remedies: remedies, others: others)
    }

    // MARK: What to mend in either

    private func untrained(_ adapter: Adapter, stored: Int) throws(Failure) -> [Remedy] {
        guard try ValueScan(lanes: lanes).isUntrained(adapter) else { return [] }
        return [
            Remedy(
                sort: .untrained, reason: "each of its products has a factor of zeros: it changes nothing",
                saves: stored, way: .removal)
        ]
    }

    /// Matrices of the base that go along whole in what else is an adapter.
    private func wholeTensors(
        _ adapter: Adapter, byteCount: (_ entry: Int, _ tensor: Int) -> Int
    ) -> (reason: String, bytes: Int)? {
        var targets: [String] = []
        var bytes = 0
        for (number, entry) in adapter.entries.enumerated() where entry.key.kind == .full {
            for (index, tensor) in entry.tensors.enumerated() where tensor.source.shape.rank >= 2 {
                targets.append(entry.key.target)
                bytes += byteCount(number, index)
            }
        }
        guard let first = targets.first else { return nil }
        let others = targets.count == 1 ? "" : " and \(targets.count - 1) more"
        return ("carries \(first)\(others), \(ByteSize.text(bytes))", bytes)
    }

    /// Python, which has PEFT save an adapter without embeddings in its own place.
    private static func savingAgain(_ path: String) -> String {
        "python3 -c 'import sys; from peft import AutoPeftModelForCausalLM as M; p = sys.argv[1]; "
            + "M.from_pretrained(p).save_pretrained(p, save_embedding_layers=False)' \(ShellWord.quoted(path))"
    }
}
