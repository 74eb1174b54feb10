import Diagnostics
import Digests
import Files

extension AdapterStore {
    /// So many names and objects a line at most, so that none is too long to be read.
    private static let itemsPerLine = 500

    /// Makes a reflog of what the catalog knows.
    func writeReflogAnew() throws(Failure) {
        let now = Syscalls.realTimeNanoseconds()
        var lines: [ReflogLine] = []
        let objects = try catalog.objects().filter { !$0.method.isEmpty }
        for start in stride(from: 0, to: objects.count, by: Self.itemsPerLine) {
            var line = ReflogLine(generation: 0, time: now)
            for object in objects[start..<min(start + Self.itemsPerLine, objects.count)] {
                let metadata = try catalog.metadata(of: object.row, onlyUsers: true)
                line.puts.append(
                    ReflogLine.Put(
                        object: object.digest, inputBytes: object.inputBytes, origin: object.origin,
                        metadata: metadata.map { ReflogLine.Pair(key: $0.key, value: $0.value) }))
            }
            lines.append(line)
        }
        let names = try catalog.names()
        for start in stride(from: 0, to: names.count, by: Self.itemsPerLine) {
            lines.append(
                ReflogLine(
                    generation: 0, time: now,
                    settings: names[start..<min(start + Self.itemsPerLine, names.count)].map { name in
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
}
