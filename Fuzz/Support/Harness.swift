package import Diagnostics

/// The bytes that libFuzzer hands over.
package func input(_ data: UnsafePointer<UInt8>?, _ count: Int) -> [UInt8] {
    unsafe Array(UnsafeBufferPointer(start: data, count: count))
}

/// Ends the process, which libFuzzer takes for a finding, unless `condition` holds.
package func require(_ condition: Bool, _ rule: @autoclosure () -> String) {
    if !condition { fatalError("broken rule: \(rule())") }
}

/// What `body` returns, nil where it refuses the input. A refusal that blames the program itself is a finding.
@discardableResult
package func accepted<Value>(_ body: () throws(Failure) -> Value) -> Value? {
    do throws(Failure) {
        return try body()
    } catch {
        let text = error.description
        require(error.code != .internal, text)
        require(!text.unicodeScalars.contains { $0.value < 0x20 }, "a message can be printed")
        return nil
    }
}

/// What `body` returns; a refusal is a finding.
package func demanded<Value>(_ rule: String, _ body: () throws(Failure) -> Value) -> Value {
    do throws(Failure) {
        return try body()
    } catch {
        fatalError("broken rule: \(rule): \(error)")
    }
}
