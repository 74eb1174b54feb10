import Diagnostics
import Files
import JSON

/// What of a folder is the model's weights, what goes along with them and what stays.
struct CheckpointListing {
    static let usualName = "model.safetensors"
    static let usualIndexName = "model.safetensors.index.json"
    static let configName = "config.json"
    private static let quantizationName = "hf_quant_config.json"

    let folder: any FolderContent
    let index: ShardIndex?
    /// The files of weights, relative to the folder, in the order of their names' bytes.
    let weights: [String]
    let companions: [String]
    private(set) var findings: [Finding] = []

    /// Throws as ``Checkpoint/init(path:)`` does.
    init(_ folder: any FolderContent) throws(Failure) {
        self.folder = folder
        let path = folder.path
        let entries = try folder.entries()
        let names = entries.filter { $0.kind == .file && !$0.name.hasPrefix(".") }.map(\.name)
        let index = try Self.indexName(names, path: path).map { name throws(Failure) in
            try ShardIndex(name, in: folder)
        }
        if let index, index.shardNames.contains(Self.usualName) || !names.contains(Self.usualName) {
            self.index = index
            weights = index.shardNames
        } else {
            self.index = nil
            weights = [try Self.singleFile(names, path: path)]
            if let index {
                findings.append(
                    Finding(
                        "two-weights", "loaders read \(Self.usualName) where it is there, and so not what this names",
                        object: index.name))
            }
        }
        let isWeights = Set(weights)
        let used = self.index?.name
        // An index of other files would only mislead.
        companions = names.filter {
            !isWeights.contains($0) && !Self.isOtherWeights($0)
                && ($0 == used || !$0.hasSuffix(".safetensors.index.json"))
        }
        let skipped = entries.map(\.name).filter { name in
            !name.hasPrefix(".") && !isWeights.contains(name) && !companions.contains(name)
                && !isWeights.contains { $0.hasPrefix(name + "/") }
        }
        if let first = skipped.first {
            let names = skipped.prefix(8).joined(separator: ", ") + (skipped.count > 8 ? ", …" : "")
            findings.append(Finding("file-skipped", "\(skipped.count) left out: \(names)", object: first))
        }
    }

    /// What `config.json` says; a config that cannot be read is a finding, for no tensor depends on it.
    func readConfig() -> (ModelConfig, Finding?) {
        guard companions.contains(Self.configName) else { return (ModelConfig(), nil) }
        do throws(Failure) {
            var config = try ModelConfig(folder.file(named: Self.configName))
            if config.quantization == nil, companions.contains(Self.quantizationName) {
                config.quantization = try ModelConfig.quantization(
                    folder.file(named: Self.quantizationName))
            }
            return (config, nil)
        } catch {
            return (ModelConfig(), Finding("config-unread", "the model's config was not understood: \(error)"))
        }
    }

    // MARK: Which files

    private static func indexName(_ names: [String], path: String) throws(Failure) -> String? {
        if names.contains(usualIndexName) { return usualIndexName }
        let indexes = names.filter { $0.hasSuffix(".safetensors.index.json") }
        guard indexes.count < 2 || names.contains(usualName) else {
            throw Failure(
                .baseAmbiguous, "the folder has several indexes of shards", object: indexes[1], path: path,
                hint: "move those away that are not meant")
        }
        return indexes.count == 1 ? indexes[0] : nil
    }

    /// The one file of weights of a folder without an index.
    private static func singleFile(_ names: [String], path: String) throws(Failure) -> String {
        if names.contains(usualName) { return usualName }
        let files = names.filter { $0.hasSuffix(".safetensors") }
        if names.contains("adapter_config.json") || names.contains("adapter_model.safetensors") {
            throw Failure(
                .notACheckpoint, "this is no whole model but an adapter", path: path,
                hint: "name the model it was made for")
        }
        guard let file = files.first else {
            throw notACheckpoint("there are no safetensors files in the folder", names, path: path)
        }
        guard files.count == 1, !file.contains("-of-") else {
            throw Failure(
                .baseAmbiguous, "the folder has shards and no index that says what belongs together", object: file,
                path: path, hint: "get \(usualIndexName) as well, or name one file")
        }
        return file
    }

    /// Throws ``Failure/Code/notACheckpoint`` for a file that by its name is of another format.
    static func checkFile(_ path: String) throws(Failure) {
        let name = Paths.lastComponent(of: path)
        if name.hasSuffix(".index.json") {
            throw Failure(
                .notACheckpoint, "this is an index of shards", path: path, hint: "name the folder it lies in")
        }
        if isOtherWeights(name), !name.hasSuffix(".safetensors") {
            throw notACheckpoint("this is no safetensors file", [name], path: path)
        }
    }

    private static func notACheckpoint(_ what: String, _ names: [String], path: String) -> Failure {
        let failure = Failure(.notACheckpoint, what, path: path)
        if names.contains(where: { $0.hasSuffix(".gguf") }) {
            return failure.hint("a GGUF file is another base than the model it was made of: use that model")
        }
        if names.contains(where: { $0.hasPrefix("pytorch_model") || $0.hasSuffix(".bin") || $0.hasSuffix(".pth") }) {
            return failure.hint("save the model as safetensors: model.save_pretrained(folder, safe_serialization=True)")
        }
        return failure.hint("a model's folder holds \(usualName), or shards and \(usualIndexName)")
    }

    /// Whether the file holds weights of another format or for another purpose, which do not go along.
    private static func isOtherWeights(_ name: String) -> Bool {
        let endings = [
            ".safetensors", ".bin", ".bin.index.json", ".pt", ".pth", ".ckpt", ".gguf", ".ggml", ".h5",
            ".h5.index.json",
            ".msgpack", ".msgpack.index.json", ".onnx", ".onnx_data", ".ot", ".npz", ".tflite", ".pkl", ".pickle",
            ".mlmodel",
        ]
        return endings.contains { name.hasSuffix($0) }
    }
}
