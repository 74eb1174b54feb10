package import Adapters
package import DeltaFormat
package import Diagnostics
package import Files
import Interchange
package import Parallelism

/// What a verification found: the checks in their order, the last of which failed if there is a failure.
package struct Verification: Sendable {
    package struct Check: Sendable {
        package let name: String
        package let isOK: Bool
        package let detail: String
    }

    /// A check that needs more than the container.
    package struct Question: Sendable {
        let name: String
        let ask: @Sendable (Adapter) throws(Failure) -> Answer

        package init(_ name: String, _ ask: @escaping @Sendable (Adapter) throws(Failure) -> Answer) {
            self.name = name
            self.ask = ask
        }
    }

    package struct Answer: Sendable {
        package let detail: String
        package let findings: [Finding]

        package init(_ detail: String, _ findings: [Finding] = []) {
            self.detail = detail
            self.findings = findings
        }
    }

    package var checks: [Check] = []
    package var failure: Failure?
    package var findings: [Finding] = []
    package var times = StageTimes()

    /// Checks a container to a level, and that what it says of itself holds together.
    ///
    /// - Parameters:
    ///   - values: also read every float and tell of those that are not finite.
    ///   - questions: are asked when all else is well, whatever the level.
    package static func run(
        on file: InputFile, level: VerificationLevel, values: Bool, lanes: Lanes, asking questions: [Question] = []
    ) -> Verification {
        var verification = Verification()
        var stage = "structure"
        do throws(Failure) {
            let adapter = try verification.check(file, level: level, values: values, lanes: lanes, stage: &stage)
            for question in questions {
                stage = question.name
                let answer = try question.ask(adapter)
                verification.findings += answer.findings
                verification.pass(&stage, answer.detail, next: "unchanged")
            }
            try file.checkUnchanged()
        } catch {
            let failure = error.at(path: file.path)
            if failure.code == .digestMismatch && stage == "checksums" {
                verification.pass(&stage, "every plane is as it was stored", next: "digests")
            }
            verification.checks.append(Check(name: stage, isOK: false, detail: failure.description))
            verification.failure = failure
        }
        return verification
    }

    private mutating func check(
        _ file: InputFile, level: VerificationLevel, values: Bool, lanes: Lanes, stage: inout String
    ) throws(Failure) -> Adapter {
        let container = try Container(file)
        let adapter = container.adapter
        let tensorCount = container.index.tensors.count
        pass(&stage, "header, trailer and index; \(tensorCount) tensors", next: "checksums")
        guard level != .structure else { return adapter }
        try container.verify(level, lanes: lanes)
        let next = level == .full ? "digests" : "values"
        pass(&stage, "\(container.index.planes.count) planes stored and decoded", next: next)
        if level == .full { pass(&stage, "SHA-256 of \(tensorCount) tensors", next: "values") }
        try ValueRules.check(adapter)
        pass(&stage, "indices and masks in range", next: "config")
        try PEFTFolder.checkConflict(adapter)
        if let method = Method.all.first(where: { $0.word == adapter.method }) {
            // A method's rules are about factors, however they are stored.
            findings += try method.check(adapter.dequantized())
        }
        pass(&stage, "the stored config agrees with the adapter record", next: "finite")
        if values {
            let found = try ValueRules.nonFinite(in: adapter)
            findings += found
            pass(
                &stage, found.isEmpty ? "every float is" : "\(found.count) tensors hold values that are not",
                next: "unchanged")
        }
        return adapter
    }

    /// Notes that the stage under way went well, and goes on to the next.
    private mutating func pass(_ stage: inout String, _ detail: String, next: String) {
        times.end(stage)
        checks.append(Check(name: stage, isOK: true, detail: detail))
        stage = next
    }
}
