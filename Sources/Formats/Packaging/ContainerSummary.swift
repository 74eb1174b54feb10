import Diagnostics
package import Adapters
package import DeltaFormat
package import Digests
import Files
import Interchange
package import JSON
import Tensors

/// What a container says of itself, read from its index alone.
package struct ContainerSummary: Sendable {
    package struct Tensor: Sendable {
        package let role: String
        package let dtype: String
        package let shape: String
        package let logicalBytes: Int
        package let storedBytes: Int
        fileprivate let dimensions: [Int]
    }

    package struct Entry: Sendable {
        package let key: EntryKey
        package let parameters: Parameters
        package let tensors: [Tensor]
        /// What it knows of the base's tensor and of the result's.
        package let binding: EntryBinding?

        /// The inner dimension of a low-rank entry; nil for kinds that have none.
        package let rank: Int?
    }

    package let method: String
    package let parameters: Parameters
    package let metadata: [(key: String, value: String)]
    /// Where it comes from, if it says so.
    package let lineage: Lineage?
    package let entries: [Entry]
    package let contentDigest: Digest
    package let indexDigest: Digest
    /// The first one, where there are several.
    package let base: BaseReference?
    package let logicalBytes: Int
    /// The size of the file.
    package let storedBytes: Int
    /// How many numbers the adapter has: files left out.
    package let parameterCount: Int

    package var tensorCount: Int { entries.reduce(0) { $0 + $1.tensors.count } }

    /// How many entries of each kind, in the order of the kinds.
    package var kinds: [(word: String, count: Int)] {
        var counts: [Kind: Int] = [:]
        for entry in entries { counts[entry.key.kind, default: 0] += 1 }
        return counts.sorted { $0.key.rawValue < $1.key.rawValue }.map { ($0.key.word, $0.value) }
    }

    package init(_ container: Container) {
        let adapter = container.adapter
        method = adapter.method
        parameters = adapter.parameters
        metadata = adapter.metadata.sorted { $0.key.precedesInBytes($1.key) }.map { ($0.key, $0.value) }
        lineage = Lineage(of: adapter)
        contentDigest = container.contentDigest
        indexDigest = container.indexDigest
        base = adapter.bases.first
        logicalBytes = container.layout.logicalBytes
        storedBytes = container.file.size
        var number = 0
        var count = 0
        entries = adapter.entries.map { entry in
            let tensors = entry.tensors.map { tensor in
                defer { number += 1 }
                let holdsNumbers = tensor.role.part == .whole || tensor.role.part == .codes
                if entry.key.kind != .file, tensor.role.isFactor, holdsNumbers {
                    count += tensor.source.byteCount * 8 / tensor.source.dtype.bits
                }
                return Tensor(
                    role: tensor.role.word, dtype: tensor.source.dtype.name, shape: tensor.source.shape.description,
                    logicalBytes: tensor.source.byteCount, storedBytes: container.storedBytes(of: number),
                    dimensions: tensor.source.shape.dimensions)
            }
            let isLowRank = [Kind.lora, .adalora].contains(entry.key.kind)
            return Entry(
                key: entry.key, parameters: entry.parameters, tensors: tensors, binding: entry.binding,
                rank: isLowRank ? (entry[.a] ?? entry[Role.a.part(.codes)])?.shape.dimensions.first : nil)
        }
        parameterCount = count
    }
}

extension ContainerSummary {
    /// The document of `inspect --json`.
    package func document(blobDigest: Digest?) -> JSONValue {
        [
            "format": "tenon",
            "contentDigest": .string("\(contentDigest)"),
            "indexDigest": .string("\(indexDigest)"),
            "blobDigest": blobDigest.map { .string("\($0)") } ?? nil,
            "base": base?.document ?? nil,
            "method": .string(method),
            "config": parameters.document,
            "lineage": lineage?.document ?? nil,
            "parameters": JSONValue(parameterCount),
            "logicalBytes": JSONValue(logicalBytes),
            "storedBytes": JSONValue(storedBytes),
            "entries": .array(entries.map(\.document)),
        ]
    }
}

extension BaseReference {
    var document: JSONValue { ["root": .string("\(root)"), "headerDigest": .string("\(headerDigest)")] }
}

extension ContainerSummary.Entry {
    fileprivate var document: JSONValue {
        [
            "target": .string(key.target), "kind": .string(key.kind.word), "ordinal": JSONValue(Int(key.ordinal)),
            "rank": rank.map { JSONValue($0) } ?? nil, "config": parameters.document,
            "baseLeaf": (binding?.baseLeaf).map { .string("\($0)") } ?? nil,
            "resultLeaf": (binding?.resultLeaf).map { .string("\($0)") } ?? nil,
            "tensors": .array(
                tensors.map { tensor in
                    [
                        "role": .string(tensor.role), "dtype": .string(tensor.dtype),
                        "shape": .array(tensor.dimensions.map { JSONValue($0) }),
                        "logicalBytes": JSONValue(tensor.logicalBytes), "storedBytes": JSONValue(tensor.storedBytes),
                    ]
                }),
        ]
    }
}
