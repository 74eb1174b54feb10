package import Diagnostics
import Files

/// Where the data of a training lie: `train`, and `valid` where there is one, each in JSON lines, CSV or TSV.
package struct DataFolder: Hashable, Sendable {
    package let train: String
    /// Rows that are measured on while training; nil where there are none.
    package let validation: String?

    private static let endings = ["jsonl", "csv", "tsv"]
    private static let validationNames = ["valid", "validation", "dev"]

    /// Looks at `path`, a folder with files of those names, or one file, which is then `train`.
    ///
    /// Throws ``Failure/Code/notFound`` where there is nothing, or nothing to train on in the folder, and ``Failure/Code/usage``
    /// where several files could be meant.
    package init(path: String) throws(Failure) {
        switch try Folder.kind(of: path) {
        case .folder?: break
        case nil: throw Failure(.notFound, "there are no data", path: path)
        default:
            train = path
            validation = nil
            return
        }
        guard let train = try Self.file(["train"], in: path) else {
            throw Failure(
                .notFound, "the folder has no data to train on", path: path,
                expected: "`train.jsonl`, `train.csv` or `train.tsv`",
                hint: "name the file itself, or call it `train.jsonl`")
        }
        self.train = train
        validation = try Self.file(Self.validationNames, in: path)
    }

    /// The file to evaluate on: of a folder `test`, or else `valid`; else what is named.
    ///
    /// Throws ``Failure/Code/notFound`` for a folder that has neither, and ``Failure/Code/usage`` where several files could be
    /// meant.
    package static func evaluationFile(at path: String) throws(Failure) -> String {
        guard try Folder.kind(of: path) == .folder else { return path }
        for names in [["test"], validationNames] {
            if let file = try file(names, in: path) { return file }
        }
        throw Failure(
            .notFound, "the folder has no data to evaluate on", path: path, expected: "test.jsonl or valid.jsonl",
            hint: "name the file itself")
    }

    private static func file(_ names: [String], in folder: String) throws(Failure) -> String? {
        var found: [String] = []
        for name in names {
            for ending in endings {
                let path = Paths.joined(folder, "\(name).\(ending)")
                if try Folder.kind(of: path) != nil { found.append(path) }
            }
        }
        guard found.count <= 1 else {
            throw Failure(
                .usage, "the folder has several such files", path: folder,
                actual: found.map { Paths.lastComponent(of: $0) }.joined(separator: ", "), hint: "name the file itself")
        }
        return found.first
    }
}
