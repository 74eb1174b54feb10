package import Adapters
package import Diagnostics
import JSON

/// An `adapter_config.json`, read.
package struct PEFTConfig: Sendable {
    /// Its `peft_type`.
    package let type: String
    /// Its other keys in the order of the file.
    package let members: [ParameterValue.Member]
    /// How PEFT writes this method; nil where it is not understood.
    package let peft: PEFTMethod?

    /// Reads a config strictly.
    ///
    /// Throws ``Failure/Code/notAnAdapter`` where it is another tool's file of this name, ``Failure/Code/configInvalid``
    /// where it is no config at all, and the scanner's codes where it is no JSON.
    package init(parsing bytes: [UInt8], path: String) throws(Failure) {
        let json = try JSONValue.parse(bytes, path: path)
        guard let object = json.object else {
            throw Failure(.configInvalid, "the config is no JSON object", path: path)
        }
        let foreign = ConfigSchema.foreign(object)
        guard let value = object["peft_type"] else {
            guard let foreign else {
                throw Failure(
                    .configInvalid, "the config does not say which method it is of", object: "peft_type", path: path)
            }
            throw Failure(.notAnAdapter, "this is no PEFT config but \(foreign.name)", path: path, hint: foreign.hint)
        }
        guard let type = value.string, !type.isEmpty, type.utf8.count <= 64 else {
            throw Failure(.configInvalid, "peft_type is no name of a method", object: "peft_type", path: path)
        }
        if let foreign {
            throw Failure(
                .configInvalid, "the config follows two schemas at once: PEFT's and \(foreign.name)", path: path)
        }
        peft = PEFTMethod.of(type: type)
        guard peft != nil || Method.named(type) == nil else {
            throw Failure(
                .configInvalid, "peft_type is written otherwise", object: "peft_type", path: path,
                expected: PEFTMethod.of(method: type)?.type ?? "capitals", actual: type)
        }
        self.type = type
        var members: [ParameterValue.Member] = []
        for (key, value) in object.members where key != "peft_type" {
            do throws(Failure) {
                members.append(.init(key, try ParameterValue(value)))
            } catch {
                throw error.on(key).at(path: path)
            }
        }
        self.members = members
    }

    /// The method's word in a container.
    package var methodWord: String { peft?.method.word ?? type }

    /// What the config means; where the method is not understood all of it, but for what no method computes with.
    package var parameters: Parameters {
        if let peft { return peft.method.parameters(of: members) }
        var parameters = Parameters()
        for member in members where !ConfigKey.namesOnly.contains(member.key) { parameters[member.key] = member.value }
        return parameters
    }

    package func value(_ key: String) -> ParameterValue? { members.first { $0.key == key }?.value }

    /// The names of modules of a key that holds one or several.
    package func names(_ key: String) -> [String] {
        guard let value = value(key) else { return [] }
        return value.strings ?? value.string.map { [$0] } ?? []
    }
}

extension PEFTConfig {
    /// The config of an adapter in the layout of PEFT: keys sorted, two spaces, no newline at the end.
    package static func bytes(for adapter: Adapter) -> [UInt8] {
        let peft = PEFTMethod.of(method: adapter.method)
        var object = JSONObject()
        for member in peft?.required ?? [] { object[member.key] = JSONValue(member.value) }
        if let name = adapter.metadata["base"] { object["base_model_name_or_path"] = .string(name) }
        object["inference_mode"] = true
        for member in adapter.parameters.members { object[member.key] = JSONValue(member.value) }
        object["peft_type"] = .string(peft?.type ?? adapter.method)
        return JSONWriter.bytes(of: .object(object), .python(indent: 2, sortKeys: true))
    }
}

/// What other tools write under the same name.
struct ConfigSchema: Sendable {
    let name: String
    let hint: String

    /// Whose config this is, if it is known and not PEFT's.
    static func foreign(_ object: JSONObject) -> ConfigSchema? {
        if object["fine_tune_type"] != nil || object["lora_parameters"] != nil {
            return ConfigSchema(
                name: "an MLX adapter's", hint: "this version reads folders that PEFT wrote; convert it first")
        }
        if object["config"]?.object != nil, object["model_class"] != nil || object["model_type"] != nil {
            return ConfigSchema(
                name: "an AdapterHub adapter's", hint: "this version reads folders that PEFT wrote; convert it first")
        }
        return nil
    }
}
