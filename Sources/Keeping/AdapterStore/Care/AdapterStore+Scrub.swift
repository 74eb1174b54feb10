package import Diagnostics
import Digests
import Files
package import Parallelism

extension AdapterStore {
    /// Reads objects in full, those first whose last check is longest ago, and notes in the catalog what was found.
    ///
    /// What is damaged is not given out any more until ``StoreRepair`` or another put has mended it.
    ///
    /// - Parameter duration: In nanoseconds, after which no other object is begun; nil for all of them.
    package func scrub(within duration: Int64?, lanes: Lanes) throws(Failure) -> CheckReport {
        let start = Syscalls.monotonicNanoseconds()
        var report = CheckReport()
        for digest in try catalog.objectsByLastCheck() {
            if let duration, Syscalls.monotonicNanoseconds() - start >= duration { break }
            try Cancellation.check()
            try holding(.shared) { () throws(Failure) in try scrub(digest, lanes, &report) }
        }
        return report
    }

    private func scrub(_ digest: Digest, _ lanes: Lanes, _ report: inout CheckReport) throws(Failure) {
        // It may have been collected meanwhile.
        guard let object = try catalog.object(digest), object.state != .missing else { return }
        let outcome = try Examination(level: .full, lanes: lanes).look(at: layout.object(digest), of: digest)
        let time = Syscalls.realTimeNanoseconds()
        report.objectCount += 1
        report.byteCount += object.storedBytes
        let names = try catalog.names(of: object.row)
        try catalog.connection.transaction { () throws(Failure) in
            switch outcome {
            case .whole: try catalog.setChecked(.full, at: time, of: object.row)
            case .wholeAtSecondLook(_, let first):
                try catalog.setChecked(.full, at: time, of: object.row)
                report.findings.append(
                    CheckFinding(
                        "second-look", isDamage: false, object: digest, names: names,
                        "ok on the second attempt, which makes the machine suspect: \(first)"))
            case .damaged(let failure):
                try catalog.set(failure.code == .notFound ? .missing : .damaged, of: object.row)
                report.findings.append(
                    CheckFinding(
                        failure.code == .notFound ? "object-missing" : "object-damaged", object: digest, names: names,
                        failure.description))
            }
        }
    }
}
