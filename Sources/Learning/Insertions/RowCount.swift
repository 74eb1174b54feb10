import Adapters
import Diagnostics

extension InsertionPlan {
    /// How many rows a method learns, as a key of its config says.
    ///
    /// Throws ``Failure/Code/badParameter`` for anything but 1 to 1024: there are positions for so many.
    func rowCount(_ key: String) throws(Failure) -> Int {
        guard let count = parameters[key]?.int, count >= 1, count <= 1024 else {
            throw Failure(
                .badParameter, "the method does not know how many vectors it has to learn", object: key,
                expected: "1 to 1024", actual: parameters[key]?.summary)
        }
        return count
    }
}
