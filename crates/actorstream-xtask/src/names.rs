//! Names: what of the API is called what in Rust.

/// More values than this are no enum, but a string.
pub const MOST_VALUES: usize = 40;

/// Schemas that are called something else, and types that no schema has a name for (`Parent.field`; `*` is an item).
const TYPES: &[(&str, &str)] = &[
    ("ApplyPatchOperationParam", "ApplyPatchOperation"),
    ("AutoCodeInterpreterToolParam", "CodeInterpreterContainerAuto"),
    ("AutoCodeInterpreterToolParam.network_policy", "ContainerNetworkPolicy"),
    ("ClickParam", "ClickAction"),
    ("CompactionSummaryItemParam", "CompactionParam"),
    ("ComputerCallOutputItemParam", "ComputerCallOutputParam"),
    ("ContainerAutoParam.network_policy", "ContainerNetworkPolicy"),
    ("ContainerAutoParam.skills*", "ContainerSkill"),
    ("CreateSpeechResponseStreamEvent", "SpeechStreamEvent"),
    ("CreateTranscriptionResponseJson", "Transcription"),
    ("CreateTranscriptionResponseJson.logprobs*", "TranscriptionLogProb"),
    ("CreateTranscriptionResponseJson.usage", "TranscriptionUsage"),
    ("CreateTranscriptionResponseStreamEvent", "TranscriptionStreamEvent"),
    ("CreateTranscriptionResponseVerboseJson", "VerboseTranscription"),
    ("CustomGrammarFormatParam", "CustomToolGrammar"),
    ("CustomTextFormatParam", "PlainText"),
    ("CustomToolCallOutput", "CustomToolCallOutputParam"),
    ("CustomToolCallOutput.output", "ToolOutput"),
    ("CustomToolCallOutputResource", "CustomToolCallOutput"),
    ("CustomToolCallOutputResource.output", "ToolOutput"),
    ("CustomToolParam.format", "CustomToolFormat"),
    ("DetailEnum", "ImageDetail"),
    ("DragParam", "DragAction"),
    ("FileDetailEnum", "FileInputDetail"),
    ("FunctionAndCustomToolCallOutput", "InputContent"),
    ("FunctionCallItemStatus", "ItemStatus"),
    ("FunctionCallOutputItemParam", "FunctionCallOutputParam"),
    ("FunctionCallOutputItemParam.output", "ToolOutput"),
    ("FunctionCallOutputStatusEnum", "ItemStatus"),
    ("FunctionCallStatus", "ItemStatus"),
    ("FunctionShellCall.environment", "ShellEnvironment"),
    ("FunctionShellCallItemParam.environment", "ShellEnvironmentParam"),
    ("FunctionShellCallItemStatus", "ItemStatus"),
    ("FunctionShellCallOutputStatusEnum", "ItemStatus"),
    ("FunctionShellCallStatus", "ItemStatus"),
    ("FunctionShellToolParam.environment", "ShellToolEnvironment"),
    ("FunctionToolCallOutput.output", "ToolOutput"),
    ("FunctionToolCallOutputResource.output", "ToolOutput"),
    ("GrammarSyntax1", "GrammarSyntax"),
    ("HTTPError", "McpHttpError"),
    ("Image", "GeneratedImage"),
    ("ImageGenActionEnum", "ImageGenAction"),
    ("ImageGenInputUsageDetails", "ImageTokensDetails"),
    ("ImageGenOutputTokensDetails", "ImageTokensDetails"),
    ("ImageGenPartialImageEvent.background", "ImageBackground"),
    ("ImageGenPartialImageEvent.output_format", "ImageFormat"),
    ("ImageGenPartialImageEvent.quality", "ImageQuality"),
    ("ImageGenPartialImageEvent.size", "ImageSize"),
    ("ImageGenTool.background", "ImageBackground"),
    ("ImageGenTool.input_image_mask", "ImageMask"),
    ("ImageGenTool.moderation", "ImageModeration"),
    ("ImageGenTool.output_format", "ImageFormat"),
    ("ImageGenTool.quality", "ImageQuality"),
    ("ImageGenTool.size", "ImageSize"),
    ("ImagesResponse.background", "ImageBackground"),
    ("ImagesResponse.output_format", "ImageFormat"),
    ("ImagesResponse.quality", "ImageQuality"),
    ("ImagesResponse.size", "ImageSize"),
    ("ImagesUsage.input_tokens_details", "ImageTokensDetails"),
    ("InputItem.message", "InputItemMessage"),
    ("InputItem.message.content", "InputMessageContent"),
    ("InputItem.message.content.items*", "InputMessagePart"),
    ("InputItem.message.role", "InputRole"),
    ("MCPApprovalResponse", "McpApprovalResponseParam"),
    ("MCPApprovalResponseResource", "McpApprovalResponse"),
    ("MCPTool.allowed_tools", "McpAllowedTools"),
    ("MCPTool.connector_id", "McpConnector"),
    ("MCPTool.require_approval", "McpRequireApproval"),
    ("MCPTool.require_approval.mode", "McpApprovalMode"),
    ("MCPTool.require_approval.object", "McpApprovalFilter"),
    ("Moderation.input", "ModerationOutcome"),
    ("Moderation.output", "ModerationOutcome"),
    ("MoveParam", "MoveAction"),
    ("NamespaceToolParam.tools*", "NamespacedTool"),
    ("ProgramOutputItemStatus", "ProgramOutputStatus"),
    ("PromptCacheModeEnum", "PromptCacheMode"),
    ("PromptCacheTTLEnum", "PromptCacheTtl"),
    ("Reasoning", "ReasoningConfig"),
    ("Reasoning.context", "ReasoningContext"),
    ("Reasoning.generate_summary", "ReasoningSummary"),
    ("Reasoning.summary", "ReasoningSummary"),
    ("ReasoningModeEnum", "ReasoningMode"),
    ("Response.incomplete_details", "IncompleteDetails"),
    ("Response.incomplete_details.reason", "IncompleteReason"),
    ("Response.prompt_cache_retention", "PromptCacheRetention"),
    ("Response.status", "ResponseStatus"),
    ("ResponseFormatJsonObject", "TextFormatJsonObject"),
    ("ResponseFormatText", "PlainText"),
    ("ResponseLogProb.top_logprobs*", "ResponseTopLogProb"),
    ("ResponsePromptVariables*", "PromptVariable"),
    ("ResponseTextParam", "TextConfig"),
    ("ResponseUsage.input_tokens_details", "InputTokensDetails"),
    ("ResponseUsage.output_tokens_details", "OutputTokensDetails"),
    ("ScreenshotParam", "ScreenshotAction"),
    ("ScrollParam", "ScrollAction"),
    ("ServiceTierResponses", "ServiceTier"),
    ("SpecificApplyPatchParam", "ToolChoiceApplyPatch"),
    ("SpecificFunctionShellParam", "ToolChoiceShell"),
    ("SpecificProgrammaticToolCallingParam", "ProgrammaticToolCalling"),
    ("SpeechAudioDoneEvent.usage", "SpeechUsage"),
    ("TextResponseFormatConfiguration", "TextFormat"),
    ("TextResponseFormatJsonSchema", "TextFormatJsonSchema"),
    ("ToolChoiceOptions", "ToolChoiceMode"),
    ("ToolChoiceParam", "ToolChoice"),
    ("ToolChoiceTypes", "ToolChoiceHosted"),
    ("TranscriptTextDeltaEvent.logprobs*", "TranscriptionLogProb"),
    ("TranscriptTextDoneEvent.logprobs*", "TranscriptionLogProb"),
    ("TranscriptTextUsageTokens.input_token_details", "TranscriptionInputTokenDetails"),
    ("TypeParam", "TypeAction"),
    ("VectorStoreFileAttributes*", "AttributeValue"),
    ("WaitParam", "WaitAction"),
    ("WebSearchActionSearch.sources*", "WebSearchSource"),
    ("WebSearchToolCall.action", "WebSearchAction"),
];

