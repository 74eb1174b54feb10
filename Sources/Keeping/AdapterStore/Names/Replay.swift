import Diagnostics
import Digests

/// What the lines of a reflog come to.
struct Replay {
    struct Standing: Hashable {
        var object: Digest
        var generation: Int
        var time: Int64
    }

    private(set) var names: [StoreName: Standing] = [:]
    /// What users said of the objects; of one that was put twice, the later goes before.
    private(set) var puts: [Digest: ReflogLine.Put] = [:]
    /// When something was done with an object last.
    private(set) var used: [Digest: Int64] = [:]

    mutating func take(_ lines: [ReflogLine]) {
        for line in lines { take(line) }
    }

    private mutating func take(_ line: ReflogLine) {
        for put in line.puts {
            var merged = put
            let earlier = puts[put.object]?.metadata ?? []
            if let before = puts[put.object], put.origin == "tenon" {
                merged.origin = before.origin
                merged.inputBytes = before.inputBytes
            }
            merged.metadata = earlier.filter { old in !put.metadata.contains { $0.key == old.key } } + put.metadata
            puts[put.object] = merged
            used[put.object] = line.time
        }
        for setting in line.settings {
            if let earlier = names[setting.name] { used[earlier.object] = line.time }
            if let object = setting.object {
                names[setting.name] = Standing(object: object, generation: line.generation, time: line.time)
                used[object] = line.time
            } else {
                names[setting.name] = nil
            }
        }
    }

    /// Whether the catalog has the same names for the same objects, and knows nothing of what went in that this lacks.
    func agrees(with catalog: Catalog) throws(Failure) -> Bool {
        let list = try catalog.names()
        guard list.count == names.count, list.allSatisfy({ names[$0.name]?.object == $0.digest }) else { return false }
        guard try catalog.objectsOfOtherFormats().allSatisfy({ puts[$0] != nil }) else { return false }
        return try catalog.usersMetadata().allSatisfy { said in
            puts[said.object]?.metadata.contains(said.pair) == true
        }
    }
}
