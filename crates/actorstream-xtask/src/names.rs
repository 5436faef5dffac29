//! The Rust names of the API's types, variants and fields.

use crate::type_names::{CHAT, TYPES};

/// The maximum number of values of an enum; with more values, the type is a string.
pub const MOST_VALUES: usize = 40;

/// Variants that are not named after their tag, by their schema.
const VARIANTS: &[(&str, &str)] = &[
    ("ToolChoiceTypes", "Hosted"),
    ("ComparisonFilter", "Comparison"),
    ("CompoundFilter", "Compound"),
    ("MCPToolFilter", "Filter"),
    ("ResponseKeepAliveEvent", "KeepAlive"),
    ("ModerationTextInputParam", "TextPart"),
    ("VoiceID", "Custom"),
    ("ResponseConversationParamParam", "Object"),
    ("ChatCompletionFunctionCallOptionParam", "Function"),
];

/// The names of union variants that are not objects, by the union, if they differ from the usual ones.
const SHAPES: &[(&str, &str, &str)] = &[
    ("Voice", "Mode", "BuiltIn"),
    ("ChatCompletionMessageParam.content", "List", "Parts"),
    ("Response.instructions", "List", "Items"),
    ("ResponseCreateParamsBase.input", "List", "Items"),
    ("InputTokenCountParams.input", "List", "Items"),
    ("Conversation", "Text", "Id"),
    ("CodeInterpreterContainer", "Text", "Id"),
];

/// Unions that become one struct with the fields of all their objects, because one kind of object becomes another as
/// it is built, or because servers mix them.
const RECORDS: &[&str] = &["ChatCompletionMessageParam", "ChatCompletionMessageToolCallUnionParam"];

/// Objects in a request that are declared like requests, because servers have additional or different fields for
/// them.
const PARTS: &[&str] = &["ChatCompletionStreamOptionsParam"];

/// Handwritten types, by their schema.
const EXTERNAL: &[(&str, &str)] = &[
    ("chat.completion_create_params:Function", "crate::answer::tools::FunctionDefinition"),
    ("image_edit_params:InputImage", "crate::api::images::request::InputImage"),
    ("shared_params.function_definition:FunctionDefinition", "crate::answer::tools::FunctionDefinition"),
];

/// Fields that are sent as `null` while another field has a certain value, by type: the role `function` needs one.
pub const NULLS: &[(&str, &str)] = &[("chat::Message", "content where role = \"function\"")];

/// Fields of requests without a setter, by type: the setter would have the name of another method, or would change
/// the kind of the object.
pub const BARE: &[(&str, &str)] = &[
    ("ChatRequest", "user"),
    ("ResponseRequest", "user"),
    ("chat::ToolCall", "custom"),
    ("chat::ToolCall", "function"),
    ("chat::ToolCall", "type"),
];

/// Lists that each event of a stream may have, and few look at.
const DEFERRED: &[(&str, &str)] = &[("ResponseTextDeltaEvent", "logprobs")];

/// Returns whether a field is read when it is looked at.
pub fn is_deferred(raw: &str, field: &str) -> bool {
    DEFERRED.contains(&(short(raw), field))
}

/// Free objects that are JSON schemas, which may also be `true` or `false`.
const JSON_SCHEMAS: &[&str] = &["parameters", "schema", "input_schema", "output_schema"];

/// Fields whose values are secrets, by the schema.
const SECRETS: &[(&str, &str)] = &[
    ("Mcp", "authorization"),
    ("Mcp", "headers"),
    ("ToolMcp", "authorization"),
    ("ToolMcp", "headers"),
    ("ContainerNetworkPolicyDomainSecret", "value"),
];

/// Unions of requests that a response repeats: their content is kept as it was sent.
pub const REPEATED: &[&str] = &["InputItem", "InputPart"];

/// The type of a secret.
pub const SECRET: &str = "crate::json::secret::Secret";

/// The first arguments of constructors, in this order.
const FIRST: &[&str] = &["model", "call_id", "id", "server_label", "name", "role", "voice", "display_width"];

