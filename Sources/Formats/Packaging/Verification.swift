import Adapters
package import DeltaFormat
package import Diagnostics
package import Files
import Interchange
package import Parallelism

/// What a verification found to be in order. Whatever is not is thrown.
package struct Verification: Sendable {
    package struct Check: Sendable {
        package let name: String
        package let detail: String
    }

    package var checks: [Check] = []
    package var findings: [Finding] = []
    package var times = StageTimes()

    /// Checks a container to a level, and that what it says of itself holds together.
    ///
    /// - Parameter values: also read every float and tell of those that are not finite.
    package static func run(on file: InputFile, level: VerificationLevel, values: Bool, lanes: Lanes) throws(Failure)
        -> Verification
    {
        var verification = Verification()
        let container = try Container(file)
        verification.pass("structure", "header, trailer and index; \(container.index.tensors.count) tensors")
        guard level != .structure else { return verification }
        try container.verify(level, lanes: lanes)
        verification.pass("checksums", "\(container.index.planes.count) planes stored and decoded")
        if level == .full { verification.pass("digests", "SHA-256 of \(container.index.tensors.count) tensors") }
        let adapter = container.adapter
        do throws(Failure) {
            try ValueRules.check(adapter)
            verification.pass("values", "indices, masks and codes in range")
            try PEFTFolder.checkConflict(adapter)
            if let method = Method.all.first(where: { $0.word == adapter.method }) {
                // A method's rules are about factors, however they are stored.
                verification.findings += try method.check(adapter.dequantized())
            }
            verification.pass("config", "the stored config agrees with the adapter record")
            if values {
                verification.findings += try ValueRules.nonFinite(in: adapter)
                verification.pass("finite", "every float was looked at")
            }
        } catch {
            throw error.at(path: file.path)
        }
        try file.checkUnchanged()
        return verification
    }

    private mutating func pass(_ name: String, _ detail: String) {
        times.end(name)
        checks.append(Check(name: name, detail: detail))
    }
}
