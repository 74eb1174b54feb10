/// The modules of a model as its family writes them down, in the model's order.
struct ModuleList {
    private(set) var modules: [ModuleShape] = []

    mutating func linear(
        _ path: String, outputs: Int, inputs: Int, bias: Bool, _ part: ModuleShape.Part, isTransposed: Bool = false,
        isTied: Bool = false
    ) {
        let (out, `in`) = (Formula.quantity("out", outputs), Formula.quantity("in", inputs))
        var tensors = [TensorShape("weight", isTransposed ? [`in`, out] : [out, `in`])]
        if bias { tensors.append(TensorShape("bias", [out])) }
        modules.append(
            ModuleShape(
                path: path, kind: .linear(outputs: outputs, inputs: inputs, isTransposed: isTransposed), part: part,
                tensors: tensors, isTied: isTied))
    }

    mutating func linear(_ linear: LinearShape, _ part: ModuleShape.Part, isTied: Bool = false) {
        self.linear(
            linear.path, outputs: linear.outputs, inputs: linear.inputs, bias: linear.hasBias, part, isTied: isTied)
    }

    mutating func embedding(_ path: String, rows: Int, width: Int) {
        let dimensions = [Formula.quantity("rows", rows), .quantity("d", width)]
        modules.append(
            ModuleShape(
                path: path, kind: .embedding(rows: rows, width: width), part: .embedding,
                tensors: [TensorShape("weight", dimensions)], isTied: false))
    }

    mutating func norm(_ path: String, width: Int, bias: Bool) {
        let names = bias ? ["weight", "bias"] : ["weight"]
        modules.append(
            ModuleShape(
                path: path, kind: .norm, part: .norm,
                tensors: names.map { TensorShape($0, [.quantity("d", width)]) }, isTied: false))
    }

    mutating func other(_ path: String, _ tensors: [TensorShape], _ part: ModuleShape.Part) {
        modules.append(ModuleShape(path: path, kind: .other, part: part, tensors: tensors, isTied: false))
    }
}
