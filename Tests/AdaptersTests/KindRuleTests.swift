import Adapters
import Diagnostics
import Tensors
import Testing

@Suite("Rules of kinds")
struct KindRuleTests {
    private func code(
        _ kind: Kind, _ tensors: [(Role, [Int])], _ parameters: Parameters = [:], dtypes: [Role: DType] = [:]
    ) -> Failure.Code? {
        let described = tensors.map {
            TensorDescription(role: $0.0, dtype: dtypes[$0.0] ?? .f32, shape: Shape($0.1))
        }
        do throws(Failure) {
            try kind.validate(described, parameters: parameters)
            return nil
        } catch {
            return error.code
        }
    }

    @Test("what is well formed passes")
    func good() {
        #expect(code(.lora, [(.a, [2, 8]), (.b, [4, 2]), (.magnitude, [4]), (.bias, [4]), (.lambda, [2])]) == nil)
        #expect(code(.lora, [(.a, [2, 8, 3, 3]), (.b, [4, 2, 1, 1]), (.magnitude, [1, 4, 1, 1])]) == nil)
        #expect(code(.lora, [(.a, [4, 8]), (.b, [4, 2])], ["form": "blocks"]) == nil)
        #expect(code(.adalora, [(.a, [2, 8]), (.b, [4, 2]), (.e, [2, 1])]) == nil)
        #expect(code(.hadamard, [(.w1A, [4, 2]), (.w1B, [2, 8]), (.w2A, [4, 3]), (.w2B, [3, 8])]) == nil)
        #expect(
            code(
                .hadamard,
                [
                    (.w1A, [2, 4]), (.w1B, [2, 8]), (.w2A, [2, 4]), (.w2B, [2, 8]), (.t1, [2, 2, 3, 3]),
                    (.t2, [2, 2, 3, 3]),
                ])
                == nil)
        #expect(code(.kronecker, [(.w1, [2, 2]), (.w2A, [4, 2]), (.w2B, [2, 8])]) == nil)
        #expect(code(.orthogonal, [(.rotation, [4, 28])]) == nil)
        #expect(code(.butterfly, [(.rotation, [1, 8, 4, 4]), (.scale, [16, 1])]) == nil)
        #expect(code(.shards, [(.value, [4, 8, 8])]) == nil)
        #expect(code(.ia3, [(.scale, [1, 16])]) == nil)
        #expect(code(.prefix, [(.value, [3, 128])]) == nil)
        #expect(
            code(.prompt, [(.value, [4, 8]), (.taskColumns, [3, 4, 2]), (.taskRows, [3, 2, 8])]) == nil)
        #expect(code(.gatedPrompt, [(.value, [1, 3, 8]), (.gate, [1])]) == nil)
        #expect(code(.sparse, [(.value, [5]), (.indices, [2, 5])], dtypes: [.indices: .i32]) == nil)
        #expect(code(.mask, [(.bitmap, [4, 4])], dtypes: [.bitmap: .bit]) == nil)
        #expect(code(.alias, [], ["of": "x"]) == nil)
        #expect(code(.file, [], ["layout": "verbatim"]) == nil)
        #expect(code(Kind(rawValue: 999), [(.value, [0])], ["what": "ever"]) == nil)
    }

    @Test("shapes that do not fit are refused")
    func shapes() {
        #expect(code(.lora, [(.a, [2, 8])]) == .kindShape)
        #expect(code(.lora, [(.a, [2, 8]), (.b, [4, 3])]) == .kindShape)
        #expect(code(.lora, [(.a, [2, 8]), (.b, [4, 2, 1, 1])]) == .kindShape)
        #expect(code(.lora, [(.a, [0, 8]), (.b, [4, 0])]) == .kindShape)
        #expect(code(.lora, [(.a, [3, 8]), (.b, [4, 2])], ["form": "blocks"]) == .kindShape)
        #expect(code(.lora, [(.a, [2, 8]), (.b, [4, 2]), (.magnitude, [8])]) == .kindShape)
        #expect(code(.adalora, [(.a, [2, 8]), (.b, [4, 2]), (.e, [2])]) == .kindShape)
        #expect(code(.hadamard, [(.w1A, [4, 2]), (.w1B, [2, 8]), (.w2A, [5, 3]), (.w2B, [3, 8])]) == .kindShape)
        #expect(code(.kronecker, [(.w1, [2, 2])]) == .kindShape)
        #expect(code(.kronecker, [(.w1, [2, 2]), (.w1A, [2, 2]), (.w1B, [2, 2]), (.w2, [2, 2])]) == .kindShape)
        #expect(code(.kronecker, [(.w1, [2, 2]), (.w2, [2, 2]), (.t2, [2, 2, 3])]) == .kindShape)
        #expect(code(.orthogonal, [(.rotation, [4, 29])]) == .kindShape)
        #expect(code(.ia3, [(.scale, [2, 16])]) == .kindShape)
        #expect(code(.prompt, [(.value, [4, 8]), (.taskColumns, [3, 4, 2]), (.taskRows, [2, 2, 8])]) == .kindShape)
        #expect(code(.sparse, [(.value, [5]), (.indices, [4])], dtypes: [.indices: .u32]) == .kindShape)
        #expect(code(.sparse, [(.value, [5]), (.indices, [5])], dtypes: [.indices: .bf16]) == .kindShape)
        #expect(code(.mask, [(.bitmap, [2]), (.value, [3])], ["mode": "add"], dtypes: [.bitmap: .bit]) == .kindShape)
        #expect(code(.rows, [(.value, [3, 8]), (.indices, [2])], dtypes: [.indices: .u32]) == .kindShape)
        #expect(code(.file, [(.value, [3])], ["layout": "safetensors"]) == .kindShape)
        #expect(
            code(
                .file, [(.frame, [3]), (.splices, [1, 3])], ["layout": "splice"], dtypes: [.frame: .u8, .splices: .u64])
                == .kindShape)
    }

    @Test("tensors that a kind does not have are refused")
    func roles() {
        #expect(code(.lora, [(.a, [2, 8]), (.b, [4, 2]), (.gate, [1])]) == .unknownEnum)
        #expect(code(.removed, [(.value, [1])]) == .unknownEnum)
        #expect(code(.full, [(Role(rawValue: 0x0900), [1])]) == .unknownEnum)
    }

    @Test("parameters out of range are refused")
    func parameters() {
        #expect(code(.lora, [(.a, [2, 8]), (.b, [4, 2])], ["form": "sideways"]) == .badParameter)
        #expect(code(.bias, [(.value, [4])], ["mode": "keep"]) == .badParameter)
        #expect(code(.bias, [(.value, [4])], ["x": .list([.double(.nan)])]) == .badParameter)
        #expect(code(.alias, []) == .badParameter)
        #expect(code(.lora, [], ["empty": 1]) == .badParameter)
        #expect(code(.lora, [], ["empty": .map([.init("A", .list(["F32", 2]))])]) == .badParameter)
        let method = Method.lora
        for (key, value) in [("r", ParameterValue.int(0)), ("r", .double(1.5)), ("lora_alpha", .double(.infinity))] {
            #expect(throws: Failure.self) { try method.validate([key: value]) }
        }
    }

    @Test("tensors without elements stand in their entry's parameters")
    func empty() {
        var parameters = Parameters()
        let tensors = [
            EmptyTensor(role: .a, dtype: .f32, shape: [0, 8]), EmptyTensor(role: .b, dtype: .bf16, shape: [4, 0]),
        ]
        parameters.setEmptyTensors(tensors)
        #expect(parameters.emptyTensors == tensors)
        #expect(code(.lora, [], parameters) == nil)
        parameters.setEmptyTensors([])
        #expect(parameters.isEmpty)
        #expect(code(.lora, [], parameters) == .kindShape)
    }

    /// An entry of some tensors with elements and some without.
    private func code(_ kind: Kind, _ tensors: [(Role, [Int])], empty: [(Role, [Int])]) -> Failure.Code? {
        var parameters = Parameters()
        parameters.setEmptyTensors(empty.map { EmptyTensor(role: $0.0, dtype: .f32, shape: Shape($0.1)) })
        return code(kind, tensors, parameters)
    }

    @Test("beside one without elements the others must fit, and it must fit them in all but its side of zero")
    func emptyBesides() {
        #expect(code(.adalora, [], empty: [(.a, [0, 8]), (.b, [4, 0]), (.e, [0, 1])]) == nil)
        #expect(code(.adalora, [], empty: [(.a, [0, 8]), (.b, [4, 0]), (.e, [0, 2])]) == .kindShape)
        #expect(code(.adalora, [(.a, [2, 8])], empty: [(.b, [4, 0]), (.e, [0, 1])]) == nil)
        #expect(code(.adalora, [(.a, [2, 8]), (.b, [4, 3])], empty: [(.e, [0, 1])]) == .kindShape)
        #expect(code(.lora, [(.b, [4, 2])], empty: [(.a, [0])]) == nil)
        #expect(code(.lora, [], empty: [(.a, [0]), (.b, [0])]) == nil)
        #expect(code(.lora, [(.b, [4])], empty: [(.a, [0])]) == .kindShape)
        #expect(code(.lora, [], empty: [(.a, [0, 0]), (.b, [4, 0])]) == .kindShape)
        #expect(code(.lora, [], empty: [(.a, [0, 8, 1]), (.b, [4, 0])]) == .kindShape)
        #expect(code(.lora, [(.b, [4, 2]), (.magnitude, [5])], empty: [(.a, [0, 8])]) == .kindShape)
        #expect(code(.lora, [(.a, [2, 8]), (.b, [4, 2])], empty: [(.a, [0, 8])]) == .kindShape)
        #expect(code(.lora, [(.a, [4, 8, 1])], empty: [(.b, [4, 0, 1])]) == nil)
        #expect(
            code(.hadamard, [(.w1A, [4, 2]), (.w1B, [2, 8])], empty: [(.w2A, [5, 0]), (.w2B, [0, 8])]) == .kindShape)
        #expect(code(.kronecker, [(.w1, [2, 2])], empty: [(.w2, [0])]) == nil)
        #expect(code(.vectorBank, [(.logitsA, [2, 3, 4])], empty: [(.logitsB, [3, 2, 0])]) == nil)
        #expect(code(.orthogonal, [], empty: [(.rotation, [0, 28])]) == nil)
        #expect(code(.orthogonal, [], empty: [(.rotation, [0, 29])]) == .kindShape)
        #expect(code(.ia3, [], empty: [(.scale, [3, 0, 2])]) == .kindShape)
        #expect(code(.shards, [], empty: [(.value, [0, 8, 4])]) == .kindShape)
        #expect(code(.opaque, [], empty: [(.value, [0, 0])]) == nil)
    }

    @Test("parts of quantized factors must fit")
    func quantized() {
        let scheme: Parameters = ["scheme": "int8", "block": 64, "dtype": "F32"]
        let b = (Role.b, [4, 2])
        let codes = Role.a.part(.codes)
        let scales = Role.a.part(.scales)
        let types: [Role: DType] = [codes: .i8]
        func quantized(_ scalesShape: [Int], _ parameters: Parameters, _ types: [Role: DType]) -> Failure.Code? {
            code(.lora, [(codes, [2, 40]), (scales, scalesShape), b], parameters, dtypes: types)
        }
        #expect(quantized([2], scheme, types) == nil)
        #expect(quantized([1], scheme, types) == .quantizationParameter)
        #expect(quantized([2], scheme, [codes: .u8]) == .quantizationParameter)
        #expect(quantized([2], [:], types) == .quantizationParameter)
        #expect(quantized([2], ["scheme": "int8", "block": 0], types) == .quantizationParameter)
        #expect(quantized([2], ["scheme": "int3", "block": 64], types) == .quantizationParameter)
        #expect(quantized([2], ["scheme": "int8", "block": 64, "dtype": "I8"], types) == .quantizationParameter)
        #expect(quantized([2], ["scheme": "int8", "block": 64, "outer_block": 256], types) == .quantizationParameter)
        #expect(
            code(.lora, [(.a, [2, 40]), (codes, [2, 40]), (scales, [2]), b], scheme, dtypes: types)
                == .quantizationParameter)
        #expect(code(.lora, [(codes, [2, 40]), b], scheme, dtypes: types) == .quantizationParameter)
        let outer = Role.a.part(.outerScales)
        let double: Parameters = ["scheme": "nf4", "block": 64, "outer_block": 256, "dtype": "BF16"]
        #expect(
            code(
                .lora, [(codes, [2, 40]), (scales, [2]), (outer, [2]), b], double, dtypes: [codes: .nf4, scales: .u8])
                == nil)
        #expect(
            code(
                .lora, [(codes, [2, 40]), (scales, [2]), (outer, [1]), b], double, dtypes: [codes: .nf4, scales: .u8])
                == .quantizationParameter)
    }

    @Test("differences are unsigned, few changes have counts, files of a delta say which")
    func deltas() {
        for kind in [Kind.exact, .correction] {
            #expect(code(kind, [(.value, [3, 4])], [:], dtypes: [.value: .u16]) == nil)
            #expect(code(kind, [(.value, [3, 4])], [:], dtypes: [.value: .i16]) == .kindShape)
        }
        let gaps: [(Role, [Int])] = [(.indices, [3]), (.value, [2]), (.counts, [1, 2])]
        let types: [Role: DType] = [.indices: .u8, .value: .u16, .counts: .u32]
        #expect(code(.sparse, gaps, ["places": "gaps"], dtypes: types) == nil)
        #expect(code(.sparse, gaps, ["places": "bits"], dtypes: types) == .badParameter)
        #expect(code(.sparse, gaps, [:], dtypes: types) == .kindShape)
        #expect(code(.sparse, Array(gaps.dropLast()), ["places": "gaps"], dtypes: types) == .kindShape)
        let checkpoint: Parameters = ["layout": "checkpoint", "size": 20]
        #expect(code(.file, [(.frame, [16])], checkpoint, dtypes: [.frame: .u8]) == nil)
        #expect(code(.file, [(.frame, [21])], checkpoint, dtypes: [.frame: .u8]) == .badParameter)
        #expect(code(.file, [], checkpoint) == .kindShape)
        let digest = ParameterValue.string(String(repeating: "a", count: 64))
        #expect(code(.file, [], ["layout": "base", "from": "x", "digest": digest]) == nil)
        #expect(code(.file, [], ["layout": "base", "from": "x", "digest": "a"]) == .badParameter)
        #expect(code(.file, [], ["layout": "base", "digest": digest]) == .badParameter)
    }
}
