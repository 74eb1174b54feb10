import Files
import JSON
import Support
import Testing

extension HostileCase {
    /// A store in `folder` with one adapter, named `a`, and what the record has under `store` done to its files; nil where it
    /// has nothing there.
    func store(in folder: TemporaryFolder) throws -> String? {
        guard let changes = record["store"]?.object else { return nil }
        let store = try StoreFixture(in: folder)
        let digest = try store.add("ia3", as: "a")
        for (name, change) in changes.members {
            let path = name == "OBJECT" ? store.object(digest) : store(name)
            if change.isNull {
                try Folder.remove(path)
                continue
            }
            var bytes: [UInt8] = try exists(path) ? contents(of: path) : []
            let given = try Self.bytes(hexadecimal: change["hex"]?.string ?? "")
            if let count = change["cut"]?.int {
                bytes.removeLast(count)
            } else if let start = change["at"]?.int {
                bytes.replaceSubrange(start..<start + given.count, with: given)
            } else {
                bytes = given
            }
            if try !exists(Paths.parent(of: path)) { try Folder.make(Paths.parent(of: path)) }
            try writeFile(bytes, to: path)
        }
        return store.path
    }
}
