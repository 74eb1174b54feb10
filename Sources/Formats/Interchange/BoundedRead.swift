import Diagnostics
import Tensors

extension TensorSource {
    /// All bytes, if they are not more than `limit`: for what a file describes and is read whole.
    ///
    /// Throws ``Failure/Code/tooLarge`` naming `name`.
    func readAll(atMost limit: Int, of name: String) throws(Failure) -> [UInt8] {
        guard byteCount <= limit else {
            throw Failure(
                .tooLarge, "a file that came along is too large to be read whole", object: name,
                expected: "at most \(limit) bytes", actual: "\(byteCount)")
        }
        return try readAll()
    }
}
