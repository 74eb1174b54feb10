package import Tensors

extension DecoderSizes {
    /// The names and shapes of the tensors of one block, and the paths of its parts, below `model.layers.N.`.
    package struct BlockTensors: Sendable {
        package let prefix: String
        private let sizes: DecoderSizes

        fileprivate init(_ sizes: DecoderSizes, layer: Int) {
            self.sizes = sizes
            prefix = "model.layers.\(layer)."
        }

        package var attention: String { prefix + "self_attn" }
        package var mlp: String { prefix + "mlp" }
        package var attentionNorm: NamedShape { norm("input_layernorm") }
        package var mlpNorm: NamedShape { norm("post_attention_layernorm") }
        package var queryKeyValue: [LinearShape] {
            let (size, keys) = (
                sizes.heads * sizes.headSize, sizes.keyHeads * sizes.headSize
            )
            return [("q_proj", size), ("k_proj", keys), ("v_proj", keys)].map { name, outputs in
                LinearShape(
                    path: attention + "." + name, outputs: outputs, inputs: sizes.hiddenSize,
                    hasBias: sizes.biases.queryKeyValue)
            }
        }
        package var output: LinearShape {
            LinearShape(
                path: attention + ".o_proj", outputs: sizes.hiddenSize,
                inputs: sizes.heads * sizes.headSize, hasBias: sizes.biases.output)
        }
        package var gateUp: [LinearShape] {
            ["gate_proj", "up_proj"].map { name in
                LinearShape(
                    path: mlp + "." + name, outputs: sizes.innerSize, inputs: sizes.hiddenSize,
                    hasBias: sizes.biases.mlp)
            }
        }
        package var down: LinearShape {
            LinearShape(
                path: mlp + ".down_proj", outputs: sizes.hiddenSize, inputs: sizes.innerSize,
                hasBias: sizes.biases.mlp)
        }

        private func norm(_ name: String) -> NamedShape {
            NamedShape(name: prefix + name + ".weight", shape: [sizes.hiddenSize])
        }
    }

    package func block(_ layer: Int) -> BlockTensors { BlockTensors(self, layer: layer) }

    package var embedding: NamedShape {
        NamedShape(name: "model.embed_tokens.weight", shape: [vocabularySize, hiddenSize])
    }
    package var norm: NamedShape { NamedShape(name: "model.norm.weight", shape: [hiddenSize]) }
    /// The head's matrix; that of the embeddings where they are tied.
    package var head: NamedShape {
        tiesEmbeddings ? embedding : NamedShape(name: "lm_head.weight", shape: [vocabularySize, hiddenSize])
    }
}

/// A tensor that an architecture has.
package struct NamedShape: Hashable, Sendable {
    package let name: String
    package let shape: Shape

    package init(name: String, shape: Shape) {
        self.name = name
        self.shape = shape
    }
}

/// A linear layer that an architecture has.
package struct LinearShape: Hashable, Sendable {
    package let path: String
    package let outputs: Int
    package let inputs: Int
    package let hasBias: Bool
    /// Whether its weight is kept as [inputs, outputs].
    package var isTransposed = false

    package var weight: NamedShape {
        NamedShape(name: path + ".weight", shape: isTransposed ? [inputs, outputs] : [outputs, inputs])
    }
    package var bias: NamedShape? { hasBias ? NamedShape(name: path + ".bias", shape: [outputs]) : nil }
}
