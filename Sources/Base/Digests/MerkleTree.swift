/// The root over a list of leaves, in the shape of RFC 6962, section 2.1.
///
/// `root() = SHA-256("")`, `root(x) = x`, `root(D) = SHA-256(01 ‖ root(D[0..<k]) ‖ root(D[k...]))` with k the largest
/// power of two below the count. Leaves come as digests; whoever makes them hashes a first byte 00, so that no leaf
/// can stand for a node.
package struct MerkleTree: Sendable {
    /// The roots of whole subtrees that are not joined yet, the largest first: one for every bit of the count.
    private var peaks: [Digest] = []
    package private(set) var count = 0

    package init() {}

    /// The root over `leaves`.
    package static func root(of leaves: [Digest]) -> Digest {
        var tree = MerkleTree()
        for leaf in leaves { tree.append(leaf) }
        return tree.root
    }

    /// Adds a leaf after all others.
    package mutating func append(_ leaf: Digest) {
        var digest = leaf
        var bits = count
        while bits & 1 == 1, let left = peaks.popLast() {
            digest = Self.node(left, digest)
            bits >>= 1
        }
        peaks.append(digest)
        count += 1
    }

    /// The root over the leaves so far.
    package var root: Digest {
        guard var root = peaks.last else { return SHA256.hash([]) }
        for left in peaks.dropLast().reversed() { root = Self.node(left, root) }
        return root
    }

    /// `SHA-256(01 ‖ left ‖ right)`.
    package static func node(_ left: Digest, _ right: Digest) -> Digest {
        SHA256.hash([1] + left.bytes + right.bytes)
    }
}