/// Required fields that servers omit and whose default would be wrong, and fields that only one of two schemas for
/// the same object requires.
const LEFT_OUT: &[(&str, &str)] = &[
    ("Response", "parallel_tool_calls"),
    ("Response", "tool_choice"),
    ("ResponseInputImage", "detail"),
    // Other servers have a default voice.
    ("SpeechCreateParams", "voice"),
    ("ChatCompletionMessageToolCallUnionParam", "id"),
    ("ChatCompletionMessageToolCallUnionParam", "type"),
];

/// Integers that may be negative.
const SIGNED: &[&str] =
    &["x", "y", "scroll_x", "scroll_y", "exit_code", "code", "id", "seek", "seed", "logit_bias"];

/// The prefixes of values that start with a digit.
const DIGITS: &[(&str, &str)] = &[
    ("ContainerMemoryLimit", "Memory"),
    ("ImageSize", "Size"),
    ("CompletionWindow", "Within"),
    ("PromptCacheRetention", "For"),
    ("PromptCacheTtl", "For"),
];

/// Returns the Rust name of a schema, if it differs from the schema's name.
pub fn rename(raw: &str) -> Option<&'static str> {
    look_up(raw).map(|(_, name)| name)
}

/// Returns the table entry that names a schema.
pub(crate) fn entry(raw: &str) -> Option<&'static str> {
    look_up(raw).map(|(entry, _)| entry)
}

fn look_up(raw: &str) -> Option<(&'static str, &'static str)> {
    if let Some(chat) = raw.strip_prefix("chat.") {
        return CHAT.iter().find(|(schema, _)| *schema == chat || *schema == short(chat)).copied();
    }
    let find = |raw: &str| TYPES.iter().find(|(schema, _)| *schema == raw).copied();
    let by_name = |raw: &str| find(raw).or_else(|| find(short(raw)));
    by_name(raw).or_else(|| by_name(&without_param(raw)?))
}

/// Returns the same place in the schema whose name has one `Param` less at its end: requests and responses are
/// described separately.
fn without_param(raw: &str) -> Option<String> {
    let (module, place) = raw.split_once(':')?;
    let end = place.find(['.', '*']).unwrap_or(place.len());
    let name = place[..end].strip_suffix("Param").unwrap_or(&place[..end]);
    let module = module.strip_suffix("_param").unwrap_or(module).replace("shared_params", "shared");
    let without = format!("{module}:{name}{}", &place[end..]);
    (without != raw).then_some(without)
}

/// Returns a schema's name without its module.
pub fn short(raw: &str) -> &str {
    raw.split_once(':').map_or(raw, |(_, name)| name)
}

/// Returns whether a schema is an event.
pub fn is_event(raw: &str) -> bool {
    let name = short(raw);
    (name.ends_with("Event") && !name.ends_with("StreamEvent"))
        || raw == "responses.response_shell_call_output_content_delta_event:Delta"
}

/// Returns whether a schema is a request, or an object in one that is declared like a request.
pub fn is_request(raw: &str) -> bool {
    let name = short(raw);
    let whole = !name.contains('.') && (name.ends_with("Params") || name.ends_with("ParamsBase"));
    whole || PARTS.contains(&name) || RECORDS.contains(&name)
}

/// Returns whether a field with a single value is an enum that may get more.
pub fn is_growing(raw: &str) -> bool {
    raw.starts_with("chat.") && rename(raw).is_some()
}

/// Returns whether a union becomes one struct with the fields of all its objects.
pub fn is_record(raw: &str) -> bool {
    RECORDS.contains(&short(raw))
}

/// Returns the path of a schema's handwritten type.
pub fn external(raw: &str) -> Option<&'static str> {
    EXTERNAL.iter().find(|(schema, _)| *schema == raw).map(|(_, path)| *path)
}

