import Digests
import Testing

@Suite("Merkle trees") struct MerkleTreeTests {
    /// The leaves of the test tree that implementations of certificate transparency share.
    private static let inputs: [String] = [
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
    ]

    /// Its roots over the first 0, 1, 2, … leaves.
    private static let roots: [String] = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ]

    private static func leaf(_ hexadecimal: String) -> Digest {
        let digits = hexadecimal.utf8.map { $0 > 0x60 ? $0 - 0x57 : $0 - 0x30 }
        return SHA256.hash([0] + stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] })
    }

    @Test("have the roots that certificate transparency knows", arguments: 0...8)
    func known(count: Int) {
        let leaves = Self.inputs.prefix(count).map(Self.leaf)
        #expect(MerkleTree.root(of: leaves).description == Self.roots[count])
    }

    /// The definition as it stands in RFC 6962.
    private static func root(_ leaves: ArraySlice<Digest>) -> Digest {
        guard leaves.count > 1 else { return leaves.first ?? SHA256.hash([]) }
        var split = 1
        while split * 2 < leaves.count { split *= 2 }
        let middle = leaves.startIndex + split
        return MerkleTree.node(root(leaves[..<middle]), root(leaves[middle...]))
    }

    @Test("are split where the definition splits them")
    func definition() {
        var tree = MerkleTree()
        var leaves: [Digest] = []
        for count in 0...200 {
            #expect(tree.count == count && tree.root == Self.root(leaves[...]))
            leaves.append(SHA256.hash([UInt8(count)]))
            tree.append(leaves[count])
        }
    }
}
