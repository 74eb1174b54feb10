import Diagnostics
import Tensors

/// Kinds that hold what concerns no one tensor of the base.
extension KindRule {
    /// A file's bytes: parameter `layout`.
    ///
    /// - `verbatim`: value U8 [n], or nothing where the file is empty;
    /// - `safetensors`: nothing where the header can be made again, else frame U8 [8 + n], the file up to its data;
    /// - `checkpoint`: frame U8 [8 + n], the file up to its data, which are tensors of the result; parameter `size`;
    /// - `base`: nothing, for the base has the file: parameters `from` and `digest`;
    /// - `splice`: frame U8 [n], the file without its tensors, and splices U64 [k, 2].
    static let file = KindRule(
        required: [], optional: [.value, .frame, .splices]
    ) { tensors, parameters throws(Failure) in
        let layout = try tensors.word(
            "layout", ["verbatim", "safetensors", "splice", "checkpoint", "base"], standard: "verbatim", parameters)
        let allowed: [Role] =
            switch layout {
            case "verbatim": [.value]
            case "safetensors", "checkpoint": [.frame]
            case "base": []
            default: [.frame, .splices]
            }
        for role in tensors.factors where !allowed.contains(role) {
            throw tensors.fail("a \(layout) file has no tensor \(role.word)")
        }
        for role in [Role.value, .frame] where tensors[role] != nil {
            try tensors.expect(role, [.u8])
            _ = try tensors.dimensions(role, rank: 1)
        }
        if layout == "checkpoint" { try checkCheckpoint(tensors, parameters) }
        if layout == "base" { try checkCopy(parameters) }
        guard layout == "splice" else { return }
        _ = try tensors.dimensions(.frame, rank: 1)
        guard tensors[.splices] != nil else { return }
        try tensors.expect(.splices, [.u64])
        try tensors.expectEqual(2, try tensors.matrix(.splices).columns, "the columns of splices")
    }

    /// A file of tensors has a header, and is as long at least.
    private static func checkCheckpoint(_ tensors: EntryTensors, _ parameters: Parameters) throws(Failure) {
        let frame = try tensors.dimensions(.frame, rank: 1)[0]
        guard let size = parameters["size"]?.int, size >= frame else {
            throw Failure(
                .badParameter, "a file of tensors does not say how large it is", expected: "size, at least \(frame)",
                actual: parameters["size"]?.summary)
        }
    }

    /// A file of the base has a name there and a digest.
    private static func checkCopy(_ parameters: Parameters) throws(Failure) {
        guard let name = parameters["from"]?.string, !name.isEmpty else {
            throw Failure(.badParameter, "a file of the base does not say which")
        }
        guard let digest = parameters["digest"]?.string, digest.isDigest else {
            throw Failure(
                .badParameter, "a file of the base lacks its digest", expected: "64 hexadecimal digits",
                actual: parameters["digest"]?.summary)
        }
    }

    /// A tensor nobody here understands, under the name it came with.
    static let opaque = KindRule(required: [.value])

    /// What the method's entries refer to by role: projections A and B, a bank of vectors.
    static let shared = KindRule(required: [], optional: [.a, .b, .bank])
}
