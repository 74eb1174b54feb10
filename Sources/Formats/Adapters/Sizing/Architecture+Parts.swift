package import Architectures

extension Architecture {
    /// All its biases, those of a new head left out.
    package var biases: [TensorGroup] {
        tensors { module, tensor in
            tensor.name == "bias" && !(head.isClassification && module.part == .head)
        }
    }
}

extension ModuleShape {
    /// Whether it is a module that `modules_to_save` means, or a part of one: as in PEFT a path need only end in the
    /// name, so that `norm` also means `input_layernorm`.
    func isWithin(_ name: String) -> Bool { path.hasSuffix(name) || path.contains(name + ".") }
}
