package import Diagnostics
package import Digests
package import Files

/// The SHA-256 of a file as `sha256sum` computes it: one pass, one stream, so only where it is asked for.
package enum BlobDigest {
    package static func of(_ file: any FileContent) throws(Failure) -> Digest {
        var hash = SHA256()
        let step = 1 << 20
        for offset in stride(from: 0, to: file.size, by: step) {
            try Cancellation.check()
            hash.update(try file.read(at: offset, count: min(step, file.size - offset)))
        }
        try file.checkUnchanged()
        return hash.finish()
    }
}
