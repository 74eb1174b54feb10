import Adapters
import Diagnostics
import Kernels
import Layers

extension TargetModules {
    /// Looks whether every name of the config, and the whole of it, means some linear layer of the model.
    ///
    /// Throws ``Failure/Code/usage`` with the nearest names where a name, or all of them, means none.
    func check<R: Real>(_ sites: Sites<R>) throws(Failure) { try check(sites.linears.map(\.path)) }

    /// A config with `all-linear` replaced by the names of the layers: other tools want names, and only PEFT knows what all
    /// are.
    static func named<R: Real>(_ parameters: Parameters, _ sites: Sites<R>) -> Parameters {
        guard parameters["target_modules"]?.string == "all-linear" else { return parameters }
        var named = parameters
        let names = Set(sites.linears.map { lastComponent($0.path) })
        named["target_modules"] = .list(names.sorted().map { .string($0) })
        return named
    }
}
