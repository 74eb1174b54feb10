import Adapters
import Diagnostics
import Interchange
import JSON

extension ParameterValue {
    /// `--target-modules`: names with commas between them, else a regular expression or `all-linear`.
    init(targetModules text: String) {
        let isNames = text.allSatisfy { $0.isLetter || $0.isNumber || "._-,".contains($0) } && text != "all-linear"
        self = isNames ? .list(text.split(separator: ",").map { .string(String($0)) }) : .string(text)
    }
}

extension ParameterValue.Member {
    /// `--set KEY=VALUE`, the value in JSON.
    init(setting text: String) throws(Failure) {
        let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
        guard parts.count == 2 else { throw Failure(.usage, "--set takes KEY=VALUE", actual: text) }
        do throws(Failure) {
            self.init(parts[0], try ParameterValue(JSONValue.parse(Array(parts[1].utf8))))
        } catch {
            throw Failure(
                .usage, "the value of --set \(parts[0]) is no JSON", actual: parts[1],
                hint: "texts stand in quotes: \(parts[0])=\"…\"", cause: error.what)
        }
    }
}
