import Diagnostics
import Files

/// Copies files block by block.
enum BlockCopy {
    /// - Parameter pass: Gets every block as it passes, in order.
    static func copy(
        _ file: any FileContent, to target: OutputFile, _ pass: ([UInt8]) -> Void
    ) throws(Failure) {
        let step = 1 << 20
        for offset in stride(from: 0, to: file.size, by: step) {
            try Cancellation.check()
            let block = try file.read(at: offset, count: min(step, file.size - offset))
            pass(block)
            try unsafe target.write(block.span.bytes)
        }
        try file.checkUnchanged()
    }
}
