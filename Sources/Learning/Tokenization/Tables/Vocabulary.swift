import Diagnostics

/// The tokens of a model as its file spells them, and their ids.
struct Vocabulary: Sendable {
    private var spellings = ByteStringTable()
    /// The id of each spelling, in the order of the file.
    private var ids: [Int32] = []
    /// The spelling of each id, −1 for an id of no token.
    private var places: [Int32] = []

    /// How many tokens there are.
    var count: Int { ids.count }
    /// One more than the largest id.
    var idCount: Int { places.count }

    /// Throws ``Failure/Code/tokenizerInvalid`` for an id that another token has. `id` is within ``TokenizerLimits``.
    mutating func insert(_ token: String, id: Int) throws(Failure) {
        let (index, isNew) = spellings.insert(token.utf8Span.span)
        guard isNew else { throw Failure(.tokenizerInvalid, "the vocabulary has a token twice", object: token) }
        while places.count <= id { places.append(-1) }
        guard places[id] < 0 else {
            throw Failure(.tokenizerInvalid, "two tokens have the same id", object: token, actual: "\(id)")
        }
        places[id] = Int32(index)
        ids.append(Int32(id))
    }

    func id(of spelling: Span<UInt8>) -> Int32? {
        spellings.index(of: spelling).map { ids[$0] }
    }

    func id(of token: String) -> Int32? { id(of: token.utf8Span.span) }

    /// Calls `body` with every token and its id, in the order of the file.
    func forEach(_ body: (Span<UInt8>, Int32) -> Void) {
        for (index, id) in ids.enumerated() { spellings.withString(index) { body($0, id) } }
    }

    func token(for id: Int32) -> String? {
        guard id >= 0, Int(id) < places.count, case let place = places[Int(id)], place >= 0 else { return nil }
        return String(decoding: spellings[Int(place)], as: UTF8.self)
    }
}
