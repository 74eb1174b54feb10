package import Diagnostics

extension ChatTemplate {
    /// The names of those that need no file.
    package static let builtInNames = sources.map(\.name)

    /// One of those; nil for another name.
    package static func builtIn(_ name: String) throws(Failure) -> ChatTemplate? {
        try sources.first { $0.name == name }.map { (name, source) throws(Failure) in
            try ChatTemplate(source, name: name)
        }
    }

    /// Its text as Jinja has it, for other tools; nil for another name.
    package static func builtInSource(_ name: String) -> String? { sources.first { $0.name == name }?.source }

    private static let sources: [(name: String, source: String)] = [
        ("chatml", chatML), ("llama2", llama2), ("llama3", llama3), ("mistral", mistral), ("alpaca", alpaca),
    ]

    private static let chatML = #"""
        {%- for message in messages %}
            {{- "<|im_start|>" + message.role + "\n" + message.content + "<|im_end|>\n" }}
        {%- endfor %}
        {%- if add_generation_prompt %}
            {{- "<|im_start|>assistant\n" }}
        {%- endif %}
        """#

    private static let llama2 = #"""
        {%- set system = "" %}
        {%- set turns = messages %}
        {%- if messages and messages[0].role == "system" %}
            {%- set system = "<<SYS>>\n" + messages[0].content + "\n<</SYS>>\n\n" %}
            {%- set turns = messages[1:] %}
        {%- endif %}
        {%- for message in turns %}
            {%- if message.role != ("user" if loop.index0 is even else "assistant") %}
                {{- raise_exception("turns of user and assistant must alternate, and the user begins") }}
            {%- endif %}
            {%- if message.role == "user" %}
                {%- set content = system + message.content if loop.first else message.content %}
                {{- bos_token ~ "[INST] " ~ content | trim ~ " [/INST]" }}
            {%- else %}
                {{- " " ~ message.content | trim ~ " " ~ eos_token }}
            {%- endif %}
        {%- endfor %}
        """#

    private static let llama3 = #"""
        {{- bos_token }}
        {%- for message in messages %}
            {{- "<|start_header_id|>" + message.role + "<|end_header_id|>\n\n" + message.content | trim + "<|eot_id|>" }}
        {%- endfor %}
        {%- if add_generation_prompt %}
            {{- "<|start_header_id|>assistant<|end_header_id|>\n\n" }}
        {%- endif %}
        """#

    private static let mistral = #"""
        {%- set system = "" %}
        {%- set turns = messages %}
        {%- if messages and messages[0].role == "system" %}
            {%- set system = messages[0].content + "\n\n" %}
            {%- set turns = messages[1:] %}
        {%- endif %}
        {{- bos_token }}
        {%- for message in turns %}
            {%- if message.role != ("user" if loop.index0 is even else "assistant") %}
                {{- raise_exception("turns of user and assistant must alternate, and the user begins") }}
            {%- endif %}
            {%- if message.role == "user" %}
                {{- "[INST] " + (system if loop.first else "") + message.content + " [/INST]" }}
            {%- else %}
                {{- " " ~ message.content | trim ~ eos_token }}
            {%- endif %}
        {%- endfor %}
        """#

    private static let alpaca = #"""
        {%- set turns = messages %}
        {%- if messages and messages[0].role == "system" %}
            {{- messages[0].content | trim + "\n\n" }}
            {%- set turns = messages[1:] %}
        {%- else %}
            {{- "Below is an instruction that describes a task. " }}
            {{- "Write a response that appropriately completes the request.\n\n" }}
        {%- endif %}
        {%- for message in turns %}
            {%- if message.role == "user" %}
                {{- "### Instruction:\n" + message.content | trim + "\n\n" }}
            {%- elif message.role == "assistant" %}
                {{- "### Response:\n" ~ message.content | trim ~ eos_token }}
                {{- "" if loop.last else "\n\n" }}
            {%- else %}
                {{- raise_exception("only a user and an assistant can take turns") }}
            {%- endif %}
        {%- endfor %}
        {%- if add_generation_prompt %}
            {{- "### Response:\n" }}
        {%- endif %}
        """#
}