/// Variants that are not called after their tag, by their schema.
const VARIANTS: &[(&str, &str)] = &[
    ("ToolChoiceTypes", "Hosted"),
    ("ComparisonFilter", "Comparison"),
    ("CompoundFilter", "Compound"),
    ("MCPToolFilter", "Filter"),
    ("ResponseKeepAliveEvent", "KeepAlive"),
];

/// Required fields that servers leave out, and whose default would say something that is not so; and those that one of
/// two schemas for the same thing requires.
const LEFT_OUT: &[(&str, &str)] =
    &[("Response", "parallel_tool_calls"), ("Response", "tool_choice"), ("InputImageContent", "detail")];

/// Integers that may be negative.
const SIGNED: &[&str] = &["x", "y", "scroll_x", "scroll_y", "exit_code", "code", "id", "seek"];

/// What stands before a value that starts with a digit.
const DIGITS: &[(&str, &str)] = &[
    ("ContainerMemoryLimit", "Memory"),
    ("ImageSize", "Size"),
    ("PromptCacheRetention", "For"),
    ("PromptCacheTtl", "For"),
];

/// What a schema is called, if not by its name.
pub fn rename(raw: &str) -> Option<&'static str> {
    TYPES.iter().find(|(schema, _)| *schema == raw).map(|(_, name)| *name)
}

