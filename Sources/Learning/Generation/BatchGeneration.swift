import Architectures
package import Diagnostics
package import Kernels
import Networks
package import Tokenization

/// Generates with adapters by name: what wants the same ones shares every pass over the weights.
package struct BatchGeneration: Sendable {
    /// A request, and which of the adapters it wants, by their places.
    package struct Item: Sendable {
        package let request: GenerationRequest
        package let adapters: [Int]

        package init(_ request: GenerationRequest, adapters: [Int]) {
            self.request = request
            self.adapters = adapters
        }
    }

    private let networks: AdaptedNetworks
    private let adapters: [AdapterInUse]
    private let tokenizer: Tokenizer?
    private let ends: Set<Int32>
    private let cacheBytes: Int

    package init(
        _ networks: AdaptedNetworks, _ adapters: [AdapterInUse], _ tokenizer: Tokenizer?, ends: Set<Int32>,
        cacheBytes: Int
    ) {
        self.networks = networks
        self.adapters = adapters
        self.tokenizer = tokenizer
        self.ends = ends
        self.cacheBytes = cacheBytes
    }

    /// The places of adapters by their names; all of them where nothing is said.
    ///
    /// Throws ``Failure/Code/badDataLine`` for a name that there is not, or that comes twice.
    package func places(of names: [String]?) throws(Failure) -> [Int] {
        guard let names else { return Array(adapters.indices) }
        var places: [Int] = []
        for name in names {
            guard let place = adapters.firstIndex(where: { $0.name == name }) else {
                throw Failure(
                    .badDataLine, "there is no adapter of this name",
                    expected: adapters.isEmpty ? "none" : adapters.map(\.name).joined(separator: ", "), actual: name)
            }
            guard !places.contains(place) else {
                throw Failure(.badDataLine, "an adapter is named twice", actual: name)
            }
            places.append(place)
        }
        return places.sorted()
    }

    /// Generates everything; what is done is told as it comes, with the item's number.
    ///
    /// Throws as ``AdaptedNetworks/network(with:length:)`` and ``Generator/run(_:onText:onFinish:)`` do.
    package func run(
        _ items: [Item], _ engine: Engine<Float>,
        onText: (Int, String) throws(Failure) -> Void = { (_, _) throws(Failure) in },
        onFinish: (Int, GeneratedText) throws(Failure) -> Void
    ) throws(Failure) {
        var selections: [[Int]] = []
        var members: [[Int]: [Int]] = [:]
        for (number, item) in items.enumerated() {
            if members[item.adapters] == nil { selections.append(item.adapters) }
            members[item.adapters, default: []].append(number)
        }
        let limit = networks.architecture.maximumLength
        let longest = items.reduce(1) { max($0, $1.request.prompt.count + min($1.request.maximumTokens, limit)) }
        try checkMemory(length: min(longest, limit))
        // All of them before the first text, so that what does not fit is told of at once.
        var generators: [Generator] = []
        for selection in selections {
            let network = try networks.network(with: selection.map { adapters[$0] }, length: min(longest, limit))
            generators.append(Generator(network, tokenizer, ends: ends, cacheBytes: cacheBytes, engine))
        }
        for (selection, generator) in zip(selections, generators) {
            let numbers = members[selection] ?? []
            try generator.run(
                numbers.map { items[$0].request },
                onText: { (index, text) throws(Failure) in try onText(numbers[index], text) },
                onFinish: { (index, text) throws(Failure) in try onFinish(numbers[index], text) })
        }
    }

    /// Throws ``Failure/Code/outOfMemory`` where the longest row alone would take more than caches may.
    private func checkMemory(length: Int) throws(Failure) {
        let stack = networks.architecture.stack
        let bytes =
            Double(2 * stack.keyHeads * stack.headSize * MemoryLayout<Float>.stride) * Double(stack.layers)
            * Double(length)
        guard bytes > Double(cacheBytes) else { return }
        throw Failure(
            .outOfMemory, "what the model keeps of a row of \(length) tokens takes more memory than there is for it",
            expected: "at most \(cacheBytes) bytes", actual: "\(Int(min(bytes, 0x1p62)))",
            hint: "a smaller --max-tokens, or a larger --memory")
    }
}
