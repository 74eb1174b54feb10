package import Diagnostics
import Files

/// Where the data of a training lie: `train.jsonl`, and `valid.jsonl` where there is one.
package struct DataFolder: Hashable, Sendable {
    package let train: String
    /// Rows that are measured on while training; nil where there are none.
    package let validation: String?

    /// Looks at `path`, a folder with files of those names, or one file, which is then `train`.
    ///
    /// Throws ``Failure/Code/notFound`` where there is nothing, or no `train.jsonl` in the folder.
    package init(path: String) throws(Failure) {
        switch try Folder.kind(of: path) {
        case .folder?: break
        case nil: throw Failure(.notFound, "there are no data", path: path)
        default:
            train = path
            validation = nil
            return
        }
        guard let train = try Self.file("train.jsonl", in: path) else {
            throw Failure(
                .notFound, "the folder has no data to train on", path: path, expected: "`train.jsonl`",
                hint: "name the file itself, or call it `train.jsonl`")
        }
        self.train = train
        validation = try Self.file("valid.jsonl", in: path)
    }

    /// The file to evaluate on: of a folder `test.jsonl`, or else `valid.jsonl`; else what is named.
    ///
    /// Throws ``Failure/Code/notFound`` for a folder that has neither.
    package static func evaluationFile(at path: String) throws(Failure) -> String {
        guard try Folder.kind(of: path) == .folder else { return path }
        for name in ["test.jsonl", "valid.jsonl"] {
            if let file = try file(name, in: path) { return file }
        }
        throw Failure(
            .notFound, "the folder has no data to evaluate on", path: path, expected: "test.jsonl or valid.jsonl",
            hint: "name the file itself")
    }

    private static func file(_ name: String, in folder: String) throws(Failure) -> String? {
        let path = Paths.joined(folder, name)
        return try Folder.kind(of: path) == nil ? nil : path
    }
}
