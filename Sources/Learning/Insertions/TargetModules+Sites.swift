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
        let names = Set(sites.linears.map { name($0.path, besides: sites.headPaths) })
        named["target_modules"] = .list(names.sorted().map { .string($0) })
        return named
    }

    /// The last component of a path, or the last two where that alone would mean a layer of the head too.
    private static func name(_ path: String, besides heads: [String]) -> String {
        let last = lastComponent(path)
        guard heads.contains(where: { lastComponent($0) == last }) else { return last }
        return path.split(separator: ".").suffix(2).joined(separator: ".")
    }

    /// Says that weights are kept as [in, out] where those of adapted layers are.
    static func oriented<R: Real>(_ parameters: Parameters, _ linears: [Linear<R>]) -> Parameters {
        guard linears.contains(where: \.isTransposed) else { return parameters }
        var oriented = parameters
        oriented["fan_in_fan_out"] = true
        return oriented
    }
}
