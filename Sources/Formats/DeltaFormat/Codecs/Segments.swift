/// Runs of a plane that each want their own code.
enum Segments {
    /// Below this the table of a zstd block costs more than it gains.
    private static let leastFlushed = 4096
    /// The fewest bytes of a segment that is not its plane's only one. (`Spec/format.md` §3)
    static let least = 1024

    /// Ends of segments, in elements, without those that come too soon after the one before.
    static func merged(_ ends: [Int]) -> [Int] {
        merged(ends, least: leastFlushed)
    }

    private static func merged(_ ends: [Int], least: Int) -> [Int] {
        var merged: [Int] = []
        for end in ends where end - (merged.last ?? 0) >= least { merged.append(end) }
        return merged
    }

    /// Where to look for changes in a plane of which nothing is known.
    static func even(_ byteCount: Int) -> [Int] {
        Array(stride(from: 0, to: byteCount, by: max(4 * least, (byteCount + 31) / 32)).dropFirst())
    }

    /// The lengths of the segments in which `plane` takes the fewest bytes: those that end at `ends`, neighbors joined
    /// as long as that pays.
    static func best(of plane: UnsafeRawBufferPointer, ends: [Int]) -> [Segment] {
        var ends = merged(ends.filter { $0 < plane.count }, least: least)
        if let last = ends.last, plane.count - last < least { ends.removeLast() }
        var start = 0
        var segments: [Segment] = []
        for end in ends + [plane.count] {
            let counts = unsafe Entropy.counts(of: UnsafeRawBufferPointer(rebasing: plane[start..<end]))
            segments.append(Segment(length: end - start, counts: counts))
            start = end
        }
        var joined = zip(segments, segments.dropFirst()).map { $0.joined(with: $1) }
        func gain(_ place: Int) -> Double { segments[place].cost + segments[place + 1].cost - joined[place].cost }
        var gains = joined.indices.map(gain)
        while let place = gains.indices.max(by: { gains[$0] < gains[$1] }), gains[place] > 0 {
            segments.replaceSubrange(place...place + 1, with: [joined[place]])
            joined.remove(at: place)
            gains.remove(at: place)
            for neighbor in [place - 1, place] where joined.indices.contains(neighbor) {
                joined[neighbor] = segments[neighbor].joined(with: segments[neighbor + 1])
                gains[neighbor] = gain(neighbor)
            }
        }
        return segments
    }
}

/// A run of a plane, and how often each byte occurs in it.
struct Segment {
    let length: Int
    let counts: [UInt32]
    /// About how many bits it takes.
    let cost: Double

    init(length: Int, counts: [UInt32]) {
        self.length = length
        self.counts = counts
        let symbols = counts.count { $0 > 0 }
        let states = symbols > 1 ? 128.0 : 0
        // A frequency takes about four and a half bits, and the segment's own record 64.
        cost = 64 + min(Double(8 * length), Entropy.bits(of: counts, together: length) + 4.5 * Double(symbols) + states)
    }

    func joined(with next: Segment) -> Segment {
        Segment(length: length + next.length, counts: zip(counts, next.counts).map { $0 + $1 })
    }
}
