package import Diagnostics
import Files

/// From what the user named to the folders meant.
package enum SourcePaths {
    package static func isPattern(_ text: String) -> Bool {
        text.contains("*") || text.contains("?")
    }

    /// Patterns become the paths they match, in the order of their bytes; a path that exists is never a pattern.
    package static func expand(_ sources: [String]) throws(Failure) -> [String] {
        var paths: [String] = []
        for source in sources {
            if isPattern(source), try Folder.kind(of: source) == nil {
                let matches = try matches(of: source)
                guard !matches.isEmpty else { throw Failure(.notFound, "the pattern matches no folder", path: source) }
                paths += matches
            } else {
                paths.append(source)
            }
        }
        return paths
    }

    /// Where each goes: its folder's name with `.tenon`, which no two may share.
    package static func outputs(for paths: [String], in folder: String) throws(Failure) -> [String] {
        var owners: [String: String] = [:]
        var targets: [String] = []
        for path in paths {
            let name = Paths.lastComponent(of: try Folder.resolved(path)) + ".tenon"
            if let other = owners.updateValue(path, forKey: name) {
                throw Failure(.usage, "\(other) and \(path) would both become \(name)", hint: "pack them one by one")
            }
            targets.append(Paths.joined(folder, name))
        }
        return targets
    }

    /// The snapshot that the main branch of a Hugging Face cache folder points to; other paths as they are.
    package static func resolveCache(_ path: String) throws(Failure) -> String {
        let reference = Paths.joined(path, "refs/main")
        guard try Folder.kind(of: path) == .folder, try Folder.kind(of: reference) == .file, try Folder.kind(of: Paths.joined(path, "snapshots")) == .folder
        else { return path }
        let file = try InputFile(path: reference)
        let bytes = try file.read(at: 0, count: min(file.size, 256))
        let revision = String(decoding: bytes.prefix { $0 > 0x20 && $0 != UInt8(ascii: "/") }, as: UTF8.self)
        return Paths.joined(Paths.joined(path, "snapshots"), revision)
    }

    /// Folders whose path matches, component by component; `*` is any run of characters, `?` any one, neither a slash.
    private static func matches(of pattern: String) throws(Failure) -> [String] {
        var paths = [pattern.hasPrefix("/") ? "/" : ""]
        for component in pattern.split(separator: "/") {
            var next: [String] = []
            for path in paths {
                let parent = path.isEmpty ? "." : path
                if !isPattern(String(component)) {
                    let child = Paths.joined(path, String(component))
                    if try Folder.kind(of: child) != nil { next.append(child) }
                    continue
                }
                guard try Folder.kind(of: parent) == .folder else { continue }
                for entry in try Folder.entries(of: parent)
                where entry.kind == .folder && !entry.name.hasPrefix(".")
                    && matches(Array(entry.name.utf8)[...], Array(component.utf8)[...])
                {
                    next.append(path.isEmpty ? entry.name : Paths.joined(path, entry.name))
                }
            }
            paths = next
        }
        return paths
    }

    /// Whether all of `name` matches; the last star met is the only one that ever has to be tried again.
    private static func matches(_ name: ArraySlice<UInt8>, _ pattern: ArraySlice<UInt8>) -> Bool {
        var name = name
        var pattern = pattern
        var retry: (name: ArraySlice<UInt8>, pattern: ArraySlice<UInt8>)?
        while true {
            if pattern.first == UInt8(ascii: "*") {
                pattern = pattern.dropFirst()
                retry = (name, pattern)
            } else if let byte = name.first, let wanted = pattern.first, wanted == byte || wanted == UInt8(ascii: "?") {
                name = name.dropFirst()
                pattern = pattern.dropFirst()
            } else if name.isEmpty && pattern.isEmpty {
                return true
            } else if let last = retry, !last.name.isEmpty {
                name = last.name.dropFirst()
                pattern = last.pattern
                retry = (name, pattern)
            } else {
                return false
            }
        }
    }
}
