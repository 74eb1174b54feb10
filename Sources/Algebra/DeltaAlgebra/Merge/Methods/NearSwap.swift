import Diagnostics

/// The other model where it is near the base, else a step towards it: alchemonaut, QuartetAnemoi-70B, 2024.
struct NearSwap: MergeMethod {
    let word = "nearswap"
    let base = BaseNeed.required
    let modelCount = 1...1
    let settings = [MergeSetting("t", .tensor, nil, in: 0...Double.greatestFiniteMagnitude)]
    let lacks = TensorLack.copiedFromBase

    func merger(of tensor: TensorMerge) throws(Failure) -> any TensorMerger {
        Step(t: Float(try value("t", in: tensor.values)))
    }

    private struct Step: DirectMerger {
        let t: Float

        func merge(_ block: MergeBlock) {
            block.swapNear(.input(0), within: t)
        }
    }
}
