import Diagnostics
import Tensors

/// The modules of an architecture by their paths. A path that it has not is a fault of the program.
extension Architecture {
    package func has(_ path: String) -> Bool { modules.contains { $0.path == path } }

    package func linear(_ path: String) -> LinearShape {
        guard let linear = modules.first(where: { $0.path == path })?.linear else {
            preconditionFailure("no linear layer \(path)")
        }
        return linear
    }

    /// The weight of an embedding.
    package func table(_ path: String) -> NamedShape {
        guard let module = modules.first(where: { $0.path == path }), case .embedding(let rows, let width) = module.kind
        else { preconditionFailure("no embedding \(path)") }
        return NamedShape(name: path + ".weight", shape: [rows, width])
    }

    /// The linear layers that methods adapt, those with one input together, from the lowest block up: the head's are not
    /// among them.
    package var projections: [[LinearShape]] {
        var projections: [[LinearShape]] = []
        for module in modules {
            guard module.part != .head, let linear = module.linear else { continue }
            if let last = projections.last?.last, Self.sharesInput(linear.path, with: last.path) {
                projections[projections.count - 1].append(linear)
            } else {
                projections.append([linear])
            }
        }
        return projections
    }

    /// Layers beside each other with one input.
    private static let together: [Set<String>] = [
        ["q_proj", "k_proj", "v_proj"], ["query", "key", "value"], ["q_lin", "k_lin", "v_lin"],
        ["gate_proj", "up_proj"],
    ]

    private static func sharesInput(_ path: String, with other: String) -> Bool {
        let (own, others) = (path.split(separator: "."), other.split(separator: "."))
        guard own.dropLast() == others.dropLast(), let name = own.last, let beside = others.last else { return false }
        return together.contains { $0.contains(String(name)) && $0.contains(String(beside)) }
    }
}

extension ModuleShape {
    /// Nil for what is no linear layer.
    fileprivate var linear: LinearShape? {
        guard case .linear(let outputs, let inputs, let isTransposed) = kind else { return nil }
        return LinearShape(
            path: path, outputs: outputs, inputs: inputs, hasBias: tensors.count == 2, isTransposed: isTransposed)
    }
}
