import Diagnostics
import FuzzSupport
import Tokenization

// A number n, n bytes of text, and a tokenizer file: what is accepted gives ids that it has tokens for.

private let file = ScratchFile("tokenizer.json")

/// One run: libFuzzer calls it with every input.
@c(LLVMFuzzerTestOneInput)
public func test(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = unsafe input(data, count)
    let length = min(Int(bytes.first ?? 0), max(0, bytes.count - 1))
    let text = String(decoding: bytes.dropFirst().prefix(length), as: UTF8.self)
    file.replace(by: Array(bytes.dropFirst(1 + length)))
    guard let tokenizer = accepted({ () throws(Failure) in try Tokenizer(path: file.path) }) else { return 0 }
    for isWhole in [false, true] {
        let ids = tokenizer.encode(text, addSpecialTokens: isWhole)
        require(ids == tokenizer.encode(text, addSpecialTokens: isWhole), "the same text has the same ids")
        let encoding = tokenizer.encoding(of: text, and: text, addSpecialTokens: isWhole, hasOffsets: true)
        require(encoding.offsets.count == encoding.ids.count, "every token has offsets")
        require(
            encoding.offsets.allSatisfy { $0.upperBound <= text.unicodeScalars.count }, "offsets are within the text")
        let one = tokenizer.encoding(of: text, addSpecialTokens: isWhole, hasOffsets: true)
        require(one.ids == ids, "offsets change no ids")
        for id in ids {
            require(id >= 0 && Int(id) < tokenizer.vocabularySize, "ids are below the size of the vocabulary")
        }
        _ = tokenizer.decode(ids)
        _ = tokenizer.decode(ids, skippingSpecialTokens: true)
    }
    return 0
}

/// Makes the next input from one at hand: of the text or of the file.
@c(LLVMFuzzerCustomMutator)
public func change(_ data: UnsafeMutablePointer<UInt8>?, _ count: Int, _ limit: Int, _ seed: CUnsignedInt) -> Int {
    unsafe mutate(data, count, limit, seed) { bytes, dice in
        let length = min(Int(bytes.first ?? 0), max(0, bytes.count - 1))
        var text = Array(bytes.dropFirst().prefix(length))
        var rest = Array(bytes.dropFirst(1 + length))
        if dice.roll(2) == 0 {
            text = Array(plainlyMutated(text).prefix(255))
        } else {
            rest = plainlyMutated(rest)
        }
        return [UInt8(text.count)] + text + rest
    }
}
