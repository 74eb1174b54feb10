import Adapters
import Diagnostics
import JSON
import Support
import Testing

import Interchange

@Suite("Config keys")
struct ConfigKeyTests {
    /// What PEFT has for a key where the table says null: a config class cannot leave it out.
    private static let peftDefaults: Set<String> = ["peft_type", "task_type", "runtime_config"]

    @Test(
        "every key of PEFT's config class is in the method's table, with its default",
        arguments: PEFTMethod.all.map(\.type))
    func complete(type: String) throws {
        let peft = try #require(PEFTMethod.of(type: type))
        let classes = try FixtureFolders.json("peft-config-keys.json")
        let keys = try #require(classes[type]?.object)
        for (name, value) in keys.members where !Self.peftDefaults.contains(name) {
            guard let key = peft.method.key(name) else {
                Issue.record("\(type) lacks the key \(name)")
                continue
            }
            #expect(try ParameterValue(value) == key.defaultValue, "the default of \(name)")
        }
        for key in peft.method.allKeys where key.name != "runtime_config" {
            #expect(keys[key.name] != nil, "PEFT has no key \(key.name) in \(type)")
            let why: String? =
                switch key.effect {
                case .function: nil
                case .none(let why), .except(_, let why), .whereSet(_, let why): why
                }
            #expect(why != "")
        }
    }

    @Test("are each in the table once", arguments: Method.all.map(\.word))
    func unique(word: String) throws {
        let method = try #require(Method.named(word))
        let names = method.config.map(\.name)
        #expect(Set(names).count == names.count)
    }

    @Test("changed in turn they change the parameters, unless they have no effect", arguments: FixtureFolders.all)
    func changed(name: String) throws {
        let bytes = try contents(of: FixtureFolders.path(name) + "/adapter_config.json")
        let before = try PEFTConfig(parsing: bytes, path: "config")
        guard let peft = before.peft else { return }
        let object = try #require(try JSONValue.parse(bytes).object)
        for (key, value) in object.members where key != "peft_type" {
            var changed = object
            changed[key] = Self.other(value, key: key)
            let after = try PEFTConfig(parsing: JSONWriter.bytes(of: .object(changed), .compact), path: "config")
            let differs = after.parameters != before.parameters
            switch peft.method.key(key)?.effect {
            case .none?: #expect(!differs, "\(key) has no effect")
            case .function?, .except?, nil: #expect(differs, "\(key) has an effect")
            case .whereSet(let other, _)?: #expect(differs == (before.parameters[other] != nil), "\(key)")
            }
        }
    }

    /// Another value of the same nature.
    private static func other(_ value: JSONValue, key: String) -> JSONValue {
        switch value {
        case .null, .object, .array: ["another"]
        case .bool(let value) where key.hasPrefix("init"): .string(value ? "pissa" : "olora")
        case .bool(let value): .bool(!value)
        case .number: .init(123457)
        case .string(let value): .string(value + "x")
        }
    }

    @Test("numbers, sets and defaults have one form")
    func canonical() throws {
        func parameters(_ text: String) throws -> Parameters {
            try PEFTConfig(parsing: Array(text.utf8), path: "config").parameters
        }
        let plain = try parameters(#"{"peft_type":"LORA","r":4,"lora_alpha":16,"target_modules":["q","v"]}"#)
        #expect(plain == ["r": 4, "lora_alpha": 16, "target_modules": .list(["q", "v"])])
        let same = #"""
            {"lora_alpha":16.0,"target_modules":["v","q","v"],"r":4,"peft_type":"LORA","lora_dropout":0.1,"bias":"none",
            "inference_mode":true,"init_lora_weights":"gaussian","rank_pattern":{},"task_type":null}
            """#
        #expect(try parameters(same) == plain)
        let order = #"{"peft_type":"LORA","rank_pattern":{"b":1,"a":2},"unheard_of":[2,1]}"#
        let kept = try parameters(order)
        #expect(kept["rank_pattern"]?.map?.map(\.key) == ["b", "a"])
        #expect(kept["unheard_of"] == .list([2, 1]))
    }
}
