import Adapters
import Checkpoints
import Diagnostics
import Digests
import Files
import Packaging
import Parallelism
import Synchronization
import Tensors

/// A delta of whole checkpoints: `Spec/deltas.md`. It gives the tuned one back bit for bit, with all of its files, or
/// comes near to it.
struct LosslessDelta {
    private let pair: CheckpointPair
    private let form: LosslessForm
    private let approximation: Approximation

    /// What comes before the differences.
    struct Approximation {
        var parameters: Parameters = [:]
        var entries: [AdapterEntry] = []
        /// What they make of the base's tensors, by name.
        var results: [String: any TensorSource] = [:]
        /// Tensors of which no more is stored; nil where the delta is to be lossless.
        var finished: Set<String>?
    }

    init(_ pair: CheckpointPair, form: LosslessForm = .shortest, after approximation: Approximation = Approximation()) {
        self.pair = pair
        self.form = form
        self.approximation = approximation
    }

    /// Its tensors are computed as they are read.
    ///
    /// Throws ``Failure/Code/usage`` where a tensor's change cannot have the form that was asked for.
    func adapter() throws(Failure) -> Adapter {
        var parameters = approximation.parameters
        var entries = try approximation.entries + changed() + unpaired() + removed()
        if approximation.finished == nil {
            parameters["result_root"] = .string("\(pair.tunedFingerprint.root)")
            entries += try files()
        }
        return Adapter(
            method: Method.delta.word, parameters: parameters, entries: entries, bases: [pair.baseReference])
    }

    private func binding(base: Int?, tuned: Int?) -> EntryBinding {
        EntryBinding(
            base: 0, baseLeaf: base.map { pair.baseFingerprint.leaves[$0] },
            resultLeaf: tuned.map { pair.tunedFingerprint.leaves[$0] })
    }

    // MARK: Tensors

    private func changed() throws(Failure) -> [AdapterEntry] {
        var entries: [AdapterEntry] = []
        let choices = try choices()
        for (number, (pair, findings)) in zip(pair.pairs, pair.findings).enumerated() {
            let isFinished = approximation.finished?.contains(pair.name) == true
            let binding = binding(base: pair.baseNumber, tuned: isFinished ? nil : pair.tunedNumber)
            var isWhole = false
            if findings.changes > 0, !isFinished, var entry = choices[number] {
                isWhole = entry.key.kind == .full
                if isWhole, pair.added != nil {
                    entry.tensors = [RoleTensor(.value, self.pair.tuned.tensors[pair.tunedNumber].source)]
                }
                entry.binding = binding
                if isWhole { entry.binding?.baseLeaf = nil }
                entries.append(entry)
            }
            if let added = pair.added, !isWhole {
                entries.append(
                    AdapterEntry(
                        key: EntryKey(pair.name, .extend), tensors: [RoleTensor(.value, added)], binding: binding))
            }
        }
        return entries
    }

    /// For each pair how it is stored, nil where nothing need be.
    private func choices() throws(Failure) -> [AdapterEntry?] {
        let choices = Mutex([AdapterEntry?](repeating: nil, count: pair.pairs.count))
        try pair.lanes.forEach(pair.pairs.count) { _, number throws(Failure) in
            let (one, findings) = (pair.pairs[number], pair.findings[number])
            guard findings.changes > 0, approximation.finished?.contains(one.name) != true else { return }
            let entry =
                if let result = approximation.results[one.name] {
                    AdapterEntry(
                        key: EntryKey(one.name, .exact),
                        tensors: [RoleTensor(.value, ExactDifference(base: result, tuned: one.tuned))])
                } else { try LosslessChoice.entry(for: one, findings, as: form) }
            choices.withLock { $0[number] = entry }
        }
        return choices.withLock { $0 }
    }

