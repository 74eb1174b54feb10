import AdapterStore
import ArgumentParser
import Diagnostics
import JSON
import Packaging

/// Which store, and how long to wait for it.
struct StoreOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The store (default: $TENON_STORE, else the user's own).", valueName: "dir"))
    var store: String?

    @Option(help: ArgumentHelp("How many seconds to wait for other processes.", valueName: "seconds"))
    var wait = 10

    func validate() throws {
        if wait < 0 || wait > 86_400 { throw ValidationError("--wait is from 0 to 86400 seconds.") }
    }

    var patience: Int { wait * 1000 }

    func open() throws(Failure) -> AdapterStore {
        try AdapterStore(asked: store, patience: patience)
    }
}

/// Pairs such as `--metadata owner=me`.
enum MetadataPairs {
    static func parse(_ texts: [String]) throws(Failure) -> [(key: String, value: String)] {
        var pairs: [(key: String, value: String)] = []
        for text in texts {
            guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
                throw Failure(.usage, "metadata is given as KEY=VALUE", object: text)
            }
            let pair = (key: String(text[..<equals]), value: String(text[text.index(after: equals)...]))
            guard pair.key.utf8.count <= 1024, pair.value.utf8.count <= 65_535 else {
                throw Failure(
                    .usage, "metadata has keys of up to 1024 bytes and values of up to 65535", object: pair.key)
            }
            pairs.append(pair)
        }
        return pairs
    }
}

extension StoredObject {
    /// One line for people: what it is and how large.
    var summary: String {
        if sort == .checkpoint {
            let kind = baseRoot == nil ? "a checkpoint" : "a checkpoint, as what differs"
            return "\(kind), \(ByteSize.text(inputBytes)) in \(ByteSize.text(storedBytes))"
        }
        let rank = rank.map { " r=\($0)" } ?? ""
        return "\(method)\(rank), \(parameterCount.grouped) parameters, \(ByteSize.text(storedBytes))"
    }

    /// So much of the digest as tells objects apart.
    var shortDigest: String { String("\(digest)".prefix(12)) }
}
