import Diagnostics

/// A day and an hour that a template may print.
package struct ChatDate: Hashable, Sendable {
    package let year: Int
    /// From 1, as the day.
    package let month: Int
    package let day: Int
    package let hour: Int
    package let minute: Int
    package let second: Int

    /// Everything must be in its range.
    package init(year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0) {
        precondition((1...9999).contains(year) && (1...12).contains(month) && (1...31).contains(day))
        precondition((0...23).contains(hour) && (0...59).contains(minute) && (0...60).contains(second))
        self.year = year
        self.month = month
        self.day = day
        self.hour = hour
        self.minute = minute
        self.second = second
    }

    private static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]
    private static let weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]

    /// Of the Gregorian calendar, from Sunday, by Sakamoto's formula.
    private var weekday: Int {
        let year = month < 3 ? year - 1 : year
        return (year + year / 4 - year / 100 + year / 400 + [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4][month - 1] + day) % 7
    }

    /// As `strftime` writes it in English. Throws ``Failure/Code/templateUnsupported`` for a code it does not know.
    func text(_ format: String, line: Int) throws(Failure) -> String {
        var text = ""
        var rest = format.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            guard scalar == "%" else {
                text.unicodeScalars.append(scalar)
                continue
            }
            var isShort = false
            if rest.first == "-" {
                isShort = true
                rest.removeFirst()
            }
            func padded(_ value: Int, _ width: Int = 2) -> String {
                let digits = "\(value)"
                return isShort ? digits : String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
            }
            switch rest.popFirst() {
            case "Y": text += padded(year, 4)
            case "y": text += padded(year % 100)
            case "m": text += padded(month)
            case "d": text += padded(day)
            case "B": text += Self.months[month - 1]
            case "b", "h": text += Self.months[month - 1].prefix(3)
            case "A": text += Self.weekdays[weekday]
            case "a": text += Self.weekdays[weekday].prefix(3)
            case "H": text += padded(hour)
            case "I": text += padded((hour + 11) % 12 + 1)
            case "M": text += padded(minute)
            case "S": text += padded(second)
            case "p": text += hour < 12 ? "AM" : "PM"
            case "%": text += "%"
            case let other:
                throw Failure(
                    .templateUnsupported, "a code of a date is not known here", object: "line \(line) of the template",
                    actual: "%" + (other.map { String($0) } ?? ""))
            }
        }
        return text
    }
}
