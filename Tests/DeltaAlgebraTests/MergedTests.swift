import Adapters
import DeltaAlgebra
import Diagnostics
import Checkpoints
import Files
import Interchange
import Support
import Tensors
import Testing

/// Every fixture that PEFT can merge, against PEFT.
@Suite struct MergedTests {
    @Test func haveEveryCase() {
        #expect(MergedFixtures.all.count >= 75)
    }

    /// Tensors that the base's file has under another name alone.
    static let tied = ["lora-bias-all": ["cls.predictions.decoder.bias"]]

    /// fp32 sums within 4·2⁻²⁴·(|W| + Σ|s·b·a|), everything else within 1e-6 of the row's norm.
    @Test(arguments: MergedFixtures.all) func sameAsPEFT(_ name: String) throws {
        let golden = try Golden(name)
        let adapter = try MergedFixtures.adapter(name)
        let application = try Application(adapter, base: golden.base)
        let refused = application.updates.refusals.map { $0.failure.object ?? "" }
        #expect(refused == Self.tied[name] ?? [])
        #expect(!golden.tensors.isEmpty)
        let bounds = try Application(try adapter.absolute(), base: golden.base)
        for rows in golden.tensors {
            let columns = rows.values.count / rows.rows.count
            let merged = try application.merged(rows.target)
            let original = try application.original(rows.target)
            // What is drawn has no magnitudes of its own.
            let isSum =
                adapter.parameters["save_projection"] == nil
                && application.updates.updates.allSatisfy {
                    $0.target != rows.target || ($0.effect == .sum && $0.entry.kind != .spectrum)
                }
            let bound = isSum ? try bounds.change(of: rows.target) : []
            var worst: Float = 0
            for (index, row) in rows.rows.enumerated() {
                let places = (row * columns)..<((row + 1) * columns)
                let wanted = rows.values[(index * columns)..<((index + 1) * columns)]
                let norm = original[places].reduce(0) { $0 + $1 * $1 }.squareRoot()
                for (place, value) in zip(places, wanted) {
                    let difference = abs(merged[place] - value)
                    let allowed = isSum ? 0x1p-22 * (abs(original[place]) + abs(bound[place])) : 1e-6 * norm
                    worst = max(worst, difference / allowed)
                }
            }
            #expect(worst <= 1, "\(rows.target) of \(name): \(worst) of what is allowed")
        }
    }

    static let layers = [
        "lora", "dora", "loha", "loha-cores", "lokr", "lokr-cores", "oft", "hra", "ia3",
    ]

    /// Convolutions: within 1e-6 of the tensor's norm over √rows.
    @Test(arguments: layers) func sameLayersAsPEFT(_ name: String) throws {
        let folder = Paths.joined(MergedFixtures.root, "merged/layers/\(name)")
        let base = try SafetensorsFile(InputFile(path: Paths.joined(folder, "base.safetensors")))
        let wanted = try SafetensorsFile(InputFile(path: Paths.joined(folder, "merged.safetensors")))
        let application = try Application(PEFTFolder.read(folder).adapter, file: base)
        #expect(application.updates.refusals.isEmpty)
        #expect(Set(application.updates.updates.map(\.target)) == Set(wanted.tensors.map(\.name)))
        for tensor in wanted.tensors {
            let values = try floats(of: #require(wanted.source(named: tensor.name)))
            let merged = try application.merged(tensor.name)
            let rows = Float(tensor.shape.dimensions[0])
            let norm = (values.reduce(0) { $0 + $1 * $1 } / rows).squareRoot()
            let worst = zip(merged, values).map { abs($0 - $1) }.max() ?? .infinity
            #expect(worst <= 1e-6 * norm, "\(tensor.name) of \(name): \(worst / norm) of the norm")
        }
    }
}
