import DeltaAlgebra
import Diagnostics
import Files
import Parallelism
import Support
import Tensors
import Testing

/// What `Benchmarks/lowrank.py` times: it names the files of a base and a tuned matrix, in bf16 and without a header, and
/// reads the line that is printed.
@Suite("Time of an extraction")
struct LowRankTimingTests {
    private static let request = Syscalls.environment("TENON_LOWRANK")

    @Test("a matrix is extracted five times", .enabled(if: request != nil))
    func time() throws {
        // BASE,TUNED,ROWS,COLUMNS,RANK
        let words = (Self.request ?? "").split(separator: ",").map(String.init)
        let (rows, columns, rank) = (
            try #require(Int(words[2])), try #require(Int(words[3])), try #require(Int(words[4]))
        )
        func tensor(_ path: String) throws -> TensorBuffer {
            try TensorBuffer(dtype: .bf16, shape: [rows, columns], bytes: try contents(of: path))
        }
        let target = LowRankTarget(name: "w", base: try tensor(words[0]), tuned: try tensor(words[1]))
        let extraction = LowRankExtraction(goal: .rank(rank), lanes: Lanes(count: Lanes.available))
        for _ in 0..<5 {
            var result: LowRankResult?
            let time = try ContinuousClock().measure { result = try extraction.run([target])[0] }
            print("lowrank \(time / .seconds(1)) \(result?.relativeError ?? .nan)")
        }
    }
}
