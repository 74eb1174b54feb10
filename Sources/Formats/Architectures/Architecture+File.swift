package import Diagnostics
import Files
import JSON

extension Architecture {
    /// Reads the config at a path: the file itself, or `config.json` in the folder of a model.
    ///
    /// Throws what ``init(_:head:)`` throws, ``Failure/Code/configMissing`` for a folder without one, and what reading and
    /// parsing throw.
    package init(path: String, head: ModelHead? = nil) throws(Failure) {
        let isFolder = try Folder.kind(of: path) == .folder
        let path = isFolder ? Paths.joined(path, "config.json") : path
        do throws(Failure) {
            try self.init(JSONValue.parse(Self.text(path), path: path), head: head)
        } catch {
            if isFolder, error.code == .notFound {
                throw Failure(
                    .configMissing, "the folder has no config.json, which says what kind of model it is", path: path)
            }
            throw error.code == .usage ? error : error.at(path: path)
        }
    }

    private static func text(_ path: String) throws(Failure) -> [UInt8] {
        let file = try InputFile(path: path)
        guard file.size <= JSONLimits.byteCount else {
            throw Failure(.jsonLimit, "the config is too long", path: path)
        }
        return try file.read(at: 0, count: file.size)
    }
}
