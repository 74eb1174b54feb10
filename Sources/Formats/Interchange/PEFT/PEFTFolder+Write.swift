package import Adapters
package import Diagnostics
package import Files
package import Parallelism
import Checkpoints
import JSON
import Tensors

extension PEFTFolder {
    /// Writes an adapter as PEFT would have; the caller commits the folder.
    ///
    /// Where the adapter holds the original files (kind `file`) they come out byte for byte. Without them, or with
    /// `ignoringOriginal`, config and keys are made again from what the adapter means.
    ///
    /// - Parameters:
    ///   - observing: Makes what sees the blocks of the safetensors file.
    /// - Returns: What could not be kept.
    ///
    /// Throws ``Failure/Code/notExportable`` for what PEFT cannot hold, ``Failure/Code/configConflict`` as
    /// ``checkConflict(_:)`` does, ``Failure/Code/duplicate`` and ``Failure/Code/kindShape`` for files that get in each
    /// other's way, and what reading and writing throw.
    @discardableResult
    package static func write(
        _ adapter: Adapter, to folder: OutputFolder, lanes: Lanes, observing: BlockObserving? = nil,
        ignoringOriginal: Bool = false
    ) throws(Failure) -> [Finding] {
        let files = try files(of: adapter)
        let original = ignoringOriginal ? nil : files.weights
        try checkDistinct(files.verbatim, isSpliced(original) ? original?.key.target ?? weightsName : weightsName)
        if !ignoringOriginal { try checkConflict(adapter) }
        var hasConfig = false
        for entry in files.verbatim {
            if entry.key.target == configName {
                if ignoringOriginal { continue }
                hasConfig = true
            }
            try copy(entry, to: folder)
        }
        if !hasConfig { try write(PEFTConfig.bytes(for: adapter), to: folder, name: configName) }
        if let original, isSpliced(original) {
            try SplicedFile.write(original, of: adapter, to: folder)
            return []
        }
        return try WeightsOutput(adapter, original: original).write(to: folder, lanes: lanes, observing: observing)
    }

    /// The names of the files that ``write(_:to:lanes:observing:ignoringOriginal:)`` makes, sorted.
    package static func fileNames(of adapter: Adapter, ignoringOriginal: Bool = false) -> [String] {
        var names: Set<String> = [configName]
        var weights = weightsName
        for entry in adapter.entries where entry.key.kind == .file {
            switch entry.parameters["layout"]?.string {
            case "splice"?: if !ignoringOriginal { weights = entry.key.target }
            case "safetensors"?: break
            default: names.insert(entry.key.target)
            }
        }
        names.insert(weights)
        return names.sorted { $0.precedesInBytes($1) }
    }

    /// The files as they are, and the one that the tensors go into; refuses with ``Failure/Code/kindShape`` two of those.
    private static func files(
        of adapter: Adapter
    ) throws(Failure) -> (verbatim: [AdapterEntry], weights: AdapterEntry?) {
        var verbatim: [AdapterEntry] = []
        var weights: AdapterEntry?
        for entry in adapter.entries where entry.key.kind == .file {
            try checkName(entry.key.target)
            if entry.parameters["layout"]?.string ?? "verbatim" == "verbatim" {
                verbatim.append(entry)
            } else if weights == nil {
                weights = entry
            } else {
                throw Failure(.kindShape, "two files for one adapter's tensors", object: entry.key.target)
            }
        }
        return (verbatim, weights)
    }

    /// Refuses with ``Failure/Code/duplicate`` two files of one name, also those that are made anew.
    private static func checkDistinct(_ verbatim: [AdapterEntry], _ weights: String) throws(Failure) {
        var seen: Set<[UInt8]> = [Array(weights.utf8)]
        let names = weights == configName ? [weights] : verbatim.map(\.key.target)
        for name in names where !seen.insert(Array(name.utf8)).inserted {
            throw Failure(.duplicate, "two files of one name", object: name)
        }
    }

    private static func isSpliced(_ entry: AdapterEntry?) -> Bool {
        entry?.parameters["layout"]?.string == "splice"
    }

    /// A file's name is one component: a container from elsewhere must not reach out of the folder.
    private static func checkName(_ name: String) throws(Failure) {
        guard !name.isEmpty, name != ".", name != "..", !name.utf8.contains(UInt8(ascii: "/")), !name.utf8.contains(0)
        else { throw Failure(.badName, "not a name for a file in a folder", object: name) }
    }

    private static func copy(_ entry: AdapterEntry, to folder: OutputFolder) throws(Failure) {
        let file = try folder.file(named: entry.key.target)
        if let source = entry[.value] { try SplicedFile.copy(source, 0..<source.byteCount, to: file) }
        try file.commit()
    }

    private static func write(_ bytes: [UInt8], to folder: OutputFolder, name: String) throws(Failure) {
        let file = try folder.file(named: name)
        try unsafe file.write(bytes.span.bytes)
        try file.commit()
    }

    // MARK: Conflicts

    /// Refuses with ``Failure/Code/configConflict`` an adapter whose stored config says something else than its method and
    /// parameters do, naming the key. An adapter without a stored config has no conflict.
    package static func checkConflict(_ adapter: Adapter) throws(Failure) {
        guard let entry = adapter.entries.first(where: { $0.key.kind == .file && $0.key.target == configName }) else {
            return
        }
        let bytes = try entry[.value]?.readAll(atMost: JSONLimits.byteCount, of: configName) ?? []
        let config = try PEFTConfig(parsing: bytes, path: configName)
        guard config.methodWord == adapter.method else {
            throw conflict("peft_type", stored: .string(config.methodWord), meant: .string(adapter.method))
        }
        let stored = config.parameters
        for member in stored.members where adapter.parameters[member.key] != member.value {
            throw conflict(member.key, stored: member.value, meant: adapter.parameters[member.key])
        }
        for member in adapter.parameters.members where stored[member.key] == nil {
            throw conflict(member.key, stored: nil, meant: member.value)
        }
    }

    private static func conflict(_ key: String, stored: ParameterValue?, meant: ParameterValue?) -> Failure {
        Failure(
            .configConflict, "the stored config contradicts the parameters", object: key, path: configName,
            expected: meant?.summary ?? "none", actual: stored?.summary ?? "none",
            hint: "the container was changed by hand or damaged before it was packed")
    }
}
