package import Adapters
package import Diagnostics
package import Files
import Checkpoints
import JSON
import Tensors

/// A folder that Hugging Face PEFT wrote.
package enum PEFTFolder {
    package static let configName = "adapter_config.json"
    package static let weightsName = "adapter_model.safetensors"
    package static let pickleName = "adapter_model.bin"
}

/// What was read from a folder.
package struct PEFTImport: Sendable {
    /// The adapter with its files as entries of kind `file`; its tensors are read when they are asked for.
    package let adapter: Adapter
    package let findings: [Finding]
    /// The names of what lies in the folder and was left out.
    package let skipped: [String]
    /// All that the adapter reads from, so that a caller can see in the end that nothing was changed meanwhile.
    package let files: [InputFile]

    /// Throws ``Failure/Code/changedDuringRead`` where a file is no longer what it was.
    package func checkUnchanged() throws(Failure) {
        for file in files { try file.checkUnchanged() }
    }
}

extension PEFTFolder {
    /// Reads the folder at `path`; symbolic links are followed.
    ///
    /// Throws ``Failure/Code/notAnAdapter`` saying what the path is instead, ``Failure/Code/configMissing``,
    /// ``Failure/Code/weightsMissing``, ``Failure/Code/configInvalid``, ``Failure/Code/unknownKey``, the codes of the
    /// rules of kinds, and those of the readers of JSON and safetensors.
    package static func read(_ path: String) throws(Failure) -> PEFTImport {
        let listing = try FolderListing(path)
        let configFile = try InputFile(path: Paths.joined(path, configName))
        guard configFile.size <= JSONLimits.byteCount else {
            throw Failure(
                .jsonLimit, "the config is too large", path: configFile.path,
                expected: "at most \(JSONLimits.byteCount) bytes", actual: "\(configFile.size)")
        }
        let config = try PEFTConfig(
            parsing: try configFile.read(at: 0, count: configFile.size), path: configFile.path)
        let weights = try WeightsFile(InputFile(path: Paths.joined(path, listing.weights)))
        do throws(Failure) {
            return try read(listing, config, configFile, weights)
        } catch {
            throw error.at(path: weights.file.path)
        }
    }

    private static func read(
        _ listing: FolderListing, _ config: PEFTConfig, _ configFile: InputFile, _ weights: WeightsFile
    ) throws(Failure) -> PEFTImport {
        let parameters = config.parameters
        try config.peft?.method.validate(parameters)
        let assembly = try PEFTAssembly(weights.tensors, config: config, parameters: parameters)
        var adapter = Adapter(method: config.methodWord, parameters: parameters, entries: assembly.entries)
        if let name = config.value("base_model_name_or_path")?.string {
            adapter.metadata["base"] = name
        }
        var findings = listing.findings + assembly.findings
        findings += try config.peft?.method.check(adapter) ?? []
        findings += try Traps.find(in: adapter)

        var files = [configFile, weights.file]
        adapter.entries.append(try weights.fileEntry(for: adapter))
        adapter.entries.append(verbatim(configFile, name: configName))
        for name in listing.others {
            let file = try InputFile(path: Paths.joined(listing.path, name))
            files.append(file)
            adapter.entries.append(verbatim(file, name: name))
        }
        adapter.entries.sort { $0.key < $1.key }
        return PEFTImport(adapter: adapter, findings: findings, skipped: listing.skipped, files: files)
    }

    private static func verbatim(_ file: InputFile, name: String) -> AdapterEntry {
        AdapterEntry(
            key: EntryKey(name, .file),
            tensors: file.size == 0 ? [] : [RoleTensor(.value, FileBytes(file))])
    }
}
