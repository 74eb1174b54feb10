package import Kernels

/// Keys and values of the tokens that have gone through a model, so that those after them look at these instead of going
/// through it again with them.
///
/// Rows of tokens have places, each with room for as many; a place is used again when its row is done. With what is kept
/// here, a token's vectors are bit for bit those of a pass over its whole row.
package final class KeyValueCache<R: Real>: @unchecked Sendable {
    private struct Layer {
        /// [places · room, key heads · head size], keys turned by their positions.
        let keys: Matrix<R>
        let values: Matrix<R>
        /// The rows of a place.
        let room: Int
    }

    /// How many tokens each place holds, virtual ones included, prefixes not.
    private var counts: [Int]
    private var layers: [ObjectIdentifier: Layer] = [:]

    /// - Parameters:
    ///   - places: How many rows there are at once.
    ///   - length: How many tokens a row may have, virtual ones included.
    package init(_ attentions: [SelfAttention<R>], places: Int, length: Int, _ engine: Engine<R>) {
        precondition(places > 0 && length > 0)
        counts = [Int](repeating: 0, count: places)
        for attention in attentions {
            let room = length + attention.prefixCount
            let width = attention.shape.keyHeads * attention.shape.headSize
            func matrix() -> Matrix<R> { engine.workspace.matrix(rows: places * room, columns: width) }
            layers[ObjectIdentifier(attention)] = Layer(keys: matrix(), values: matrix(), room: room)
        }
    }

    /// What a token's keys and values take in all attentions, in bytes.
    package static func bytesPerToken(_ attentions: [SelfAttention<R>]) -> Int {
        attentions.reduce(0) { $0 + 2 * $1.shape.keyHeads * $1.shape.headSize * MemoryLayout<R>.stride }
    }

    /// How many tokens a place holds.
    package func count(at place: Int) -> Int { counts[place] }

    /// Lets a new row begin at a place.
    package func clear(_ place: Int) { counts[place] = 0 }

    /// The batch of tokens that come next at places: after those held there, or after `virtualTokens` of a method.
    package func batch(_ rows: [CachedRow], virtualTokens: Int) -> Batch {
        var tokens: [Int32] = []
        var positions: [Int32] = []
        var segments: [Range<Int>] = []
        for row in rows {
            let start = tokens.count, held = counts[row.place]
            if held == 0 { tokens += Array(repeating: Batch.virtualToken, count: virtualTokens) }
            tokens += row.tokens
            positions += (0..<tokens.count - start).map { Int32(held + $0) }
            segments.append(start..<tokens.count)
        }
        return Batch(
            tokens: tokens, labels: tokens.map { _ in Batch.ignored }, positions: positions, segments: segments)
    }

    /// Puts the keys and values of a batch behind those held, and behind `prefixes` where a row begins. Gives all there are
    /// and the rows of them that each of the batch's segments sees.
    func append(
        keys: Matrix<R>, values: Matrix<R>, after prefixes: [KeysAndValues<R>], of attention: SelfAttention<R>,
        _ places: [Int], _ batch: Batch
    ) -> (keys: Matrix<R>, values: Matrix<R>, ranges: [Range<Int>]) {
        guard let layer = layers[ObjectIdentifier(attention)] else {
            preconditionFailure("a cache of another model")
        }
        let front = attention.prefixCount
        let ranges = zip(places, batch.segments).map { place, segment in
            let start = place * layer.room, held = counts[place]
            precondition(front + held + segment.count <= layer.room, "a row of more tokens than there is room for")
            if held == 0 {
                var row = start
                for prefix in prefixes {
                    layer.keys.rows(row..<row + prefix.count).copy(from: prefix.keys.value)
                    layer.values.rows(row..<row + prefix.count).copy(from: prefix.values.value)
                    row += prefix.count
                }
            }
            let own = start + front + held..<start + front + held + segment.count
            layer.keys.rows(own).copy(from: keys.rows(segment))
            layer.values.rows(own).copy(from: values.rows(segment))
            return start..<own.upperBound
        }
        return (layer.keys, layer.values, ranges)
    }

    /// To be called when a batch has gone through all layers.
    package func advance(_ places: [Int], _ batch: Batch) {
        for (place, segment) in zip(places, batch.segments) { counts[place] += segment.count }
    }
}

/// Tokens that come next in a row.
package struct CachedRow: Sendable {
    /// Where the cache holds the row.
    package let place: Int
    package let tokens: [Int32]

    package init(place: Int, tokens: [Int32]) {
        precondition(!tokens.isEmpty)
        self.place = place
        self.tokens = tokens
    }
}

/// A cache, and which place of it each row of a batch has.
package struct CachedPlaces<R: Real>: Sendable {
    let cache: KeyValueCache<R>
    let places: [Int]

    package init(_ cache: KeyValueCache<R>, _ places: [Int]) {
        self.cache = cache
        self.places = places
    }
}
