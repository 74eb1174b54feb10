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

    /// Refuses a place that is one of the inputs, or holds one: not even `--force` may destroy what is still needed.
    package static func checkApart(_ output: String, from inputs: [String]) throws(Failure) {
        if output == "-" {
            throw Failure(.usage, "this output cannot go to the standard output", path: output)
        }
        guard let place = try? Folder.resolved(output) else { return }
        for input in inputs {
            guard let path = try? Folder.resolved(input) else { continue }
            if path == place || path.hasPrefix(place + "/") {
                throw Failure(
                    .usage, "the output would replace what it is made from", object: input, path: output,
                    hint: "name another output")
            }
        }
    }

    /// The most memory that a job expects to hold: so much a lane, and the tool itself.
    package static func memory(lanes: Lanes) -> Int {
        (24 + 16 * lanes.count) << 20
    }
}
