package import Digests

/// What identifies data whatever their file looks like: SHA-256 over the ids and labels of all rows, as `Spec/data.md` has
/// it.
package enum DataDigest {
    private static let domain = "tenon/data/1"

    /// Rows of one kind of question never have the digest of others.
    private static func suffix(of question: Row.Question) -> String {
        switch question {
        case .next: ""
        case .own: "/own"
        case .whole: "/whole"
        }
    }

    package static func of(_ rows: [Row]) -> Digest {
        var hash = SHA256()
        hash.update(domain: domain + (rows.first.map { suffix(of: $0.question) } ?? ""))
        hash.update(UInt64(rows.count))
        for row in rows {
            hash.update(UInt32(row.inputs.count))
            hash.update(ids: row.inputs)
            hash.update(ids: row.labels)
            if row.question == .next { continue }
            hash.update(ids: row.types.isEmpty ? row.inputs.map { _ in 0 } : row.types)
            if case .whole(let target) = row.question { hash.update(target.bitPattern) }
        }
        return hash.finish()
    }
}

extension SHA256 {
    fileprivate mutating func update(ids: [Int32]) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(4 * ids.count)
        for id in ids {
            let value = UInt32(bitPattern: id)
            for shift in [0, 8, 16, 24] as [UInt32] { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
        }
        update(bytes)
    }
}
