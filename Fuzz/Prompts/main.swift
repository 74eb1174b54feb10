import Diagnostics
import FuzzSupport
import JSON
import Training

// A byte for how prompts are read, and lines of prompts: every line that is accepted has one, and limits that can be met.

/// One run: libFuzzer calls it with every input.
@c(LLVMFuzzerTestOneInput)
public func test(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = unsafe input(data, count)
    guard let first = bytes.first else { return 0 }
    ScratchFile.shared.replace(by: Array(bytes.dropFirst()))
    let isChat = first & 1 != 0
    let lines = accepted { () throws(Failure) in
        try PromptLines.read(ScratchFile.shared.path, isChat: isChat, system: first & 2 != 0 ? "Be brief." : nil)
    }
    guard let lines else { return 0 }
    require(!lines.isEmpty, "a file has prompts")
    for (line, next) in zip(lines, lines.dropFirst()) { require(line.number < next.number, "lines are in their order") }
    for line in lines {
        switch line.prompt {
        case .text: require(!isChat, "a prompt of a conversation is a turn")
        case .question: require(isChat, "only a conversation has turns")
        case .messages, .ids: break
        }
        require(line.maximumTokens.map { $0 >= 1 } ?? true, "something is to be said")
        require(line.temperature.map { $0 >= 0 && $0.isFinite } ?? true, "a temperature is finite")
        require(line.stops.map { !$0.contains("") } ?? true, "a text to stop at is not empty")
        _ = JSONWriter.bytes(of: line.id, .compact)
    }
    return 0
}
