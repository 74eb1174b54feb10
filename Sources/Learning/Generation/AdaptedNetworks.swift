import Adapters
package import Architectures
package import Checkpoints
package import Diagnostics
import Insertions
package import Kernels
package import Networks
import Training

/// The models that one base becomes with adapters. The weights are mapped once, whatever is put beside them.
package struct AdaptedNetworks: Sendable {
    package let architecture: NetworkArchitecture
    private let store: WeightStore
    private let engine: Engine<Float>

    /// Throws ``Failure/Code/baseIncompatible`` for a base that does not go on with texts.
    package init(_ base: Checkpoint, _ engine: Engine<Float>) throws(Failure) {
        let architecture = try NetworkArchitecture(of: base)
        guard architecture.task == .causal, !architecture.hasNormsAfter else {
            throw Failure(
                .baseIncompatible, "the base is no model that generates text",
                object: architecture.modelType, path: base.path, expected: "a causal language model",
                actual: "a model for \(architecture.task.rawValue)")
        }
        self.architecture = architecture
        self.engine = engine
        store = try WeightStore(base)
    }

    /// With adapters side by side, for rows of at most `length` tokens.
    ///
    /// Throws ``Failure/Code/notMergeable`` for adapters that cannot be used so, ``Failure/Code/notTrainable`` for those of
    /// other methods, and ``Failure/Code/baseIncompatible`` for those that do not fit the base.
    package func network(with adapters: [AdapterInUse], length: Int) throws(Failure) -> Network<Float> {
        try AdapterInUse.check(adapters)
        let network = try Network<Float>(architecture, store, length: length)
        for one in adapters {
            if let task = one.adapter.learned.task, task != .causal {
                throw Failure(
                    .baseIncompatible, "the adapter is for another task than to generate text", object: one.name,
                    actual: task.rawValue)
            }
            do throws(Failure) {
                let method = try TrainableMethods.holding(one.adapter)
                let plan = InsertionPlan(parameters: one.parameters, entries: one.adapter.entries)
                try method.insert(plan, into: network.sites, engine).checkUses(one.adapter.entries)
            } catch {
                throw error.on(one.name)
            }
        }
        return network
    }
}
