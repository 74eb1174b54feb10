/// The tokens of a vocabulary as a tree of bytes whose edges are found by a hash.
struct PrefixTree: Sendable {
    /// The token that ends at each node, −1 for none. The first node is the root.
    private var tokens: [Int32] = [-1]
    /// The edge in each slot: node and byte, `empty` for none. A power of two, at most half of them taken.
    private var edges: [UInt64]
    private var children: [Int32]
    private let seed = UInt64.random(in: .min ... .max)

    private static let empty = UInt64.max

    init(of vocabulary: Vocabulary) {
        edges = [UInt64](repeating: Self.empty, count: 1 << 12)
        children = [Int32](repeating: -1, count: 1 << 12)
        vocabulary.forEach { spelling, id in
            guard !spelling.isEmpty else { return }
            var node: Int32 = 0
            for index in spelling.indices { node = insert(spelling[index], below: node) }
            tokens[Int(node)] = id
        }
    }

    /// The node that a text leads to.
    func node(of text: Span<UInt8>) -> Int32? {
        var node: Int32 = 0
        for index in text.indices {
            node = child(of: node, text[index])
            if node < 0 { return nil }
        }
        return node
    }

    /// The longest token at a place, whose bytes follow those that lead to `root`, and where it ends.
    func longestMatch(in text: Span<UInt8>, at start: Int, below root: Int32) -> (token: Int32, end: Int)? {
        var best: (Int32, Int)?
        forEachMatch(in: text, at: start, below: root) { best = ($0, $1) }
        return best
    }

    /// Calls `body` with every token at a place and where it ends, the shortest first.
    func forEachMatch(
        in text: Span<UInt8>, at start: Int, below root: Int32 = 0, _ body: (_ token: Int32, _ end: Int) -> Void
    ) {
        var node = root
        var place = start
        while place < text.count {
            node = child(of: node, text[place])
            if node < 0 { return }
            place += 1
            if tokens[Int(node)] >= 0 { body(tokens[Int(node)], place) }
        }
    }

    private func child(of node: Int32, _ byte: UInt8) -> Int32 {
        let slot = slot(of: Self.key(node, byte))
        return edges[slot] == Self.empty ? -1 : children[slot]
    }

    private mutating func insert(_ byte: UInt8, below node: Int32) -> Int32 {
        let key = Self.key(node, byte)
        var place = slot(of: key)
        if edges[place] == key { return children[place] }
        if 2 * (tokens.count + 1) > edges.count {
            grow()
            place = slot(of: key)
        }
        edges[place] = key
        children[place] = Int32(tokens.count)
        tokens.append(-1)
        return children[place]
    }

    private static func key(_ node: Int32, _ byte: UInt8) -> UInt64 {
        UInt64(UInt32(bitPattern: node)) << 8 | UInt64(byte)
    }

    private func slot(of key: UInt64) -> Int {
        let mask = edges.count - 1
        var place = Int(truncatingIfNeeded: folded(key ^ seed, 0x9E37_79B9_7F4A_7C15)) & mask
        while edges[place] != Self.empty, edges[place] != key { place = (place + 1) & mask }
        return place
    }

    private mutating func grow() {
        let old = (edges, children)
        edges = [UInt64](repeating: Self.empty, count: 2 * old.0.count)
        children = [Int32](repeating: -1, count: 2 * old.0.count)
        for (key, child) in zip(old.0, old.1) where key != Self.empty {
            let place = slot(of: key)
            edges[place] = key
            children[place] = child
        }
    }
}
