/// Chooses among the forms that many tensors' changes can take: `Spec/deltas.md`, "Mixed".
struct FormBudget {
    /// A form of one tensor's change.
    struct Option {
        enum Form: Hashable {
            case nothing, signs, lossless
            case lora(rank: Int)
        }

        let form: Form
        let byteCount: Int
        /// ‖D − Δ‖².
        let error: Double
    }

    /// Of each tensor, with more bytes and less error each; the first has no bytes.
    let options: [[Option]]
    /// Steps along the lower hulls of bytes and error, by the error they save a byte, largest first.
    private let steps: [Step]

    private struct Step {
        let tensor: Int
        let from: Int
        let to: Int
        let gain: Double
    }

    /// - Parameter options: In any order; one of each tensor's has no bytes.
    init(_ options: [[Option]]) {
        self.options = options.map(Self.front)
        steps = self.options.enumerated().flatMap { Self.hull($1, tensor: $0) }.sorted {
            $0.gain == $1.gain ? ($0.tensor, $0.from) < ($1.tensor, $1.from) : $0.gain > $1.gain
        }
    }

    /// Those of which no other has as few bytes and as little error.
    private static func front(_ options: [Option]) -> [Option] {
        var front: [Option] = []
        for option in options.sorted(by: { ($0.byteCount, $0.error) < ($1.byteCount, $1.error) })
        where front.last.map({ option.error < $0.error }) ?? true { front.append(option) }
        return front
    }

    private static func hull(_ front: [Option], tensor: Int) -> [Step] {
        var steps: [Step] = []
        var place = 0
        while place < front.count - 1 {
            let next = (place + 1..<front.count).map { ($0, gain(front[place], front[$0])) }
                .reduce((place, -1.0)) { $1.1 >= $0.1 ? $1 : $0 }
            steps.append(Step(tensor: tensor, from: place, to: next.0, gain: next.1))
            place = next.0
        }
        return steps
    }

    private static func gain(_ from: Option, _ to: Option) -> Double {
        (from.error - to.error) / Double(to.byteCount - from.byteCount)
    }

    // MARK: Choices

    /// One option of each tensor.
    typealias Choice = [Int]

    func byteCount(_ choice: Choice) -> Int {
        zip(options, choice).reduce(0) { $0 + $1.0[$1.1].byteCount }
    }

    func error(_ choice: Choice) -> Double {
        zip(options, choice).reduce(0) { $0 + $1.0[$1.1].error }
    }

    func chosen(_ choice: Choice) -> [Option] { zip(options, choice).map { $0[$1] } }

    /// The choice of least error found within `bytes`: greedy by error saved a byte, but no worse than `others` that fit,
    /// each of which is given what is left.
    func within(bytes: Int, others: [Choice]) -> Choice {
        let starts = [greedy(bytes: bytes)] + others.filter { byteCount($0) <= bytes }
        return starts.map { filled($0, bytes: bytes) }.reduce(nil as Choice?) { best, choice in
            best.map { error($0) <= error(choice) } == true ? best : choice
        } ?? []
    }

    /// The choice of fewest bytes found with `most` of error at most, or that of least error.
    func within(error most: Double) -> Choice {
        var choice = Choice(repeating: 0, count: options.count)
        var error = error(choice)
        for step in steps where error > most {
            let before = options[step.tensor][step.from].error
            // The last step need not be the whole one.
            let enough = (step.from + 1..<step.to).first { error - before + options[step.tensor][$0].error <= most }
            choice[step.tensor] = enough ?? step.to
            error += options[step.tensor][choice[step.tensor]].error - before
        }
        return trimmed(choice, error: most)
    }

    /// The best option of each tensor that has no more bytes than these.
    func choice(within byteCounts: [Int]) -> Choice {
        zip(options, byteCounts).map { own, most in own.lastIndex { $0.byteCount <= most } ?? 0 }
    }

    private func greedy(bytes: Int) -> Choice {
        var choice = Choice(repeating: 0, count: options.count)
        var left = bytes
        for step in steps where choice[step.tensor] == step.from {
            let extra = options[step.tensor][step.to].byteCount - options[step.tensor][step.from].byteCount
            guard extra <= left else { continue }
            left -= extra
            choice[step.tensor] = step.to
        }
        return choice
    }

    /// Goes on one option at a time while any fits.
    private func filled(_ start: Choice, bytes: Int) -> Choice {
        var choice = start
        var left = bytes - byteCount(choice)
        var best = options.indices.map { upgrade($0, from: choice[$0], left: left) }
        while let tensor = best.indices.filter({ best[$0] != nil }).max(by: {
            best[$0]?.gain ?? 0 < best[$1]?.gain ?? 0
        }),
            let step = best[tensor]
        {
            let extra = options[tensor][step.to].byteCount - options[tensor][step.from].byteCount
            if extra <= left {
                left -= extra
                choice[tensor] = step.to
            }
            best[tensor] = upgrade(tensor, from: choice[tensor], left: left)
        }
        return choice
    }

    private func upgrade(_ tensor: Int, from place: Int, left: Int) -> Step? {
        let own = options[tensor]
        var best: Step?
        for to in own.indices.dropFirst(place + 1) where own[to].byteCount - own[place].byteCount <= left {
            let gain = Self.gain(own[place], own[to])
            if best.map({ gain >= $0.gain }) ?? true { best = Step(tensor: tensor, from: place, to: to, gain: gain) }
        }
        return best
    }

    /// Goes back where that leaves the error small enough, where it saves most first.
    private func trimmed(_ start: Choice, error most: Double) -> Choice {
        var choice = start
        while true {
            let slack = most - error(choice)
            var best: (tensor: Int, to: Int, saved: Int)?
            for (tensor, own) in options.enumerated() {
                let now = own[choice[tensor]]
                guard let to = own.firstIndex(where: { $0.error - now.error <= slack }), to < choice[tensor] else {
                    continue
                }
                let saved = now.byteCount - own[to].byteCount
                if saved > best?.saved ?? 0 { best = (tensor, to, saved) }
            }
            guard let best else { return choice }
            choice[best.tensor] = best.to
        }
    }
}
