import Adapters
import DeltaFormat
import Diagnostics
import Digests
import Files
import Interchange
import JSON
import Parallelism
import Support
import Testing

/// The content digest covers whatever a config says that changes what the adapter computes.
@Suite("Keys in the content digest")
struct ContentKeyTests {
    /// The digest that a container of the folder has.
    private func digest(of folder: String, in place: TemporaryFolder) throws -> Digest {
        let adapter = try PEFTFolder.read(folder).adapter
        let output = try OutputFile.create(at: place("x.tenon"), replacing: true, durability: .none)
        return try ContainerWriter(compression: .fast, lanes: Lanes(count: 1), verifies: false)
            .write(adapter, to: output).contentDigest
    }

    @Test("every key of every fixture, changed to another value that is allowed", arguments: Fixtures.understood)
    func changed(name: String) throws {
        let folder = Fixtures.path(name)
        let bytes = try contents(of: Paths.joined(folder, "adapter_config.json"))
        let config = try PEFTConfig(parsing: bytes, path: "config")
        guard let peft = config.peft else { return }
        let object = try #require(try JSONValue.parse(bytes).object)
        try inFolder { place in
            try copyFolder(folder, to: place("in"))
            let before = try digest(of: folder, in: place)
            let fixed = Self.fixed[name] ?? []
            for (key, value) in object.members where key != "peft_type" && !fixed.contains(key) {
                guard let known = peft.method.key(key) else {
                    Issue.record("\(key) is in no table")
                    continue
                }
                var other = object
                let another = Self.another(value, known)
                other[key] = another
                try place.write(JSONWriter.bytes(of: .object(other), .pretty), to: "in/adapter_config.json")
                let after = try digest(of: place("in"), in: place)
                let hasEffect =
                    switch known.effect {
                    case .function: true
                    case .except(let values, _):
                        try !values.contains(ParameterValue(value)) || !values.contains(ParameterValue(another))
                    case .none: false
                    case .whereSet(let master, _): config.parameters[master] != nil
                    }
                #expect((after != before) == hasEffect, "\(key)")
            }
        }
    }

    /// Keys for which the tensors of a fixture leave no other value: its biases, or projections that are not there.
    private static let fixed: [String: Set<String>] = [
        "lora-bias-all": ["bias"], "randlora-seeded": ["save_projection"], "vera-seeded": ["save_projection"],
    ]

    /// Values of a key besides the two that its kind of value tells.
    private static let choices: [String: [JSONValue]] = [
        "bias": ["all", "none"], "init_lora_weights": ["pissa", "olora"], "init_weights": ["pissa", "lycoris"],
        "task_type": ["CAUSAL_LM", "SEQ_CLS"],
    ]

    /// Another value that the key allows.
    private static func another(_ value: JSONValue, _ key: ConfigKey) -> JSONValue {
        if let choice = choices[key.name]?.first(where: { $0 != value }) { return choice }
        switch (key.domain, value) {
        case (.any, .bool(let value)): return .bool(!value)
        case (.number, _): return .init(0.375)
        case (.count, _), (.natural, _): return .init((value.int ?? 1) + 1)
        case (_, .number): return .init((value.int ?? 1) + 1)
        case (_, .string(let value)): return .string(value + "x")
        case (_, .array(let values)):
            // Places of rows keep their count.
            if let last = values.last?.int { return .array(values.dropLast() + [.init(last + 1)]) }
            return .array(values + [values.last?.array == nil ? "another" : values[values.count - 1]])
        case (_, .object(let object)):
            var longer = object
            longer["another"] = 3
            return .object(longer)
        case (_, .bool), (_, .null): return ["another"]
        }
    }
}
