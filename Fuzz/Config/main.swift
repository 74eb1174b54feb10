import DeltaFormat
import Diagnostics
import Files
import FuzzSupport
import Interchange
import Parallelism

// An adapter folder: what is understood is packed, and the container says the same.

/// One run: libFuzzer calls it with every input.
@c(LLVMFuzzerTestOneInput)
public func test(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let parts = FolderParts(unsafe input(data, count))
    guard let folder = accepted({ () throws(Failure) in try parts.read() }) else { return 0 }
    for finding in folder.findings { _ = finding.description }
    demanded("an adapter agrees with its own config") { () throws(Failure) in
        try PEFTFolder.checkConflict(folder.adapter)
    }
    // A name that does not go along into the next run's folder.
    let path = Paths.joined(ScratchFile.folder, "packed.lock")
    let trailer = accepted { () throws(Failure) in
        let output = try OutputFile.create(at: path, replacing: true, durability: .none)
        let trailer = try ContainerWriter(compression: .fast, lanes: Lanes(count: 1)).write(folder.adapter, to: output)
        try output.commit()
        return trailer
    }
    guard let trailer else { return 0 }
    demanded("what was packed can be verified") { () throws(Failure) in
        let container = try Container(InputFile(path: path))
        try container.verify(.full, lanes: Lanes(count: 1))
        try PEFTFolder.checkConflict(container.adapter)
        require(container.contentDigest == trailer.contentDigest, "the writer tells what it wrote")
    }
    return 0
}

/// Makes the next input from one at hand.
@c(LLVMFuzzerCustomMutator)
public func change(_ data: UnsafeMutablePointer<UInt8>?, _ count: Int, _ limit: Int, _ seed: CUnsignedInt) -> Int {
    unsafe mutate(data, count, limit, seed) { bytes, dice in
        var parts = FolderParts(bytes)
        if dice.roll(2) == 0 {
            parts.config = plainlyMutated(parts.config)
        } else {
            parts.text = plainlyMutated(parts.text)
        }
        return parts.bytes
    }
}
