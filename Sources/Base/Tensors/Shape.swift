package import Diagnostics

/// The dimensions of a tensor, outermost first; empty for a scalar.
package struct Shape: Hashable, Sendable {
    package let dimensions: [Int]

    package init(_ dimensions: [Int]) {
        self.dimensions = dimensions
    }

    package var rank: Int { dimensions.count }

    /// How many elements, refusing a product that does not fit.
    package func elementCount() throws(Failure) -> Int {
        var count = 1
        for dimension in dimensions {
            let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
            guard !overflow, dimension >= 0 else {
                throw Failure(.shapeOverflow, "the shape \(self) has more elements than fit in 64 bits")
            }
            count = product
        }
        return count
    }

    /// How many bytes the elements take as `dtype`, refusing what overflows or leaves a forbidden partial byte.
    package func byteCount(_ dtype: DType) throws(Failure) -> Int {
        let (bits, overflow) = try elementCount().multipliedReportingOverflow(by: dtype.bits)
        guard !overflow, bits <= Int.max - 7 else {
            throw Failure(.shapeOverflow, "the shape \(self) as \(dtype.name) has more bytes than fit in 64 bits")
        }
        guard bits % 8 == 0 || dtype.allowsPartialByte else {
            throw Failure(.misaligned, "the shape \(self) as \(dtype.name) does not end on a byte")
        }
        return (bits + 7) / 8
    }
}

extension Shape: ExpressibleByArrayLiteral, CustomStringConvertible {
    package init(arrayLiteral elements: Int...) { self.init(elements) }
    package var description: String { "[" + dimensions.map(String.init).joined(separator: ", ") + "]" }
}
