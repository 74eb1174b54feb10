package import Diagnostics
import Files

/// Where the data of a training lie: `train.jsonl`, and `valid.jsonl` and `test.jsonl` where there are such.
package struct DataFolder: Hashable, Sendable {
    package let train: String
    /// Rows that are measured on while training; nil where there are none.
    package let validation: String?
    /// Rows that are measured on at the end; nil where there are none.
    package let test: String?

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
            test = nil
            return
        }
        guard let train = try Self.file("train.jsonl", in: path) else {
            throw Failure(
                .notFound, "the folder has no data to train on", path: path, expected: "`train.jsonl`",
                hint: "name the file itself, or call it `train.jsonl`")
        }
        self.train = train
        validation = try Self.file("valid.jsonl", in: path)
        test = try Self.file("test.jsonl", in: path)
    }

    private static func file(_ name: String, in folder: String) throws(Failure) -> String? {
        let path = Paths.joined(folder, name)
        return try Folder.kind(of: path) == nil ? nil : path
    }
}
