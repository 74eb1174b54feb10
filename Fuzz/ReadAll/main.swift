import DeltaFormat
import Digests
import Files
import Diagnostics
import FuzzSupport
import Packaging
import Parallelism
import Tensors

// Everything behind the checksums: planes, frames, tensors, the rules for values, and the writer with what was read.

private enum Limit {
    static let logicalBytes = 1 << 20
}

/// The bytes of a tensor, read whole and in pieces; nil where it cannot be read.
private func content(of tensor: ContainerTensor) -> [UInt8]? {
    guard let whole = accepted({ () throws(Failure) in try tensor.readAll() }) else { return nil }
    let third = whole.count / 3
    let middle = demanded("what can be read whole can be read in part") { () throws(Failure) in
        try tensor.read(at: third, count: whole.count - 2 * third)
    }
    require(middle[...] == whole[third..<whole.count - third], "a part is a part of the whole")
    return whole
}

/// A container made of what was read does the same as the one it was read from.
private func rewrite(_ container: Container) {
    let path = Paths.joined(ScratchFile.folder, "copy")
    let trailer = accepted { () throws(Failure) in
        let output = try OutputFile.create(at: path, replacing: true, durability: .none)
        let trailer = try ContainerWriter(compression: .fast, lanes: Lanes(count: 1)).write(
            container.adapter, to: output)
        try output.commit()
        return trailer
    }
    guard let trailer else { return }
    let copy = demanded("what was written can be opened") { () throws(Failure) in
        try Container(InputFile(path: path))
    }
    demanded("what was written can be verified") { () throws(Failure) in
        try copy.verify(.full, lanes: Lanes(count: 1))
    }
    guard container.index.bases.isEmpty else { return }
    require(trailer.contentDigest == container.contentDigest, "a copy has the content of its original")
}

/// One run: libFuzzer calls it with every input.
@c(LLVMFuzzerTestOneInput)
public func test(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = unsafe input(data, count)
    var parts = Parts(bytes)
    parts.repairPlanes()
    let isSound = parts.layout().map { (try? $0.index.validate()) != nil } ?? false
    let first = ScratchFile.shared.holding(parts.container())
    guard let draft = accepted({ () throws(Failure) in try Container(first) }) else {
        require(!isSound, "a sound index with all checksums right is accepted")
        return 0
    }
    guard draft.layout.logicalBytes <= Limit.logicalBytes else { return 0 }
    let contents = draft.index.tensors.indices.map { content(of: draft.source($0)) }
    parts.repairDigests(draft)

    let file = ScratchFile.shared.holding(parts.container())
    let container = demanded("repaired digests change nothing else") { () throws(Failure) in try Container(file) }
    let isVerified = accepted { () throws(Failure) in try container.verify(.full, lanes: Lanes(count: 1)) } != nil
    require(isVerified == !contents.contains(nil), "verified is what can be read")
    // The rest takes longer and is done for some inputs, always the same ones.
    guard isVerified, case let lot = XXH3.hash(bytes) % 32, lot < 8 else { return 0 }
    accepted { () throws(Failure) in
        try Verification.run(on: file, level: .quick, values: true, lanes: Lanes(count: 1))
    }
    if lot == 0 { rewrite(container) }
    return 0
}

/// Makes the next input from one at hand.
@c(LLVMFuzzerCustomMutator)
public func change(_ data: UnsafeMutablePointer<UInt8>?, _ count: Int, _ limit: Int, _ seed: CUnsignedInt) -> Int {
    unsafe mutate(data, count, limit, seed) { bytes, dice in
        var parts = Parts(bytes)
        switch dice.roll(8) {
        case 0: return plainlyMutated(bytes)
        case 1: parts.isAlignedToPages.toggle()
        case 2...3: parts.data = plainlyMutated(parts.data)
        default: parts.index = mutatedIndex(parts.index, &dice)
        }
        return parts.bytes
    }
}
