import Adapters
import Diagnostics
import Tensors

/// A tensor under the name it has in a file.
struct NamedTensor: Sendable {
    let name: String
    let source: any TensorSource
}

/// Puts the tensors of a file together as entries.
struct PEFTAssembly {
    private struct Draft {
        var form: String?
        var module: String?
        var tensors: [RoleTensor] = []
        var empty: [EmptyTensor] = []

        func has(_ role: Role) -> Bool {
            tensors.contains { $0.role == role } || empty.contains { $0.role == role }
        }

        /// Throws where the entry has such a tensor already, or one that lies in another form.
        mutating func add(_ key: ParsedKey, _ source: any TensorSource) throws(Failure) {
            guard !has(key.role) else {
                throw Failure(.duplicate, "two keys of the file mean the same tensor")
            }
            guard form == nil || key.form == nil || form == key.form else {
                throw Failure(.unknownKey, "a module's keys are of two forms", expected: form, actual: key.form)
            }
            form = form ?? key.form
            module = module ?? key.module
            add(key.role, source)
        }

        mutating func add(_ role: Role, _ source: any TensorSource) {
            if source.byteCount == 0 {
                empty.append(EmptyTensor(role: role, dtype: source.dtype, shape: source.shape))
            } else {
                tensors.append(RoleTensor(role, source))
            }
        }
    }

    private(set) var entries: [AdapterEntry] = []
    private(set) var findings: [Finding] = []

    /// Throws ``Failure/Code/unknownKey``, ``Failure/Code/duplicate`` where two keys mean the same, and what the rules of
    /// kinds throw.
    init(_ tensors: [NamedTensor], config: PEFTConfig, parameters: Parameters) throws(Failure) {
        guard let peft = config.peft else {
            try takeOpaque(tensors)
            return
        }
        let reader = KeyReader(peft, parameters, keys: tensors.map(\.name))
        var drafts: [EntryKey: Draft] = [:]
        var slips: [KeyReader.Slip: [String]] = [:]
        var nameless: [String] = []
        var empty: [String] = []
        for tensor in tensors {
            let (key, found) = try reader.read(tensor.name)
            for slip in found { slips[slip, default: []].append(tensor.name) }
            if tensor.source.byteCount == 0 { empty.append(tensor.name) }
            if key.isNameless { nameless.append(tensor.name) }
            do throws(Failure) {
                try drafts[key.entry, default: Draft()].add(key, tensor.source)
            } catch {
                throw error.on(tensor.name)
            }
        }
        for (key, draft) in drafts.sorted(by: { $0.key < $1.key }) { try take(key, draft) }
        report(slips, nameless: nameless, empty: empty)
    }

    private mutating func take(_ key: EntryKey, _ draft: Draft) throws(Failure) {
        var parameters = Parameters()
        if let form = draft.form, !form.isEmpty { parameters["form"] = .string(form) }
        if let module = draft.module { parameters["module"] = .string(module) }
        parameters.setEmptyTensors(draft.empty)
        let entry = AdapterEntry(key: key, parameters: parameters, tensors: draft.tensors)
        do throws(Failure) {
            try key.kind.validate(
                entry.tensors.map { .init(role: $0.role, dtype: $0.source.dtype, shape: $0.source.shape) },
                parameters: parameters)
        } catch {
            throw error.on(key.target.isEmpty ? key.kind.word : key.target)
        }
        entries.append(entry)
    }

    private mutating func takeOpaque(_ tensors: [NamedTensor]) throws(Failure) {
        var empty: [String] = []
        for tensor in tensors.sorted(by: { $0.name.precedesInBytes($1.name) }) {
            if tensor.source.byteCount == 0 { empty.append(tensor.name) }
            var draft = Draft()
            draft.add(.value, tensor.source)
            try take(EntryKey(tensor.name, .opaque), draft)
        }
        report([:], nameless: [], empty: empty)
    }

    // MARK: What was noticed

    private mutating func report(_ slips: [KeyReader.Slip: [String]], nameless: [String], empty: [String]) {
        note(
            "double-prefix", "keys repeat the prefix base_model.model, so PEFT would not load them",
            slips[.doublePrefix])
        note("stray-adapter-name", "keys hold an adapter's name, so PEFT would not load them", slips[.adapterName])
        note("parameter-unnamed", "factors of fused parameters, whose names only the base can tell", nameless)
        note("empty-tensor", "tensors have no elements and so do nothing", empty)
    }

    private mutating func note(_ code: String, _ message: String, _ names: [String]?) {
        guard let names, let first = names.min(by: { $0.precedesInBytes($1) }) else { return }
        findings.append(Finding(code, "\(names.count) \(message)", object: first))
    }
}
