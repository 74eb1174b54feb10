/// Strings of bytes in a tree, to find the longest that begins at a place of a text.
struct TokenTrie: Sendable {
    private struct Node {
        let byte: UInt8
        var token: Int32 = -1
        var firstChild: Int32 = -1
        var nextSibling: Int32 = -1
    }

    /// The first is the root.
    private var nodes = [Node(byte: 0)]
    /// The child of the root by its byte, −1 for none.
    private var first = [Int32](repeating: -1, count: 256)

    var isEmpty: Bool { nodes.count == 1 }

    /// `spelling` is not empty; of two that are equal the first stays.
    mutating func insert(_ spelling: some Sequence<UInt8>, token: Int32) {
        var node = 0
        for byte in spelling {
            if let child = child(of: node, byte) {
                node = child
                continue
            }
            var new = Node(byte: byte)
            new.nextSibling = nodes[node].firstChild
            nodes[node].firstChild = Int32(nodes.count)
            if node == 0 { first[Int(byte)] = Int32(nodes.count) }
            node = nodes.count
            nodes.append(new)
        }
        if nodes[node].token < 0 { nodes[node].token = token }
    }

    /// The token of the longest string that begins at `start`, and where it ends.
    func longestMatch(in text: Span<UInt8>, at start: Int) -> (token: Int32, end: Int)? {
        var node = Int(first[Int(text[start])])
        var place = start + 1
        var best: (Int32, Int)?
        while node >= 0 {
            if nodes[node].token >= 0 { best = (nodes[node].token, place) }
            guard place < text.count, let child = child(of: node, text[place]) else { break }
            node = child
            place += 1
        }
        return best
    }

    private func child(of node: Int, _ byte: UInt8) -> Int? {
        if node == 0 { return first[Int(byte)] < 0 ? nil : Int(first[Int(byte)]) }
        var child = nodes[node].firstChild
        while child >= 0 {
            if nodes[Int(child)].byte == byte { return Int(child) }
            child = nodes[Int(child)].nextSibling
        }
        return nil
    }
}
