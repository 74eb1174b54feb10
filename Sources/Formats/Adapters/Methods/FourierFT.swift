import Architectures
import Diagnostics

extension Method {
    /// A few coefficients of the change's two-dimensional spectrum.
    ///
    /// ΔW = scaling·Re(IFFT2(S)), S [out, in] zero but for S[p div in, p mod in] = spectrum[k], p the k-th number of a
    /// permutation of out·in drawn by torch's CPU generator from `random_loc_seed`.
    package static let fourierft = Method(
        word: "fourierft", name: "FourierFT",
        kinds: [.spectrum, .bias, .full],
        config: [
            ConfigKey("n_frequency", 1000, .count),
            ConfigKey("scaling", 150, .number),
            ConfigKey("random_loc_seed", 777),
            ConfigKey("n_frequency_pattern", .map([])),
            ConfigKey.fanInFanOut,
            ConfigKey.bias,
            ConfigKey.start("init_weights", false),
        ] + ConfigKey.targets,
        mergeability: .dense,
        formula: "W' = W + scaling·Re(IFFT2(S)), S sparse",
        source: "Gao et al., Parameter-Efficient Fine-Tuning with Discrete Fourier Transform, 2024",
        sizing: Sizing { input throws(Failure) in
            let count = try input.count("n_frequency")
            var added: [TensorGroup] = []
            for site in try input.targets() {
                let own = try input.parameters["n_frequency_pattern"]?.value(forModule: site.path)?.int ?? count
                guard own >= 1, Double(own) <= Double(site.inputs) * Double(site.outputs) else {
                    throw Failure(
                        .badParameter, "a layer has fewer weights than there are frequencies", object: site.path,
                        actual: "\(own)")
                }
                let shape = TensorShape("spectrum", [.quantity("frequencies", own)])
                let name = TargetModules.lastComponent(site.path)
                if let place = added.firstIndex(where: { $0.name == name && $0.tensors == [shape] }) {
                    added[place] = TensorGroup(name, copies: added[place].copies + 1, [shape])
                } else {
                    added.append(TensorGroup(name, [shape]))
                }
            }
            return try input.size([], added: added)
        })
}