    /// What the base has under no such name, type and shape: a tensor under two names is kept once.
    private func unpaired() throws(Failure) -> [AdapterEntry] {
        var entries: [AdapterEntry] = []
        var first: [TensorIdentity: String] = [:]
        let others = Set(pair.unpaired)
        for (number, tensor) in pair.tuned.tensors.enumerated() where !others.contains(number) {
            first[TensorIdentity(tensor, pair.tunedData[number])] = tensor.name
        }
        for number in pair.unpaired {
            let tensor = pair.tuned.tensors[number]
            if form != .shortest, let other = pair.base[tensor.name] {
                throw Failure(
                    .usage, "no difference can be taken of tensors of two types or shapes", object: tensor.name,
                    expected: "\(other.dtype.name) \(other.shape)", actual: "\(tensor.dtype.name) \(tensor.shape)",
                    hint: "--kind auto stores such a tensor whole")
            }
            let identity = TensorIdentity(tensor, pair.tunedData[number])
            var binding = binding(base: nil, tuned: number)
            if let name = first[identity], tensor.byteCount > 0 {
                if approximation.finished?.contains(name) == true { binding.resultLeaf = nil }
                entries.append(
                    AdapterEntry(
                        key: EntryKey(tensor.name, .alias), parameters: ["of": .string(name)], tensors: [],
                        binding: binding))
                continue
            }
            first[identity] = tensor.name
            var entry = AdapterEntry(key: EntryKey(tensor.name, .full), tensors: [], binding: binding)
            if tensor.byteCount > 0 {
                entry.tensors = [RoleTensor(.value, tensor.source)]
            } else {
                entry.parameters.setEmptyTensors([
                    EmptyTensor(role: .value, dtype: tensor.dtype, shape: tensor.shape)
                ])
            }
            entries.append(entry)
        }
        return entries
    }

    private func removed() -> [AdapterEntry] {
        pair.removed.map { number in
            AdapterEntry(
                key: EntryKey(pair.base.tensors[number].name, .removed), tensors: [],
                binding: binding(base: number, tuned: nil))
        }
    }

    // MARK: Files

    private func files() throws(Failure) -> [AdapterEntry] {
        var entries: [AdapterEntry] = []
        for shard in pair.tuned.shards {
            let header = shard.file.header
            entries.append(
                AdapterEntry(
                    key: EntryKey(shard.name, .file),
                    parameters: ["layout": "checkpoint", "size": .int(Int64(header.fileByteCount))],
                    tensors: [RoleTensor(.frame, TensorBuffer(header.bytes))]))
        }
        for name in pair.tuned.companions {
            let file = try pair.tuned.place.file(named: name)
            var entry = AdapterEntry(key: EntryKey(name, .file), tensors: [])
            if let digest = try sameInBase(file, name) {
                entry.parameters = ["layout": "base", "from": .string(name), "digest": .string("\(digest)")]
            } else if file.size > 0 {
                entry.tensors = [RoleTensor(.value, FileBytes(file))]
            }
            entries.append(entry)
        }
        return entries
    }

    /// The SHA-256 of a file that the base has too.
    private func sameInBase(_ file: any FileContent, _ name: String) throws(Failure) -> Digest? {
        guard pair.base.companions.contains(name), file.size > 0 else { return nil }
        let other = try pair.base.place.file(named: name)
        guard other.size == file.size else { return nil }
        let digest = try BlobDigest.of(file)
        return try BlobDigest.of(other) == digest ? digest : nil
    }
}

/// What makes two tensors the same but for their names.
private struct TensorIdentity: Hashable {
    let dtype: DType
    let shape: Shape
    let data: Digest

    init(_ tensor: CheckpointTensor, _ data: Digest) {
        dtype = tensor.dtype
        shape = tensor.shape
        self.data = data
    }
}

extension LosslessDelta.Approximation {
    /// What an adapter makes of the base, to be followed by the difference from the tuned checkpoint.
    init(_ adapter: Adapter, of pair: CheckpointPair) throws(Failure) {
        let watch = BaseWatch(pair.base, isWatching: false)
        let plan = try ResultPlan(
            [WeightedAdapter(adapter, contentDigest: .zero, path: pair.tuned.path, weight: 1)], onto: watch, dtype: nil)
        parameters = adapter.parameters
        entries = adapter.entries
        for tensor in plan.tensors where plan.changed[tensor.name] != nil { results[tensor.name] = tensor.source }
    }
}
