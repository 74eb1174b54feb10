/// How much memory this process may have in all.
package enum MachineMemory {
    /// What the machine has, or less where the process's control group is allowed less.
    package static var bytes: Int {
        let membership = text(of: "/proc/self/cgroup") ?? ""
        return min(Syscalls.physicalMemory, groupLimit(membership, at: "/sys/fs/cgroup") ?? .max)
    }

    /// The least that a control group of Linux, or one that it is part of, is allowed; nil where none has a limit.
    ///
    /// - Parameters:
    ///   - membership: The lines of `/proc/self/cgroup`: a number, controllers, the group's path, with colons between. A line
    ///     without controllers is of version 2.
    ///   - root: Where the groups are mounted.
    package static func groupLimit(_ membership: String, at root: String) -> Int? {
        var limits: [Int] = []
        for line in membership.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            let isSecond = parts[1].isEmpty
            guard isSecond || parts[1].split(separator: ",").contains("memory") else { continue }
            let folder = isSecond ? root : Paths.joined(root, "memory")
            let name = isSecond ? "memory.max" : "memory.limit_in_bytes"
            // In a container the path may be the host's: then the root is the group's own.
            var components = parts[2].split(separator: "/")
            while true {
                let place = ([Substring(folder)] + components + [Substring(name)]).joined(separator: "/")
                if let limit = text(of: place)?.split(separator: "\n").first.flatMap({ Int($0) }) {
                    limits.append(limit)
                }
                if components.popLast() == nil { break }
            }
        }
        return limits.min()
    }

    /// What a small file of the system's says; its size is not known before.
    private static func text(of path: String) -> String? {
        guard let descriptor = try? Syscalls.openForReading(path) else { return nil }
        defer { try? Syscalls.close(descriptor, path: path) }
        var bytes = [UInt8](repeating: 0, count: 1 << 14)
        let count = try? unsafe bytes.withUnsafeMutableBytes { buffer throws(Errno) in
            try unsafe Syscalls.read(descriptor, into: buffer, path: path)
        }
        return count.map { String(decoding: bytes[..<$0], as: UTF8.self) }
    }
}
