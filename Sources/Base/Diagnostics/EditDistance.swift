extension String {
    /// How many bytes must be put in, taken out or replaced to make `other` of this; both are cut at 128 bytes.
    package func editDistance(to other: String) -> Int {
        let a = Array(utf8.prefix(128))
        let b = Array(other.utf8.prefix(128))
        var row = Array(0...b.count)
        for (i, byte) in a.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, otherByte) in b.enumerated() {
                let cost = byte == otherByte ? diagonal : Swift.min(diagonal, row[j], row[j + 1]) + 1
                diagonal = row[j + 1]
                row[j + 1] = cost
            }
        }
        return row[b.count]
    }
}
