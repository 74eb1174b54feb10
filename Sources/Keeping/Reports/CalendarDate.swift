/// A day in the Gregorian calendar, UTC.
package struct CalendarDate: Hashable, Sendable, Comparable {
    /// Since 1970-01-01.
    package let day: Int
    package let year: Int
    package let month: Int
    package let dayOfMonth: Int

    package init(nanoseconds: Int64) {
        self.init(day: Int((nanoseconds / 1_000_000_000 - (nanoseconds < 0 ? 86_399 : 0)) / 86_400))
    }

    /// By counting in eras of 400 years, which begin on the first of March.
    package init(day: Int) {
        self.day = day
        let shifted = day + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        dayOfMonth = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    package static func < (a: CalendarDate, b: CalendarDate) -> Bool { a.day < b.day }

    /// "2026-11".
    package var monthText: String { "\(year)-\(Self.two(month))" }
    /// "2026-11-21".
    package var text: String { "\(monthText)-\(Self.two(dayOfMonth))" }

    private static func two(_ number: Int) -> String { (number < 10 ? "0" : "") + String(number) }
}
