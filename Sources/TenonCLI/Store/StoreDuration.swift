import ArgumentParser

/// A time as people write it: 30s, 10m, 24h, 7d; without a unit seconds.
struct StoreDuration: ExpressibleByArgument {
    let nanoseconds: Int64
    private let text: String

    init(hours: Int64) {
        nanoseconds = hours * 3600 * 1_000_000_000
        text = "\(hours)h"
    }

    init?(argument: String) {
        let digits = argument.prefix { $0.isNumber }
        let factors: [Substring: Int64] = ["": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400]
        guard let number = Int64(digits), let factor = factors[argument.dropFirst(digits.count)] else { return nil }
        let (seconds, overflow) = number.multipliedReportingOverflow(by: factor)
        let (nanoseconds, tooLong) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow, !tooLong else { return nil }
        self.nanoseconds = nanoseconds
        text = argument
    }

    var defaultValueDescription: String { text }
}
