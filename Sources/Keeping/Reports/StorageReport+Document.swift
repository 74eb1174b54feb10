import Diagnostics
package import JSON

extension StorageReport {
    /// What the document says that it is.
    package static let format = "tenon-report"
    package static let version = 1

    /// The document of `report --json`: `Spec/report.md` has its keys.
    package func document(price: StoragePrice, comparison: BaselineComparison? = nil) -> JSONValue {
        var object = JSONObject()
        object["format"] = .string(Self.format)
        object["version"] = JSONValue(Self.version)
        object["items"] = JSONValue(items.count)
        object["logicalBytes"] = JSONValue(total.logicalBytes)
        object["storedBytes"] = JSONValue(total.storedBytes)
        object["savedBytes"] = JSONValue(total.savedBytes)
        object["savings"] = total.savings.document
        object["withoutCopy"] = JSONValue(withoutCopy)
        object["price"] = [
            "perGB": JSONValue(price.perGB), "logical": JSONValue(price.monthly(total.logicalBytes)),
            "stored": JSONValue(price.monthly(total.storedBytes)),
        ]
        object["bases"] = .array(bases.map { $0.document(price) })
        object["methods"] = .array(methods.map { $0.document(price) })
        object["adapters"] = .array(items.map { $0.document(price) })
        object["growth"] = .array(growth.map(\.document))
        object["advice"] = .array(advice.map(\.document))
        object["broken"] = .array(
            broken.map { one in
                [
                    "path": .string(one.path), "code": .string(one.failure.code.word),
                    "message": .string(one.failure.description),
                ]
            })
        object["others"] = .array(
            others.map { ["path": .string($0.path), "bytes": JSONValue($0.bytes), "sort": .string($0.sort)] })
        object["baseline"] = comparison?.document ?? nil
        return .object(object)
    }
}

extension Savings {
    var document: JSONValue {
        var object = JSONObject()
        for cause in Cause.allCases { object[cause.rawValue] = JSONValue(self[cause]) }
        return .object(object)
    }
}

extension ReportGroup {
    fileprivate func document(_ price: StoragePrice) -> JSONValue {
        [
            "key": .string(key), "label": .string(label), "items": JSONValue(count), "names": JSONValue(nameCount),
            "logicalBytes": JSONValue(logicalBytes), "storedBytes": JSONValue(storedBytes),
            "savedBytes": JSONValue(savedBytes), "savings": savings.document,
            "monthly": JSONValue(price.monthly(storedBytes)),
        ]
    }
}

extension ReportItem {
    fileprivate func document(_ price: StoragePrice) -> JSONValue {
        [
            "name": .string(name), "names": .array(holding.names.map { .string($0) }),
            "path": .string(holding.path), "form": .string(holding.form.rawValue), "method": .string(method),
            "base": base.map { ["key": .string($0.key), "label": .string($0.label)] } ?? nil,
            "parameters": JSONValue(parameterCount), "contentDigest": contentDigest.map { .string("\($0)") } ?? nil,
            "added": .string(CalendarDate(nanoseconds: added).text), "addedNanoseconds": JSONValue(added),
            "origin": .string(holding.origin), "inputBytes": holding.inputBytes.map { JSONValue($0) } ?? nil,
            "copyBytes": knowsCopy ? JSONValue(chain.copy) : nil, "ownBytes": JSONValue(chain.own),
            "codedBytes": JSONValue(chain.coded), "fileBytes": JSONValue(chain.file),
            "logicalBytes": JSONValue(chain.logicalBytes), "storedBytes": JSONValue(chain.storedBytes),
            "savedBytes": JSONValue(chain.logicalBytes - chain.storedBytes), "savings": chain.savings.document,
            "monthly": JSONValue(price.monthly(chain.storedBytes)),
        ]
    }
}

extension GrowthPoint {
    fileprivate var document: JSONValue {
        [
            "date": .string(date), "items": JSONValue(count), "logicalBytes": JSONValue(logicalBytes),
            "storedBytes": JSONValue(storedBytes),
        ]
    }
}

extension Advice {
    fileprivate var document: JSONValue {
        [
            "sort": .string(sort.rawValue), "name": .string(name), "reason": .string(reason),
            "savesBytes": saves.map { JSONValue($0) } ?? nil, "command": .string(command),
        ]
    }
}
