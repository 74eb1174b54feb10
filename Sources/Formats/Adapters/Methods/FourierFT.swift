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
        source: "Gao et al., Parameter-Efficient Fine-Tuning with Discrete Fourier Transform, 2024")
}
