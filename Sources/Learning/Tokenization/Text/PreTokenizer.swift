/// What cuts a text into the pieces that are tokenized on their own.
struct PreTokenizer: Hashable, Sendable {
    enum Stage: Hashable, Sendable {
        /// Puts a blank before every piece that has none.
        case prefixSpace
        case pattern(WordPattern)
        /// Parts numbers from what is around them, each digit alone or in runs.
        case digits(individual: Bool)
    }

    var stages: [Stage] = []

    func pieces(of text: [UInt8]) -> Pieces {
        var pieces = Pieces(text)
        for stage in stages {
            switch stage {
            case .prefixSpace: pieces = pieces.withPrefixSpaces()
            case .pattern(let pattern): pieces.cut(pattern.next)
            case .digits(let individual):
                pieces.cut { pieces, start, end in
                    let isNumber = pieces.scalar(at: start).isNumeric
                    if isNumber && individual { return start + 1 }
                    var place = start + 1
                    while place < end, pieces.scalar(at: place).isNumeric == isNumber { place += 1 }
                    return place
                }
            }
        }
        return pieces
    }
}
