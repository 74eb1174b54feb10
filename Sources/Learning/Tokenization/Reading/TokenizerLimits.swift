/// What a `tokenizer.json` may cost at most; those of the largest models have half of it.
enum TokenizerLimits {
    /// Bytes of the file.
    static let byteCount = 64 << 20
    /// Bytes of the files beside it that are asked which tokens begin and end a text.
    static let configByteCount = 16 << 20
    /// Ids, hence tokens.
    static let idCount = 1 << 22
    /// Bytes of one token, as the file spells it.
    static let tokenByteCount = 4096
    /// Bytes of one added token, which are compared at every place of a text.
    static let addedTokenByteCount = 1024
    /// Bytes of all added tokens.
    static let addedByteCount = 16 << 20
    /// Tokens put before or after a text.
    static let specialTokenCount = 64
}
