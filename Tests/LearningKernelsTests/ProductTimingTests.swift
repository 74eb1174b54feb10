import Files
import Kernels
import Support
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// What `Benchmarks/gemm.py` times: it names a library with a Fortran `sgemm`, and reads the lines that are printed.
@Suite("Time of products")
struct ProductTimingTests {
    private static let request = Syscalls.environment("TENON_PRODUCTS")

    /// Rows, columns and depth, and which factors are transposed: those of models with 576, 256 and 512 columns, forward
    /// (NT), backward (NN) and for gradients of weights (TN), then those with few columns.
    private static let shapes = [
        ("NT", 512, 576, 576), ("NT", 512, 192, 576), ("NT", 512, 1536, 576), ("NT", 512, 576, 1536),
        ("NT", 64, 49152, 576), ("NT", 1024, 256, 256), ("NT", 1024, 512, 512), ("NT", 1024, 1408, 512),
        ("NN", 512, 576, 576), ("NN", 512, 576, 192), ("NN", 512, 576, 1536), ("NN", 512, 1536, 576),
        ("NN", 64, 576, 49152), ("NN", 1024, 256, 256), ("NN", 1024, 512, 512), ("TN", 576, 576, 1024),
        ("TN", 1536, 576, 1024), ("TN", 576, 16, 512), ("TN", 1536, 16, 1024), ("TN", 16, 576, 1024),
        ("TN", 16, 1536, 1024), ("NT", 512, 16, 576), ("NN", 512, 576, 16), ("NT", 512, 1536, 16),
        ("NT", 1024, 8, 768), ("NT", 1024, 16, 768),
    ]

    @Test("products of each shape take turns with those of a library", .enabled(if: request != nil))
    func time() throws {
        // THREADS,LIBRARY,SYMBOL
        let words = (Self.request ?? "").split(separator: ",").map(String.init)
        let threads = try #require(Int(words[0])), rounds = 11
        let peer = try #require(ForeignProduct(library: words[1], symbol: words[2]))
        let engine = Engine<Float>(threads: threads)
        for (kind, rows, columns, depth) in Self.shapes {
            let isLeft = kind.first == "T", isRight = kind.last == "T"
            let a = numbers(isLeft ? depth : rows, isLeft ? rows : depth, seed: 1)
            let b = numbers(isRight ? columns : depth, isRight ? depth : columns, seed: 2)
            let c = Matrix<Float>(rows: rows, columns: columns), d = c.copied()
            let work = 2 * Double(rows) * Double(columns) * Double(depth), repeats = Int(1e10 / work) + 1
            let term = Term(a, transposed: isLeft, b, transposed: isRight)
            var ours: [Double] = [], theirs: [Double] = []
            for round in 0...rounds {
                let own = time(threads) { for _ in 0..<repeats { engine.multiply(term, into: c) } }
                let other = time(threads) { for _ in 0..<repeats { peer.multiply(a, isLeft, b, isRight, into: d) } }
                guard round > 0 else { continue }
                ours.append(own / Double(repeats))
                theirs.append(other / Double(repeats))
            }
            let ratio = median(zip(ours, theirs).map { $1 / $0 })
            let rates = (work / median(ours) * 1e-9, work / median(theirs) * 1e-9)
            print("product \(kind) \(rows) \(columns) \(depth) \(rates.0) \(rates.1) \(ratio)")
            let difference = zip(c.values, d.values).map { abs($0 - $1) }.max() ?? 0
            #expect(difference <= Float(depth + 64) * 0x1p-23, "\(kind) \(rows) \(columns) \(depth)")
        }
    }

    /// Seconds that `body` takes. Threads of libraries stay awake after their work, OpenBLAS's for 2²⁸ ticks of the
    /// clock (a tenth of a second), and whoever is timed then has that much less of a processor; so all wait for that.
    private func time(_ threads: Int, _ body: () -> Void) -> Double {
        if threads > 1 { usleep(200_000) }
        let start = seconds(threads)
        body()
        return seconds(threads) - start
    }

    /// Of one thread the processor's time, which others on a busy machine disturb less.
    private func seconds(_ threads: Int) -> Double {
        var time = timespec()
        unsafe clock_gettime(threads == 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
    }

    private func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

    /// Numbers in [−1, 1) without a pattern.
    private func numbers(_ rows: Int, _ columns: Int, seed: UInt64) -> Matrix<Float> {
        var random = RepeatableRandom(seed: seed)
        let values = (0..<rows * columns).map { _ in
            Float(Int32(truncatingIfNeeded: random.next() >> 32) >> 8) * 0x1p-23
        }
        return Matrix(rows: rows, columns: columns, values)
    }
}

/// `sgemm` of a BLAS library, whose matrices are column-major: it is given transposes. Sizes are wide; where the library
/// reads halves of them, those are the lower ones on the machines we have.
@safe
private struct ForeignProduct {
    private typealias Function =
        @convention(c) (
            UnsafePointer<CChar>, UnsafePointer<CChar>, UnsafePointer<Int>, UnsafePointer<Int>, UnsafePointer<Int>,
            UnsafePointer<Float>, UnsafePointer<Float>, UnsafePointer<Int>, UnsafePointer<Float>, UnsafePointer<Int>,
            UnsafePointer<Float>, UnsafeMutablePointer<Float>, UnsafePointer<Int>
        ) -> Void

    private let function: Function

    init?(library: String, symbol: String) {
        guard let handle = unsafe dlopen(library, RTLD_NOW), let function = unsafe dlsym(handle, symbol) else {
            return nil
        }
        unsafe self.function = unsafe unsafeBitCast(function, to: Function.self)
    }

    func multiply(
        _ a: Matrix<Float>, _ isLeft: Bool, _ b: Matrix<Float>, _ isRight: Bool, into c: Matrix<Float>
    ) {
        var n = c.columns, m = c.rows, k = isLeft ? a.rows : a.columns, lda = a.columns, ldb = b.columns
        var one: Float = 1, zero: Float = 0
        var left = CChar(isLeft ? 84 : 78), right = CChar(isRight ? 84 : 78)
        unsafe a.withRow(0) { a in
            unsafe b.withRow(0) { b in
                unsafe c.withRow(0) { c in
                    guard let a = a.baseAddress, let b = b.baseAddress, let c = c.baseAddress else { return }
                    unsafe function(&right, &left, &n, &m, &k, &one, b, &ldb, a, &lda, &zero, c, &n)
                }
            }
        }
    }
}