/// Returns the name of a union variant that is not an object.
pub fn of_shape(union: &str, usual: &'static str) -> &'static str {
    let found = SHAPES.iter().find(|(known, shape, _)| *known == short(union) && *shape == usual);
    found.map_or(usual, |(_, _, name)| name)
}

/// Returns whether the value of a field, or the values of a map, are secrets.
pub fn is_secret(raw: &str, field: &str) -> bool {
    let name = short(raw);
    let name = name.strip_suffix("Param").unwrap_or(name);
    SECRETS.contains(&(name, field))
}

/// Returns whether a field is a JSON schema.
pub fn is_json_schema(field: &str) -> bool {
    JSON_SCHEMAS.contains(&field)
}

/// Returns the position of a field among the arguments of a constructor.
pub fn order(field: &str) -> usize {
    FIRST.iter().position(|first| *first == field).unwrap_or(FIRST.len())
}

/// Returns the module in which a schema's name is valid, if it is not global. Types of different modules are
/// different.
pub fn module(raw: &str) -> &'static str {
    let chat = raw.starts_with("chat.") || raw.starts_with("completion_create_params:");
    match rename(raw) {
        Some(name) => name.split_once("::").map_or("", |(module, _)| module),
        None if chat => "chat",
        None => "",
    }
}

/// Returns whether the API adds random text to the event; the schemas declare this only for some.
pub fn is_obscured(raw: &str) -> bool {
    let raw = short(raw);
    raw.starts_with("Response") && is_event(raw) && raw.contains("Delta")
}

/// Returns whether servers omit a field although it is required.
pub fn is_left_out(raw: &str, field: &str) -> bool {
    let name = short(raw);
    let without = name.strip_suffix("Param").unwrap_or(name);
    (field == "sequence_number" && is_event(raw))
        || LEFT_OUT.iter().any(|(known, left)| *left == field && (*known == name || *known == without))
}

/// Returns whether an integer may be negative.
pub fn is_signed(field: &str) -> bool {
    SIGNED.contains(&field)
}

/// Returns whether the values of an enum are names of models, which change every month.
pub fn are_models(values: &[String]) -> bool {
    let families = ["gpt-", "text-embedding-", "omni-moderation-"];
    values.iter().any(|value| families.iter().any(|family| value.starts_with(family)))
}

/// Returns a schema's name without redundant parts.
pub fn tidy(raw: &str) -> String {
    let mut name = raw.to_owned();
    for (capitals, word) in [("MCP", "Mcp"), ("HTTP", "Http"), ("URL", "Url"), ("JSON", "Json")] {
        name = name.replace(capitals, word);
    }
    for end in ["Param", "ItemParam"] {
        name.truncate(name.strip_suffix(end).unwrap_or(&name).len());
    }
    // All of them are in the module of responses. `Response` and `ResponseError` need the word.
    let words = name.chars().filter(char::is_ascii_uppercase).count();
    match name.strip_prefix("Response") {
        Some(rest) if words >= 3 && !name.ends_with("Event") => rest.to_owned(),
        _ => name,
    }
}

/// Returns the Rust name of a schema, or of `Parent.field`.
pub fn of_type(raw: &str) -> String {
    if let Some(name) = rename(raw) {
        return name.to_owned();
    }
    if raw.starts_with("chat.") {
        let end = raw.rfind(['.', '*']).filter(|end| raw.find(':').is_some_and(|colon| colon < *end));
        return match end {
            None => format!("chat::{}", tidy(short(raw)).trim_start_matches("ChatCompletion")),
            Some(at) if raw[at..].starts_with('*') => singular(&of_type(&raw[..at])),
            Some(at) => format!("{}{}", of_type(&raw[..at]), pascal(&raw[at + 1..])),
        };
    }
    let raw = short(raw);
    let end = raw.rfind(['.', '*']);
    match end {
        None => tidy(raw),
        Some(at) if raw[at..].starts_with('*') => singular(&of_type(&raw[..at])),
        Some(at) => format!("{}{}", of_type(&raw[..at]), pascal(&raw[at + 1..])),
    }
}

/// Returns the subject of an enum: two enums with the same values are equal only if they have the same subject.
pub fn sort_of_strings(raw: &str) -> String {
    let place = short(raw).trim_end_matches('*');
    let words = place.rsplit('.').next().unwrap_or(place);
    let last = words.rfind(|letter: char| letter.is_ascii_uppercase()).map_or(words, |at| &words[at..]);
    match last.to_ascii_lowercase().as_str() {
        "type" => place.to_owned(),
        sort => sort.to_owned(),
    }
}

