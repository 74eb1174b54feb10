package import Adapters
package import Diagnostics
package import JSON

extension ParameterValue {
    /// The value of a JSON text; numbers that are equal become equal (1.0 is 1).
    ///
    /// Throws ``Failure/Code/configInvalid`` for an integer beyond 64 bits.
    package init(_ json: JSONValue) throws(Failure) {
        switch json {
        case .null: self = .null
        case .bool(let value): self = .bool(value)
        case .string(let value): self = .string(value)
        case .number(let number):
            if let value = json.int {
                self = .int(Int64(value))
            } else if number.isInteger, number.text != "-0" {
                throw Failure(.configInvalid, "the number has more than 64 bits")
            } else {
                self = .number(try number.double())
            }
        case .array(let elements):
            var values: [ParameterValue] = []
            for element in elements { values.append(try ParameterValue(element)) }
            self = .list(values)
        case .object(let object):
            var members: [Member] = []
            for (key, value) in object.members { members.append(Member(key, try ParameterValue(value))) }
            self = .map(members)
        }
    }
}

extension JSONValue {
    init(_ value: ParameterValue) {
        switch value {
        case .null: self = .null
        case .bool(let value): self = .bool(value)
        case .int(let value): self.init(value)
        case .double(let value): self.init(value)
        case .string(let value): self = .string(value)
        case .list(let values): self = .array(values.map(JSONValue.init))
        case .map(let members):
            var object = JSONObject()
            for member in members { object[member.key] = JSONValue(member.value) }
            self = .object(object)
        }
    }
}

extension Parameters {
    /// As a JSON object, keys sorted.
    package var document: JSONValue { JSONValue(.map(members)) }
}
