import Diagnostics
import Digests
import Files

extension AdapterStore {
    /// So many names a line at most.
    private static let namesPerLine = 500
    /// A line is as long as this, or holds one thing alone.
    private static let bytesPerLine = 1 << 20

    /// Makes a reflog of what the catalog knows.
    func writeReflogAnew() throws(Failure) {
        let now = Syscalls.realTimeNanoseconds()
        var lines: [ReflogLine] = []
        var size = 0
        for object in try catalog.objects() where !object.method.isEmpty {
            for put in try puts(of: object) {
                let length = ReflogLine(generation: 0, time: now, puts: [put]).text.utf8.count
                if lines.isEmpty || size + length > Self.bytesPerLine {
                    lines.append(ReflogLine(generation: 0, time: now))
                    size = 0
                }
                lines[lines.count - 1].puts.append(put)
                size += length
            }
        }
        let names = try catalog.names()
        for start in stride(from: 0, to: names.count, by: Self.namesPerLine) {
            lines.append(
                ReflogLine(
                    generation: 0, time: now,
                    settings: names[start..<min(start + Self.namesPerLine, names.count)].map { name in
                        ReflogLine.Setting(name: name.name, object: name.digest)
                    }))
        }
        // The last one is the catalog's own generation, which grows where there are more lines than that.
        let generation = max(try catalog.generation(), lines.count)
        try catalog.connection.transaction { () throws(Failure) in
            try catalog.connection.execute("UPDATE state SET generation = ?", [.integer(generation)])
            try catalog.connection.execute("DELETE FROM outbox")
        }
        for index in lines.indices { lines[index].generation = generation - lines.count + 1 + index }
        try reflog.replace(with: lines)
    }

    /// What the user said of an object, in several puts where it was said in many.
    private func puts(of object: StoredObject) throws(Failure) -> [ReflogLine.Put] {
        var puts = [
            ReflogLine.Put(object: object.digest, inputBytes: object.inputBytes, origin: object.origin)
        ]
        var size = 0
        for (key, value) in try catalog.metadata(of: object.row, onlyUsers: true) {
            let length = key.utf8.count + value.utf8.count
            // In JSON a byte may take six.
            if size + length > Self.bytesPerLine / 6, size > 0 {
                var next = puts[puts.count - 1]
                next.metadata = []
                puts.append(next)
                size = 0
            }
            puts[puts.count - 1].metadata.append(ReflogLine.Pair(key: key, value: value))
            size += length
        }
        return puts
    }
}
