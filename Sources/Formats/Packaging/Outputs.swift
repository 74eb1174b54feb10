package import Diagnostics
import Files
package import Parallelism

/// What every job asks about the place of its output.
package enum Outputs {
    /// Says already what creating the output would: for a dry run, and before long work that would be lost.
    package static func checkFree(_ path: String, replaces: Bool) throws(Failure) {
        // A place that cannot even be looked at is told of by whoever writes there.
        guard !replaces, (try? Folder.kind(of: path)) != nil else { return }
        throw Failure(.outputExists, "the output is there already", path: path, hint: "--force replaces it")
    }

    /// The most memory that a job expects to hold: so much a lane, and the tool itself.
    package static func memory(lanes: Lanes) -> Int {
        (24 + 16 * lanes.count) << 20
    }
}
