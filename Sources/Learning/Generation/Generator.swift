import Architectures
package import Diagnostics
package import Kernels
import Layers
package import Networks
package import Tokenization

/// Generates texts, several at once: every pass over the weights makes a token of each. What comes of a request does not
/// depend on what else is asked for, bit for bit.
package struct Generator: Sendable {
    private let network: Network<Float>
    private let tokenizer: Tokenizer?
    private let ends: Set<Int32>
    private let engine: Engine<Float>
    /// How many tokens of a row can go through the model.
    private let maximumLength: Int
    /// What caches may take, in bytes.
    private let cacheBytes: Int

    /// How many texts are made at once.
    private static let mostPlaces = 32
    /// Tokens that go through the model at once.
    private static let tokensPerPass = 256

    /// - Parameter ends: The ids that end a text.
    package init(
        _ network: Network<Float>, _ tokenizer: Tokenizer?, ends: Set<Int32>, cacheBytes: Int, _ engine: Engine<Float>
    ) {
        self.network = network
        self.tokenizer = tokenizer
        self.ends = ends
        self.engine = engine
        self.cacheBytes = cacheBytes
        maximumLength = network.architecture.maximumLength
    }

    /// One text that is being made.
    private struct Row {
        let request: Int
        let sampler: Sampler
        let limit: Int
        /// What goes through the model next.
        var pending: [Int32]
        var ids: [Int32] = []
        var stream: TextStream?
        var text = ""
    }

    /// Generates all that is asked for, each where a place gets free. No prompt is longer than the model allows.
    ///
    /// Throws ``Failure/Code/notFinite`` where scores are no numbers, and what the closures throw. Stops between two passes
    /// when somebody asks for it.
    ///
    /// - Parameters:
    ///   - onText: Told of text as it comes, with the number of the request.
    ///   - onFinish: Told of each that is done.
    package func run(
        _ requests: [GenerationRequest], onText: (Int, String) throws(Failure) -> Void = { (_, _) throws(Failure) in },
        onFinish: (Int, GeneratedText) throws(Failure) -> Void
    ) throws(Failure) {
        let length = requests.reduce(1) { max($0, limit(of: $1) + $1.prompt.count) }
        let places = places(for: requests.count, length: length)
        let cache = network.cache(places: places, length: length, engine)
        var free = Array((0..<places).reversed())
        var rows: [Int: Row] = [:]
        var next = 0
        while next < requests.count || !rows.isEmpty {
            while next < requests.count, total(rows) < Self.tokensPerPass, let place = free.popLast() {
                cache.clear(place)
                rows[place] = row(requests[next], next)
                next += 1
            }
            try Cancellation.check()
            let inputs = inputs(of: &rows)
            let scores = network.nextLogits(inputs, cache, engine)
            for (index, place) in inputs.map(\.place).enumerated() {
                guard var row = rows[place], row.pending.isEmpty else { continue }
                let request = requests[row.request]
                row.ids.append(try row.sampler.token(at: row.ids.count, scores.rows(index..<index + 1)))
                let finish = try advance(&row, onText)
                rows[place] = row
                guard let finish else { continue }
                rows[place] = nil
                free.append(place)
                try onFinish(
                    row.request,
                    GeneratedText(
                        text: row.stream == nil ? nil : row.text, ids: row.ids, promptTokens: request.prompt.count,
                        finish: finish))
            }
        }
    }

    private func row(_ request: GenerationRequest, _ number: Int) -> Row {
        Row(
            request: number, sampler: Sampler(request.sampling), limit: limit(of: request), pending: request.prompt,
            stream: tokenizer.map { TextStream($0, after: request.prompt, stops: request.stops) })
    }

    /// What goes through the model next: a token of each text that is being made, and of prompts as many as there is room for.
    private func inputs(of rows: inout [Int: Row]) -> [CachedRow] {
        var room = max(Self.tokensPerPass, rows.count)
        var inputs: [CachedRow] = []
        for (place, row) in rows.sorted(by: { ($0.value.pending.count, $0.key) < ($1.value.pending.count, $1.key) })
        where room > 0 {
            let tokens = Array(row.pending.prefix(room))
            room -= tokens.count
            rows[place]?.pending.removeFirst(tokens.count)
            inputs.append(CachedRow(place: place, tokens: tokens))
        }
        return inputs
    }

    /// Takes the last of a row's ids in; why it ends, where it does.
    private func advance(
        _ row: inout Row, _ onText: (Int, String) throws(Failure) -> Void
    ) throws(Failure) -> GeneratedText.Finish? {
        guard let id = row.ids.last else { return nil }
        let isEnd = ends.contains(id)
        var text = isEnd ? "" : row.stream?.append(id) ?? ""
        var finish: GeneratedText.Finish? = isEnd ? .end : row.ids.count >= row.limit ? .length : nil
        if finish != nil, row.stream?.isStopped == false { text += row.stream?.finish() ?? "" }
        if row.stream?.isStopped == true { finish = .stop }
        row.text += text
        if !text.isEmpty { try onText(row.request, text) }
        row.pending = [id]
        return finish
    }

    /// The tokens that wait.
    private func total(_ rows: [Int: Row]) -> Int { rows.values.reduce(0) { $0 + $1.pending.count } }

    /// How many tokens may come; the last of them need not go through the model.
    private func limit(of request: GenerationRequest) -> Int {
        max(1, min(request.maximumTokens, maximumLength - request.prompt.count + 1))
    }

    /// How many rows there is memory for.
    private func places(for count: Int, length: Int) -> Int {
        let each = KeyValueCache.bytesPerToken(network.sites.attentions)
        let (bytes, overflows) = each.multipliedReportingOverflow(by: length)
        return overflows ? 1 : max(1, min(count, Self.mostPlaces, cacheBytes / max(1, bytes)))
    }
}
