package import Adapters
import DeltaFormat
package import Diagnostics
package import Digests
import Files
import Interchange
package import Parallelism

/// An adapter that a user names: a container whose data are whole, or a PEFT folder.
package struct AdapterInput: Sendable {
    /// Its factors are numbers, whatever they were stored as.
    package let adapter: Adapter
    package let contentDigest: Digest
    package let findings: [Finding]

    /// Throws what reading the container or the folder does.
    package init(path: String, lanes: Lanes) throws(Failure) {
        if try Folder.kind(of: path) == .folder {
            let imported = try PEFTFolder.read(path)
            let trailer = try ContainerWriter(compression: .fast, lanes: lanes).write(
                imported.adapter, to: .discarded())
            adapter = imported.adapter
            contentDigest = trailer.contentDigest
            findings = imported.findings
        } else {
            let container = try Container(InputFile.opened(path))
            try container.verify(.full, lanes: lanes)
            adapter = try container.adapter.dequantized()
            contentDigest = container.unboundContentDigest
            findings = []
        }
    }
}