/// Returns the name of a variant.
pub fn of_variant(tags: &[String], schema: Option<&str>) -> String {
    if let Some((_, name)) = VARIANTS.iter().find(|(known, _)| Some(*known) == schema.map(short)) {
        return (*name).to_owned();
    }
    match (tags, schema) {
        ([first, ..], _) => {
            let first = first.strip_prefix("response.").unwrap_or(first);
            let prefixes = ["image_generation.", "image_edit.", "transcript.text.", "speech.audio."];
            let first = prefixes.iter().find_map(|prefix| first.strip_prefix(prefix)).unwrap_or(first);
            pascal(first)
        }
        ([], _) => "Filter".to_owned(),
    }
}

/// Returns a field's name in Rust, with `_` for characters that are invalid in names.
pub fn of_field(name: &str) -> String {
    name.replace(|letter: char| !letter.is_ascii_alphanumeric(), "_")
}

/// `a_b.c` → `ABC`.
pub fn pascal(name: &str) -> String {
    let mut pascal = String::new();
    for word in name.split(|character: char| !character.is_ascii_alphanumeric()) {
        let mut letters = word.chars();
        pascal.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        pascal.push_str(letters.as_str());
    }
    pascal
}

/// Returns the variant of a string enum.
pub fn of_value(r#enum: &str, value: &str) -> String {
    let name = pascal(value);
    // Every enum has a variant `Other` for unknown values.
    if name == "Other" {
        return "OtherValue".to_owned();
    }
    if name.starts_with(|first: char| first.is_ascii_digit()) {
        let prefix = DIGITS.iter().find(|(known, _)| *known == r#enum).map_or("V", |(_, prefix)| *prefix);
        return format!("{prefix}{name}");
    }
    name
}

/// Returns the name without the plural `s`.
pub fn singular(name: &str) -> String {
    match name.strip_suffix("ies") {
        Some(stem) => format!("{stem}y"),
        None => name.strip_suffix('s').unwrap_or(name).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_names_a_schema_by_its_module_and_by_itself_and_what_goes_out_as_what_comes() {
        for (raw, name) in [
            ("responses.web_search_tool:UserLocation", Some("WebSearchApproximateLocation")),
            ("responses.web_search_tool_param:UserLocation", Some("WebSearchApproximateLocation")),
            ("responses.web_search_preview_tool:UserLocation", Some("ApproximateLocation")),
            ("responses.other:UserLocation", None),
            ("responses.response_input_text_param:ResponseInputTextParam", Some("InputTextContent")),
            ("shared_params.reasoning:Reasoning", Some("Reasoning")),
            ("responses.response_text_config_param:ResponseTextConfigParam.verbosity", Some("Verbosity")),
        ] {
            assert_eq!(rename(raw), name, "{raw}");
        }
    }

    #[test]
    fn names_lose_what_says_nothing() {
        for (raw, name) in [
            (
                "responses.response_mcp_call_completed_event:ResponseMcpCallCompletedEvent",
                "ResponseMcpCallCompletedEvent",
            ),
            ("responses.response_reasoning_item:ResponseReasoningItem", "ReasoningItem"),
            ("responses.response:Response", "Response"),
            ("responses.response_error:ResponseError", "ResponseError"),
            ("responses.x:FunctionToolParam", "FunctionTool"),
            ("responses.x:Thing.kinds*", "ThingKind"),
            ("responses.x:Thing.the_kind", "ThingTheKind"),
        ] {
            assert_eq!(of_type(raw), name, "{raw}");
        }
    }

    #[test]
    fn a_value_is_no_variant_that_every_enum_has() {
        assert_eq!(of_value("Any", "other"), "OtherValue");
        assert_eq!(of_value("ImageSize", "1024x1024"), "Size1024x1024");
        assert_eq!(of_value("Any", "not-a_name"), "NotAName");
    }
}
