/// Paths taken apart and put together as text, the kernel unasked.
package enum Paths {
    /// `name` inside `folder`; `name` alone where it is absolute or `folder` is empty.
    package static func joined(_ folder: String, _ name: String) -> String {
        if folder.isEmpty || name.utf8.first == UInt8(ascii: "/") { return name }
        return folder.utf8.last == UInt8(ascii: "/") ? folder + name : folder + "/" + name
    }

    /// The name a path ends with: "c" of "a/b/c" and of "a/b/c/"; empty for "/" and "".
    package static func lastComponent(of path: String) -> String {
        let trimmed = withoutTrailingSlashes(path)
        return String(trimmed.utf8.suffix(trimmed.utf8.count - endOfFolder(trimmed))) ?? ""
    }

    /// The folder a path lies in: "a/b" of "a/b/c", "." of "c", "/" of "/c" and of "/".
    package static func parent(of path: String) -> String {
        let trimmed = withoutTrailingSlashes(path)
        let end = endOfFolder(trimmed)
        if end == 0 { return trimmed.isEmpty && !path.isEmpty ? "/" : "." }
        let folder = withoutTrailingSlashes(String(trimmed.utf8.prefix(end)) ?? "")
        return folder.isEmpty ? "/" : folder
    }

    /// Whether two paths are the same text but for slashes at their ends.
    package static func areSame(_ a: String, _ b: String) -> Bool {
        withoutTrailingSlashes(a) == withoutTrailingSlashes(b)
    }

    /// `path` without the slashes at its end; empty for "/".
    static func withoutTrailingSlashes(_ path: String) -> String {
        var text = path
        while text.utf8.last == UInt8(ascii: "/") { text.unicodeScalars.removeLast() }
        return text
    }

    /// How many bytes of `path` lie before its last component.
    private static func endOfFolder(_ path: String) -> Int {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return 0 }
        return path.utf8.distance(from: path.utf8.startIndex, to: slash) + 1
    }

    /// A hidden name beside `path` that nobody else uses: `.NAME.tenon-PID-RANDOM`, with NAME cut where it is long.
    static func temporary(beside path: String, process: Int32) -> String {
        var name = ""
        for character in lastComponent(of: path).unicodeScalars {
            guard name.utf8.count < 150 else { break }
            name.unicodeScalars.append(character)
        }
        let random = String(UInt64.random(in: .min ... .max), radix: 36)
        return joined(parent(of: path), ".\(name).tenon-\(process)-\(random)")
    }
}
