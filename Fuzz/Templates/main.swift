import ChatTemplates
import Diagnostics
import FuzzSupport
import JSON

// A chat template, a zero byte, and a conversation in JSON: writing it ends, in the same text each time.

private let turns: JSONValue = [
    ["role": "user", "content": "What is a tenon?"], ["role": "assistant", "content": "A tongue."],
]
private let date = ChatDate(year: 2024, month: 2, day: 29, hour: 23, minute: 59, second: 60)

/// The text, nil where the template refuses the conversation.
private func text(_ template: ChatTemplate, _ conversation: JSONValue?, isAsking: Bool) -> String? {
    accepted { () throws(Failure) in
        try template.text(
            of: (conversation?["messages"] ?? turns).array ?? [], tools: conversation?["tools"] ?? .null,
            addsGenerationPrompt: isAsking, specialTokens: [("bos_token", "<s>"), ("eos_token", "</s>")],
            date: isAsking ? date : nil)
    }
}

/// One run: libFuzzer calls it with every input.
@c(LLVMFuzzerTestOneInput)
public func test(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let parts = unsafe input(data, count).split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
    guard let source = String(validating: parts[0], as: UTF8.self) else { return 0 }
    guard let template = accepted({ () throws(Failure) in try ChatTemplate(source, name: "template") }) else {
        return 0
    }
    let conversation = parts.dropFirst().first.flatMap { bytes in
        accepted { () throws(Failure) in try JSONValue.parse(Array(bytes)) }
    }
    for isAsking in [false, true] {
        let first = text(template, conversation, isAsking: isAsking)
        let second = text(template, conversation, isAsking: isAsking)
        require(
            first.map { Array($0.utf8) } == second.map { Array($0.utf8) }, "the same conversation has the same text")
    }
    return 0
}

/// Makes the next input from one at hand: of the template or of the conversation.
@c(LLVMFuzzerCustomMutator)
public func change(_ data: UnsafeMutablePointer<UInt8>?, _ count: Int, _ limit: Int, _ seed: CUnsignedInt) -> Int {
    unsafe mutate(data, count, limit, seed) { bytes, dice in
        let parts = bytes.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false).map { Array($0) }
        guard parts.count == 2 else { return plainlyMutated(bytes) }
        return dice.roll(4) == 0 ? parts[0] + [0] + plainlyMutated(parts[1]) : plainlyMutated(parts[0]) + [0] + parts[1]
    }
}
