import Diagnostics
import Tensors

/// Kinds that change a tensor of the base element by element. Parameter `mode`: "add" or "replace", and for masks "keep".
extension KindRule {
    private static let integers: [DType] = [.u8, .u16, .u32, .u64, .i8, .i16, .i32, .i64]
    private static let differences: [DType] = [.u8, .u16, .u32, .u64]

    /// A vector of one number per output; it replaces the base's unless `mode` says "add".
    static let bias = KindRule(required: [.value]) { tensors, parameters throws(Failure) in
        _ = try tensors.word("mode", ["add", "replace"], standard: "replace", parameters)
        _ = try tensors.dimensions(.value, rank: 1)
    }

    /// A whole difference; it is added unless `mode` says "replace".
    static let dense = KindRule(required: [.value]) { tensors, parameters throws(Failure) in
        _ = try tensors.word("mode", ["add", "replace"], standard: "add", parameters)
    }

    /// Values [n] at places [n] of the flattened tensor, or [d, n] by coordinates; added unless `mode` says "replace".
    /// With `places` "gaps": bytes of gaps [m], values [n] and counts U32 [windows, 2], and `mode` is "difference" or
    /// "replace".
    static let sparse = KindRule(
        required: [.indices, .value], optional: [.counts]
    ) { tensors, parameters throws(Failure) in
        if parameters["places"] != nil { return try gaps(tensors, parameters) }
        guard tensors[.counts] == nil else { throw tensors.fail("counts belong to places of the form gaps") }
        _ = try tensors.word("mode", ["add", "replace"], standard: "add", parameters)
        // PEFT on Windows writes places as F32.
        try tensors.expect(.indices, integers + [.f32])
        let count = try tensors.dimensions(.value, rank: 1)[0]
        let indices = try tensors.dimensions(.indices)
        guard let last = indices.last, indices.count <= 2, EntryTensors.fit(last, count) else {
            throw tensors.fail("there are other numbers of places and of values")
        }
    }

    private static func gaps(_ tensors: EntryTensors, _ parameters: Parameters) throws(Failure) {
        _ = try tensors.word("places", ["gaps"], standard: "gaps", parameters)
        let mode = try tensors.word("mode", ["difference", "replace"], standard: "difference", parameters)
        try tensors.expect(.indices, [.u8])
        try tensors.expect(.counts, [.u32])
        if mode == "difference" { try tensors.expect(.value, differences) }
        let bytes = try tensors.dimensions(.indices, rank: 1)[0]
        let values = try tensors.dimensions(.value, rank: 1)[0]
        guard bytes >= values else { throw tensors.fail("there are more values than gaps") }
        try tensors.expectEqual(2, try tensors.matrix(.counts).columns, "the columns of counts")
    }

    /// A bit for every element of the target, and the values of those whose bit is set: [popcount].
    static let mask = KindRule(required: [.bitmap], optional: [.value]) { tensors, parameters throws(Failure) in
        let mode = try tensors.word("mode", ["keep", "add", "replace"], standard: "keep", parameters)
        try tensors.expect(.bitmap, [.bit])
        guard (mode == "keep") == (tensors[.value] == nil) else {
            throw tensors.fail("values belong to the modes add and replace")
        }
        guard tensors[.value] != nil else { return }
        let values = try tensors.dimensions(.value, rank: 1)[0]
        let bits = try tensors.count(.bitmap)
        guard values <= bits || bits == 0 else { throw tensors.fail("there are more values than bits") }
    }

    /// ΔW = ±scale by element: a bit for every sign, and one scale or one per row.
    static let signs = KindRule(required: [.bitmap, .scale]) { tensors, _ throws(Failure) in
        try tensors.expect(.bitmap, [.bit])
        let bitmap = try tensors.dimensions(.bitmap)
        let scales = try tensors.count(.scale)
        guard scales <= 1 || bitmap.first.map({ EntryTensors.fit(scales, $0) }) == true else {
            throw tensors.fail("the scales fit neither tensor nor rows")
        }
    }

    /// A lossless difference: a step between the base's bits and the result's for every element.
    static let exact = KindRule(required: [.value]) { tensors, _ throws(Failure) in
        try tensors.expect(.value, differences)
    }

    /// What leads from the element that arithmetic predicts to the one that was, for every element.
    static let correction = KindRule(required: [.value]) { tensors, _ throws(Failure) in
        try tensors.expect(.value, differences)
    }

    /// The tensor itself.
    static let full = KindRule(required: [.value])

    /// The base's tensor is not there.
    static let removed = KindRule(required: [])

    /// The tensor is another's: parameter `of` names it.
    static let alias = KindRule(required: []) { tensors, parameters throws(Failure) in
        guard let name = parameters["of"]?.string, !name.isEmpty else {
            throw Failure(.badParameter, "an alias does not say of what")
        }
    }

    /// Rows beyond the base's: [rows, …].
    static let extend = KindRule(required: [.value]) { tensors, _ throws(Failure) in
        guard try !tensors.dimensions(.value).isEmpty else { throw tensors.fail("a scalar has no rows") }
    }

    /// Rows of the base that these stand for: [n, d]; their places here [n], or in the method's config.
    static let rows = KindRule(required: [.value], optional: [.indices]) { tensors, _ throws(Failure) in
        let count = try tensors.matrix(.value).rows
        try tensors.expect(.indices, [count])
        try tensors.expect(.indices, integers)
    }
}
