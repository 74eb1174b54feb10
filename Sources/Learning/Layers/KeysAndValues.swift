package import Kernels

/// Keys and values that a method gives to an attention beside those of its tokens. No position turns them.
package struct KeysAndValues<R: Real>: Sendable {
    /// [n, key heads · head size].
    package let keys: Parameter<R>
    /// As many.
    package let values: Parameter<R>

    package init(keys: Parameter<R>, values: Parameter<R>) {
        precondition(keys.value.rows == values.value.rows && keys.value.columns == values.value.columns)
        self.keys = keys
        self.values = values
    }

    /// How many keys there are.
    package var count: Int { keys.value.rows }
}

extension Pass {
    /// The rows of keys that each segment has, where `count` stand in front of its own, if it has any.
    func keySegments(front count: Int, hasOwn: Bool) -> [Range<Int>] {
        var start = 0
        return batch.segments.map { segment in
            let end = start + count + (hasOwn ? segment.count : 0)
            defer { start = end }
            return start..<end
        }
    }

    /// For each segment the rows of `front`, then those of its own of `own`, where that is given.
    func joined(_ front: [Matrix<R>], _ own: Matrix<R>?, at ranges: [Range<Int>], columns: Int) -> Matrix<R> {
        let all = engine.workspace.matrix(rows: ranges.last?.upperBound ?? 0, columns: columns)
        for (segment, range) in zip(batch.segments, ranges) {
            var row = range.lowerBound
            for part in front {
                all.rows(row..<row + part.rows).copy(from: part)
                row += part.rows
            }
            if let own { all.rows(row..<range.upperBound).copy(from: own.rows(segment)) }
        }
        return all
    }

    /// The way back of ``joined(_:_:at:columns:)``: adds the gradients of all segments to those of `front`, one segment
    /// after the other, and writes those of `own`.
    func split(_ gradient: Matrix<R>, at ranges: [Range<Int>], addingTo front: [Matrix<R>], own: Matrix<R>?) {
        for (segment, range) in zip(batch.segments, ranges) {
            var row = range.lowerBound
            for part in front {
                engine.add(gradient.rows(row..<row + part.rows), into: part)
                row += part.rows
            }
            own?.rows(segment).copy(from: gradient.rows(row..<range.upperBound))
        }
    }
}
