package import Diagnostics
package import Files
package import Tensors

/// A safetensors file whose header was read and checked.
package struct SafetensorsFile: Sendable {
    package let file: any FileContent
    package let header: SafetensorsHeader

    /// Reads the header; throws as ``SafetensorsHeader/init(of:)`` does.
    package init(_ file: any FileContent) throws(Failure) {
        self.file = file
        header = try SafetensorsHeader(of: file)
        // Lanes take blocks in turn, which does not look like reading in order to the system.
        file.advise(.inOrder, 0..<file.size)
    }

    /// What tells this file as it lies there from all others, and from itself once it was changed.
    package var identityText: String {
        file.diskIdentity.map { "\($0)" } ?? "\(file.path) \(header.fileByteCount)"
    }

    /// In the order of the header.
    package var tensors: [SafetensorsTensor] { header.tensors }

    /// The index in ``tensors`` of the tensor with exactly this name.
    package func index(of name: String) -> Int? { header.index(of: name) }

    /// The bytes of a tensor, read from the file when they are asked for.
    package func source(at index: Int) -> SafetensorsSource {
        SafetensorsSource(file: file, tensor: header.tensors[index])
    }

    /// The bytes of the tensor with exactly this name.
    package func source(named name: String) -> SafetensorsSource? {
        index(of: name).map(source(at:))
    }
}

/// A tensor of a safetensors file.
package struct SafetensorsSource: TensorSource {
    package let file: any FileContent
    package let tensor: SafetensorsTensor

    package var dtype: DType { tensor.dtype }
    package var shape: Shape { tensor.shape }
    package var byteCount: Int { tensor.byteCount }

    package func read(at offset: Int, into target: inout MutableRawSpan) throws(Failure) {
        guard offset >= 0, offset <= byteCount, target.byteCount <= byteCount - offset else {
            throw Failure(
                .internal, "a read of \(target.byteCount) bytes at \(offset) of a tensor's \(byteCount) was asked for",
                object: tensor.name, path: file.path)
        }
        do throws(Failure) {
            try file.read(at: tensor.range.lowerBound + offset, into: &target)
        } catch {
            throw error.on(tensor.name)
        }
    }
}
