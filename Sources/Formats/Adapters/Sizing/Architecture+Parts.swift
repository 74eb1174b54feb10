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
    /// Whether it is the module of this name, or a part of it.
    func isWithin(_ name: String) -> Bool {
        path == name || path.hasSuffix("." + name) || path.hasPrefix(name + ".") || path.contains("." + name + ".")
    }
}
