import Diagnostics
import Files

/// The time that everything made of one source is said to be made at, where somebody wants that said
/// (reproducible-builds.org, `SOURCE_DATE_EPOCH`).
enum SourceDate {
    private static let variable = "SOURCE_DATE_EPOCH"

    /// As RFC 3339 has it; nil where the variable is not set. Throws ``Failure/Code/usage`` where it is no time.
    static func text() throws(Failure) -> String? {
        guard let value = Syscalls.environment(variable), !value.isEmpty else { return nil }
        guard let seconds = Int(value), 0...253_402_300_799 ~= seconds else {
            throw Failure(.usage, "\(variable) is no number of seconds since 1970", actual: value)
        }
        return text(seconds: seconds)
    }

    /// By counting in eras of 400 years, which begin on the first of March.
    static func text(seconds: Int) -> String {
        let (day, second) = (seconds / 86_400 + 719_468, seconds % 86_400)
        let (era, dayOfEra) = (day / 146_097, day % 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        let date = [padded(year, 4), padded(month, 2), padded(dayOfYear - (153 * shifted + 2) / 5 + 1, 2)]
        let time = [second / 3600, second / 60 % 60, second % 60].map { padded($0, 2) }
        return date.joined(separator: "-") + "T" + time.joined(separator: ":") + "Z"
    }

    private static func padded(_ number: Int, _ count: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, count - text.utf8.count)) + text
    }
}
