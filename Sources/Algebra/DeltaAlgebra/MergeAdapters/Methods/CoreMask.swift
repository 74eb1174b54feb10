import LinearAlgebra

/// Which elements of one adapter's core are kept, for a density below 1; what is drawn at random is divided by its chance.
enum CoreMask {
    /// The ⌊density·n⌋ largest, one at least: TIES.
    static func largest(_ core: RealMatrix, _ options: AdapterMergeOptions, _: String) -> RealMatrix {
        core.keeping(core.values.byMagnitude.prefix(max(1, Int(options.density * Double(core.values.count)))))
    }

    /// Those that follow the outliers: breadcrumbs.
    static func withoutOutliers(_ core: RealMatrix, _ options: AdapterMergeOptions, _: String) -> RealMatrix {
        let count = core.values.count
        let kept = Int(options.density * Double(count))
        let smallest = max(0, count - kept - Int(options.gamma * Double(count)))
        return core.keeping(core.values.byMagnitude.dropFirst(count - smallest - kept).prefix(kept))
    }

    /// DARE.
    static func random(_ core: RealMatrix, _ options: AdapterMergeOptions, _ name: String) -> RealMatrix {
        core.drawn(CounterRandom(seed: options.seed, name: name)) { _ in options.density }
    }

    /// DELLA: the larger in its row, the likelier.
    static func rankedRandom(_ core: RealMatrix, _ options: AdapterMergeOptions, _ name: String) -> RealMatrix {
        let columns = core.columns
        var chances = [Double](repeating: options.density, count: core.values.count)
        if columns > 1 {
            let low = options.density - options.epsilon
            for row in 0..<core.rows {
                let first = row * columns
                for (place, column) in Array(core.values[first..<first + columns]).byMagnitude.enumerated() {
                    let share = Double(columns - 1 - place) / Double(columns - 1)
                    chances[first + column] = low + 2 * options.epsilon * share
                }
            }
        }
        return core.drawn(CounterRandom(seed: options.seed, name: name)) { chances[$0] }
    }

    /// What is left of all where those elements stay that vary most between them: SCE.
    static func selected(_ cores: [RealMatrix], share: Double) -> [RealMatrix] {
        guard share < 1, let first = cores.first else { return cores }
        let count = Double(cores.count)
        let spread = first.values.indices.map { place in
            let mean = cores.reduce(0) { $0 + $1.values[place] } / count
            let squares = cores.reduce(0) { $0 + ($1.values[place] - mean) * ($1.values[place] - mean) }
            return Double(Float(squares / count))
        }
        let varied = spread.count { $0 != 0 }
        let chosen = spread.byMagnitude.prefix(Int(min(1, max(0, share)) * Double(varied)))
        return cores.map { $0.keeping(chosen) }
    }
}

extension [Double] {
    /// Places by |x| descending, those of equals ascending.
    var byMagnitude: [Int] {
        indices.sorted { a, b in
            let (x, y) = (self[a].magnitude, self[b].magnitude)
            return x == y ? a < b : x > y
        }
    }
}

extension RealMatrix {
    /// Zero but for these places.
    func keeping(_ places: some Sequence<Int>) -> RealMatrix {
        var result = RealMatrix(rows: rows, columns: columns)
        for place in places { result.values[place] = values[place] }
        return result
    }

    /// Each element with its chance, and then divided by it.
    func drawn(_ random: CounterRandom, chance: (Int) -> Double) -> RealMatrix {
        var result = RealMatrix(rows: rows, columns: columns)
        for place in values.indices where (Double(random[place]) + 1) / 2 < chance(place) {
            result.values[place] = values[place] / chance(place)
        }
        return result
    }
}