/// Whether a schema is an event.
pub fn is_event(raw: &str) -> bool {
    (raw.ends_with("Event") && !raw.ends_with("StreamEvent"))
        || raw.ends_with("StreamingEvent")
        || raw == "ShellCallOutputDelta"
}

/// Whether the API adds random text to the event, which the schemas say only of some.
pub fn is_obscured(raw: &str) -> bool {
    raw.starts_with("Response") && is_event(raw) && raw.contains("Delta")
}

/// Whether servers leave out a field though it is required.
pub fn is_left_out(raw: &str, field: &str) -> bool {
    (field == "sequence_number" && is_event(raw)) || LEFT_OUT.contains(&(raw, field))
}

/// Whether an integer may be negative.
pub fn is_signed(field: &str) -> bool {
    SIGNED.contains(&field)
}

/// Whether the values of an enum are names of models, which change every month.
pub fn are_models(values: &[String]) -> bool {
    values.iter().any(|value| value.starts_with("gpt-"))
}

/// A schema's name without what says nothing.
pub fn tidy(raw: &str) -> String {
    let name = raw.replace("MCP", "Mcp").replace("HTTP", "Http");
    for end in ["ItemParam", "Param", "Body", "Enum", "Resource", "StreamingEvent"] {
        if let Some(short) = name.strip_suffix(end) {
            return if end == "StreamingEvent" { format!("{short}Event") } else { short.to_owned() };
        }
    }
    name
}

/// The Rust name of a schema, or of `Parent.field`.
pub fn of_type(raw: &str) -> String {
    if let Some(name) = rename(raw) {
        return name.to_owned();
    }
    let end = raw.rfind(['.', '*']);
    match end {
        None => tidy(raw),
        Some(at) if raw[at..].starts_with('*') => singular(&of_type(&raw[..at])),
        Some(at) => format!("{}{}", of_type(&raw[..at]), pascal(&raw[at + 1..])),
    }
}

/// What an enum is about: two with the same values are the same only if they are about the same.
pub fn sort_of_strings(raw: &str) -> String {
    let name = of_type(raw);
    let last = name.rfind(|letter: char| letter.is_ascii_uppercase()).map_or("", |at| &name[at..]);
    if last == "Type" { name } else { last.to_owned() }
}

/// The name of a type whose shorter name is another's.
pub fn long(raw: &str) -> String {
    raw.replace("MCP", "Mcp").replace("ItemParam", "Param")
}

/// The name of a variant.
pub fn of_variant(tags: &[String], schema: Option<&str>) -> String {
    if let Some((_, name)) = VARIANTS.iter().find(|(known, _)| Some(*known) == schema) {
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

/// The variant of a string enum.
pub fn of_value(r#enum: &str, value: &str) -> String {
    let name = pascal(value);
    if name.starts_with(|first: char| first.is_ascii_digit()) {
        let prefix = DIGITS.iter().find(|(known, _)| *known == r#enum).map_or("V", |(_, prefix)| *prefix);
        return format!("{prefix}{name}");
    }
    name
}

/// Without the `s` of the plural.
pub fn singular(name: &str) -> String {
    match name.strip_suffix("ies") {
        Some(stem) => format!("{stem}y"),
        None => name.strip_suffix('s').unwrap_or(name).to_owned(),
    }
}
