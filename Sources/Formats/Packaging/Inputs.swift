package import Diagnostics
package import Files

extension InputFile {
    /// The file at `path`, or the standard input for `-`.
    package static func opened(_ path: String) throws(Failure) -> InputFile {
        path == "-" ? try InputFile.spooled() : try InputFile(path: path)
    }
}
