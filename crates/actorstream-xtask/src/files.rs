//! Which file of actorstream-proto holds which type.

/// A generated file: its path below `src` of actorstream-proto, what its first line says, and the types that open it.
/// Types that no file opens with stand in the file of the first type that refers to them. A name that ends with `*`
/// is a prefix.
#[derive(Debug)]
pub struct File {
    /// The path.
    pub path: &'static str,
    /// What is in it.
    pub about: &'static str,
    /// The types that open it.
    pub types: &'static [&'static str],
}

/// All the files. A type stands in the first that names it.
pub const FILES: &[File] = &[
    File {
        path: "responses/generated/event.rs",
        about: "`ResponseStreamEvent`: one event of a streamed response.",
        types: &["ResponseStreamEvent"],
    },
    File {
        path: "responses/generated/event_fields.rs",
        about: "The fields that many events have, of any of them.",
        types: &[],
    },
    File {
        path: "responses/generated/lifecycle_events.rs",
        about: "The events of the response itself, its items and their parts.",
        types: &[
            "ResponseCreatedEvent",
            "ResponseQueuedEvent",
            "ResponseInProgressEvent",
            "ResponseCompletedEvent",
            "ResponseIncompleteEvent",
            "ResponseFailedEvent",
            "ResponseErrorEvent",
            "ResponseKeepAliveEvent",
            "ResponseOutputItem*",
            "ResponseContentPart*",
        ],
    },
    File {
        path: "responses/generated/text_events.rs",
        about: "The events of texts, refusals and sound.",
        types: &["ResponseTextD*", "ResponseRefusal*", "ResponseOutputText*", "ResponseAudio*"],
    },
    File {
        path: "responses/generated/reasoning_events.rs",
        about: "The events of reasoning.",
        types: &["ResponseReasoning*"],
    },
    File {
        path: "responses/generated/call_events.rs",
        about: "The events of calls that you answer.",
        types: &["ResponseFunctionCall*", "ResponseCustomToolCall*", "ResponseShellCall*"],
    },
    File {
        path: "responses/generated/mcp_events.rs",
        about: "The events of MCP servers.",
        types: &["ResponseMcp*"],
    },
    File {
        path: "responses/generated/hosted_tool_events.rs",
        about: "The events of tools that the server runs.",
        types: &[
            "ResponseCodeInterpreter*",
            "ResponseFileSearch*",
            "ResponseWebSearch*",
            "ResponseImageGen*",
        ],
    },
    File {
        path: "responses/generated/response.rs",
        about: "`Response`: what the model answered, and to what.",
        types: &["Response"],
    },
    File {
        path: "responses/generated/config.rs",
        about: "What a response was asked to be.",
        types: &["TextConfig", "ReasoningConfig", "Prompt", "PromptCacheOptions"],
    },
    File {
        path: "responses/generated/item.rs",
        about: "`OutputItem`: an item of a response's output.",
        types: &["OutputItem"],
    },
    File {
        path: "responses/generated/message.rs",
        about: "Messages, reasoning and other items that are no calls.",
        types: &["OutputMessage", "ReasoningItem", "Compaction", "AdditionalTools", "ItemStatus"],
    },
    File {
        path: "responses/generated/content.rs",
        about: "What items say: texts, refusals, files, and the sources that they refer to.",
        types: &[
            "OutputContent",
            "OutputMessageContent",
            "InputContent",
            "Input*Content",
            "OutputTextContent",
            "SummaryTextContent",
            "Annotation",
        ],
    },
    File {
        path: "responses/generated/call.rs",
        about: "Calls of functions, custom tools and programs, and what they answered.",
        types: &[
            "FunctionToolCall",
            "FunctionToolCallOutput",
            "CustomToolCall",
            "CustomToolCallOutput",
            "Program",
            "ProgramOutput",
            "ToolSearchCall",
            "ToolSearchOutput",
        ],
    },
    File {
        path: "responses/generated/hosted_call.rs",
        about: "Calls of tools that the server runs.",
        types: &["FileSearchToolCall", "WebSearchToolCall", "CodeInterpreterToolCall", "ImageGenToolCall"],
    },
    File {
        path: "responses/generated/computer.rs",
        about: "Calls that use a computer.",
        types: &["ComputerToolCall", "ComputerToolCallOutput"],
    },
    File {
        path: "responses/generated/shell.rs",
        about: "Calls that run commands.",
        types: &[
            "FunctionShellCall",
            "FunctionShellCallOutput",
            "FunctionShellCallParam",
            "FunctionShellCallOutputParam",
            "LocalShellToolCall",
            "LocalShellToolCallOutput",
            "ShellCallOutputDelta",
        ],
    },
    File {
        path: "responses/generated/apply_patch.rs",
        about: "Calls that patch files.",
        types: &["ApplyPatchToolCall*"],
    },
    File {
        path: "responses/generated/mcp.rs",
        about: "Items of MCP servers.",
        types: &["McpToolCall", "McpListTools", "McpApprovalRequest", "McpApprovalResponse"],
    },
    File {
        path: "responses/generated/input.rs",
        about: "`InputItem`: an item of a response's input.",
        types: &["InputItem", "InputItemMessage", "*Param"],
    },
    File {
        path: "responses/generated/tool.rs",
        about: "`Tool`: a tool that the model may call.",
        types: &["Tool"],
    },
    File {
        path: "responses/generated/search_tool.rs",
        about: "Tools that search.",
        types: &["FileSearchTool", "WebSearchTool", "WebSearchPreviewTool"],
    },
    File { path: "responses/generated/mcp_tool.rs", about: "The tools of MCP servers.", types: &["McpTool"] },
    File {
        path: "responses/generated/container.rs",
        about: "Where tools run.",
        types: &["CodeInterpreterTool", "FunctionShellTool"],
    },
    File {
        path: "responses/generated/tool_choice.rs",
        about: "`ToolChoice`: which tool the model may, or has to, call.",
        types: &["ToolChoice"],
    },
    File {
        path: "images/generated.rs",
        about: "The events and answers of the endpoints of images.",
        types: &[
            "ImageGenStreamEvent",
            "ImageEditStreamEvent",
            "ImagesResponse",
            "ImageBackground",
            "ImageFormat",
            "ImageQuality",
            "ImageSize",
        ],
    },
    File {
        path: "audio/generated.rs",
        about: "The events and answers of the endpoints of transcription and speech.",
        types: &["TranscriptionStreamEvent", "SpeechStreamEvent", "Transcription", "VerboseTranscription"],
    },
];

impl File {
    /// Whether the file opens with a type.
    pub fn opens_with(&self, name: &str) -> bool {
        self.types.iter().any(|pattern| match pattern.split_once('*') {
            Some((start, end)) => name.starts_with(start) && name.ends_with(end),
            None => *pattern == name,
        })
    }

    /// The Rust path of the module that gives the file's types to others.
    pub fn module(&self) -> &'static str {
        self.path.split('/').next().unwrap_or_default()
    }

    /// The name of the file's module.
    pub fn name(&self) -> &'static str {
        let file = self.path.rsplit('/').next().unwrap_or_default();
        file.trim_end_matches(".rs")
    }
}
