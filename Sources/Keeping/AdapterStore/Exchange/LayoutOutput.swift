import Diagnostics
import Digests
import Files

/// Where an image layout is written: a folder, or a tar. It appears whole or not at all.
enum LayoutOutput {
    case folder(OutputFolder)
    case tar(TarWriter, OutputFile)

    static func isTar(_ path: String) -> Bool { path.hasSuffix(".tar") }

    static func create(at path: String, replacing: Bool) throws(Failure) -> LayoutOutput {
        if isTar(path) {
            let file = try OutputFile.create(at: path, replacing: replacing)
            return .tar(TarWriter(file), file)
        }
        return .folder(try OutputFolder.create(at: path, replacing: replacing))
    }

    func add(_ name: String, _ bytes: [UInt8]) throws(Failure) {
        try add(name, size: bytes.count) { output throws(Failure) in try unsafe output.write(bytes.span.bytes) }
    }

    /// Copies a file and gives the SHA-256 of what was copied.
    func add(_ name: String, copying file: InputFile) throws(Failure) -> Digest {
        var hash = SHA256()
        try add(name, size: file.size) { output throws(Failure) in
            try BlockCopy.copy(file, to: output) { hash.update($0) }
        }
        return hash.finish()
    }

    private func add(
        _ name: String, size: Int, _ fill: (OutputFile) throws(Failure) -> Void
    ) throws(Failure) {
        switch self {
        case .folder(let folder):
            let file = try folder.file(named: name)
            try fill(file)
            try file.commit()
        case .tar(let writer, _): try writer.add(name, size: size, fill)
        }
    }

    func commit() throws(Failure) {
        switch self {
        case .folder(let folder): try folder.commit()
        case .tar(let writer, let file):
            try writer.end()
            try file.commit()
        }
    }
}
