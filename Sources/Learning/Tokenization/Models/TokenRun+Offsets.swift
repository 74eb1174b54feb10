extension TokenRun {
    /// Turns ranges of bytes of a text into ranges of its characters.
    mutating func countCharacters(of text: String) {
        let bytes = text.utf8Span.span
        var counts: [Int32] = [0]
        counts.reserveCapacity(bytes.count + 1)
        for index in bytes.indices {
            let isLast = index + 1 == bytes.count || bytes[index + 1] & 0xC0 != 0x80
            counts.append(counts[index] + (isLast ? 1 : 0))
        }
        for index in ranges.indices {
            let range = ranges[index].clamped(to: 0..<Int32(truncatingIfNeeded: bytes.count))
            ranges[index] = counts[Int(range.lowerBound)]..<counts[Int(range.upperBound)]
        }
    }

    /// Leaves out of every range the blanks that its token begins and ends with.
    mutating func trim(addsPrefixSpace: Bool) {
        for index in ranges.indices where index < blanks.count && blanks[index] != Blanks() {
            var (start, end) = (ranges[index].lowerBound, ranges[index].upperBound)
            var leading = blanks[index].leading
            if index == 0 || start == 0, addsPrefixSpace, leading == 1 { leading = 0 }
            start = min(start + leading, end)
            let trailing = blanks[index].trailing
            if trailing > 0, end >= trailing { end = max(end - trailing, start) }
            ranges[index] = start..<end
        }
    }
}

extension TokenRun.Blanks {
    /// Those of a token, as white space or as GPT-2's alphabet writes the blank.
    init(of token: String) {
        func isBlank(_ scalar: Unicode.Scalar) -> Bool { scalar == "\u{120}" || scalar.isWhitespace }
        let scalars = token.unicodeScalars
        leading = Int32(truncatingIfNeeded: scalars.prefix(while: isBlank).count)
        trailing = Int32(truncatingIfNeeded: scalars.reversed().prefix(while: isBlank).count)
    }
}
