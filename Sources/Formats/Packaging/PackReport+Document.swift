import Adapters
import Diagnostics
import Digests
package import JSON

extension PackReport {
    /// The document of `pack --json`: of one adapter, or the sums of several with each in `adapters`.
    package static func document(of reports: [PackReport], seconds: Double) -> JSONValue {
        let logical = reports.reduce(0) { $0 + $1.logicalBytes }
        let stored = reports.reduce(0) { $0 + $1.storedBytes }
        var document = JSONObject()
        document["logicalBytes"] = JSONValue(logical)
        document["storedBytes"] = JSONValue(stored)
        document["savedShare"] = JSONValue(logical == 0 ? 0 : 1 - Double(stored) / Double(logical))
        document["byCause"] = Savings.sum(reports.map(\.saved)).document
        document["seconds"] = JSONValue(seconds)
        guard reports.count == 1 else {
            document["adapters"] = .array(reports.map { .object($0.identity) })
            return .object(document)
        }
        for member in reports[0].identity.members where document[member.key] == nil {
            document[member.key] = member.value
        }
        return .object(document)
    }

    /// What is said of each of several.
    private var identity: JSONObject {
        var object = JSONObject()
        object["source"] = .string(source)
        object["output"] = .string(output)
        object["method"] = .string(method)
        object["tensors"] = JSONValue(tensorCount)
        object["logicalBytes"] = JSONValue(logicalBytes)
        object["storedBytes"] = JSONValue(storedBytes)
        object["savedShare"] = JSONValue(savedShare)
        object["contentDigest"] = .string("\(contentDigest)")
        object["indexDigest"] = .string("\(indexDigest)")
        object["base"] = base?.document ?? nil
        object["losses"] = .array(losses.map(\.document))
        object["memoryBytes"] = JSONValue(memoryBytes)
        object["warnings"] = .array(findings.map { .string($0.description) })
        return object
    }
}

extension PackReport.Savings {
    fileprivate static func sum(_ all: [Self]) -> Self {
        var sum = Self()
        for one in all {
            sum.dtype += one.dtype
            sum.quantization += one.quantization
            sum.compression += one.compression
            sum.framing += one.framing
        }
        return sum
    }

    fileprivate var document: JSONValue {
        [
            "dtype": JSONValue(dtype), "quantization": JSONValue(quantization), "compression": JSONValue(compression),
            "framing": JSONValue(framing),
        ]
    }
}

extension PackReport.Loss {
    fileprivate var document: JSONValue {
        ["tensor": .string(tensor), "relativeError": JSONValue(relative), "largestError": JSONValue(largest)]
    }
}
