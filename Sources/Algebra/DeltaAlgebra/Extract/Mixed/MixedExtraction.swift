import Diagnostics

/// Gives each of many tensors' changes the form that serves all of them best: `Spec/deltas.md`, "Mixed".
struct MixedExtraction {
    let goal: MixedGoal
    let extraction: LowRankExtraction

    /// One result for each target, in their order.
    ///
    /// Throws ``Failure/Code/usage`` where a budget is too small for anything.
    func run(_ targets: [MixedTarget]) throws(Failure) -> [LossyResult] {
        switch goal {
        case .budget(let bytes): try spend(bytes, on: targets)
        case .error(let error): try reach(error, with: targets)
        }
    }

    private func spend(_ bytes: Int, on targets: [MixedTarget]) throws(Failure) -> [LossyResult] {
        var forms = try MixedForms(targets, extraction) { 2 * RankBudget(bytes: bytes).uniformRank(costs: $0) }
        var chosen: [FormBudget.Option] = []
        var products: [Int] = []
        repeat {
            let budget = FormBudget(forms.options)
            products = forms.productByteCounts(sharing: bytes)
            let others = [products, targets.map(\.signs.byteCount)].map { budget.choice(within: $0) }
            chosen = budget.chosen(budget.within(bytes: bytes, others: others))
        } while try forms.grow(chosen, products: products, slack: 0)
        if chosen.allSatisfy({ $0.form == .nothing }), targets.contains(where: { $0.power > 0 }) {
            let least = forms.options.joined().filter { $0.form != .nothing }.map(\.byteCount).min() ?? 0
            throw Failure(
                .usage, "the budget is too small for any change", expected: "some \(least) bytes at least",
                actual: "\(bytes)")
        }
        return try results(chosen, forms)
    }

    private func reach(_ error: Double, with targets: [MixedTarget]) throws(Failure) -> [LossyResult] {
        let wanted = error * error * targets.reduce(0) { $0 + $1.power }
        var forms = try MixedForms(targets, extraction) { _ in 16 }
        let none = [Int](repeating: 0, count: targets.count)
        var aim = wanted
        while true {
            var chosen: [FormBudget.Option] = []
            var slack = 0.0
            repeat {
                let budget = FormBudget(forms.options)
                chosen = budget.chosen(budget.within(error: aim))
                slack = max(0, aim - chosen.reduce(0) { $0 + $1.error })
            } while try forms.grow(chosen, products: none, slack: slack)
            let results = try results(chosen, forms)
            let found = results.reduce(0) { $0 + $1.squaredDistance }
            if found <= wanted { return results }
            // Rounding the factors took a little of what they explain. Without any there is no error.
            aim = aim < wanted / 16 ? 0 : max(0, min(aim - 2 * (found - wanted), aim * 0.999))
        }
    }

    private func results(_ chosen: [FormBudget.Option], _ forms: MixedForms) throws(Failure) -> [LossyResult] {
        try chosen.enumerated().map { target, option throws(Failure) in try forms.result(target, option) }
    }
}
