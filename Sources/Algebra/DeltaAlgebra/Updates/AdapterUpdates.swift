package import Adapters
package import Diagnostics

/// What an adapter does to a base: which tensors its entries update and how, and which entries cannot be merged.
///
/// Looks at shapes and parameters alone; ``PlannedUpdate/prepare()`` reads. Quantized factors must have been
/// dequantized. Entries of the kinds `exact`, `removed`, `alias` and `extend`, which change a checkpoint and not a
/// weight, are left to others.
package struct AdapterUpdates: Sendable {
    /// In the order of the adapter's entries. Several may have one target.
    package let updates: [PlannedUpdate]
    /// What the user ought to know.
    package let findings: [Finding]
    /// Entries that cannot be merged, each with why not and what to do.
    package let refusals: [Refusal]

    /// An entry that cannot be merged: ``Failure/Code/notMergeable`` where its method is no change of this weight,
    /// ``Failure/Code/baseIncompatible`` where the base has no such tensor, or one of another shape.
    package struct Refusal: Sendable {
        package let entry: EntryKey
        package let failure: Failure
    }

    /// - Parameters:
    ///   - base: The tensor of the base that a target names, if there is one. It is asked for targets of entries, and for
    ///     the biases and fused parameters that belong to them.
    ///   - weight: Multiplies what the adapter adds. Where the change is no sum it must be 1; tensors that an adapter
    ///     stores whole (saved modules, biases, rows) are put in place whatever it is, as PEFT does.
    ///   - isResidual: The base is what an initialization that changes the base (PiSSA, OLoRA, …) left of it.
    ///
    /// Throws ``Failure/Code/badParameter`` for a weight that is not finite or a parameter that cannot be used.
    package init(
        _ adapter: Adapter, weight: Double = 1, isResidual: Bool = false,
        base: @escaping @Sendable (String) -> BaseTensor?
    ) throws(Failure) {
        guard weight.isFinite else {
            throw Failure(.badParameter, "the weight of an adapter is not finite", actual: "\(weight)")
        }
        let shared = SharedFactors(adapter, base: base)
        var updates: [PlannedUpdate] = []
        var refusals: [Refusal] = []
        for entry in adapter.entries {
            let context = UpdateContext(adapter: adapter, entry: entry, weight: weight, base: base, shared: shared)
            do throws(Failure) {
                try context.checkMergeable(isResidual: isResidual)
                updates += try UpdateBuilder.updates(context)
            } catch {
                guard error.code == .notMergeable || error.code == .baseIncompatible else {
                    throw error.on(entry.key.target)
                }
                refusals.append(Refusal(entry: entry.key, failure: error.on(entry.key.target)))
            }
        }
        self.updates = updates
        self.refusals = refusals
        findings = Self.findings(adapter, weight: weight, updates)
    }

    private static func findings(_ adapter: Adapter, weight: Double, _ updates: [PlannedUpdate]) -> [Finding] {
        var findings: [Finding] = []
        let whole = updates.filter { $0.effect == .replace || $0.entry.kind == .rows }
        if weight != 1, let first = whole.first {
            findings.append(
                Finding(
                    "weight-ignored", "\(whole.count) tensors are stored whole and put in place whatever the weight",
                    object: first.target))
        }
        if adapter.method == Method.oft.word, adapter.parameters["peft_version"] == nil,
            adapter.parameters["use_cayley_neumann"]?.bool != false
        {
            findings.append(
                Finding(
                    "formula-changed",
                    "written by PEFT before 0.18, which summed the rotation's series otherwise; today's sum is used"))
        }
        return findings
    }
}
