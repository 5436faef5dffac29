//! The assignment of types to files of actorstream-proto.

/// A generated file: its path below `src` of actorstream-proto, its first line, and the types that it starts with.
/// All other types are in the file of the first type that refers to them. A name that ends with `*` is a prefix.
#[derive(Debug)]
pub struct File {
    /// The path.
    pub path: &'static str,
    /// The description in its first line.
    pub about: &'static str,
    /// The types that it starts with.
    pub types: &'static [&'static str],
}

/// The folders in which every file is generated, and the first line of their module.
pub const FOLDERS: &[(&str, &str)] = &[
    ("api/chat/request/generated", "What a request for a chat completion consists of."),
    ("api/responses/generated", "The types of the Responses API."),
];

/// All files. A type is in the first file that lists it.
pub const FILES: &[File] = &[
    File {
        path: "api/responses/generated/event.rs",
        about: "`ResponseStreamEvent`: one event of a streamed response.",
        types: &["ResponseStreamEvent"],
    },
    File {
        path: "api/responses/generated/event_fields.rs",
        about: "The fields that many events have, of any of them.",
        types: &[],
    },
    File {
        path: "api/responses/generated/lifecycle_events.rs",
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
            "ResponseCompactionCompactingEvent",
            "ResponseOutputItem*",
            "ResponseContentPart*",
        ],
    },
    File {
        path: "api/responses/generated/text_events.rs",
        about: "The events of texts, refusals and sound.",
        types: &["ResponseTextD*", "ResponseRefusal*", "ResponseOutputText*", "ResponseAudio*"],
    },
    File {
        path: "api/responses/generated/reasoning_events.rs",
        about: "The events of reasoning.",
        types: &["ResponseReasoning*"],
    },
    File {
        path: "api/responses/generated/call_events.rs",
        about: "The events of calls that you answer.",
        types: &["ResponseFunctionCall*", "ResponseCustomToolCall*", "ResponseShellCall*"],
    },
    File {
        path: "api/responses/generated/mcp_events.rs",
        about: "The events of MCP servers.",
        types: &["ResponseMcp*"],
    },
    File {
        path: "api/responses/generated/hosted_tool_events.rs",
        about: "The events of tools that the server runs.",
        types: &[
            "ResponseCodeInterpreter*",
            "ResponseFileSearch*",
            "ResponseWebSearch*",
            "ResponseImageGen*",
        ],
    },
    File {
        path: "api/responses/generated/response.rs",
        about: "`Response`: what the model answered, and to what.",
        types: &["Response"],
    },
    File {
        path: "api/responses/generated/outcome.rs",
        about: "How a response ended, and what it took.",
        types: &[
            "ResponseError",
            "IncompleteDetails",
            "Misalignment",
            "ResponseUsage",
            "ToolUsage",
            "ResponseStatus",
        ],
    },
    File {
        path: "api/responses/generated/config.rs",
        about: "What a response was asked to be.",
        types: &["TextConfig", "Reasoning", "Prompt", "PromptCacheOptions"],
    },
    File {
        path: "api/responses/generated/item.rs",
        about: "`OutputItem`: an item of a response's output.",
        types: &["OutputItem"],
    },
    File {
        path: "api/responses/generated/message.rs",
        about: "Messages, reasoning and other items that are no calls.",
        types: &["OutputMessage", "ReasoningItem", "Compaction", "AdditionalTools", "ItemStatus"],
    },
    File {
        path: "api/responses/generated/content.rs",
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
        path: "api/responses/generated/call.rs",
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
        path: "api/responses/generated/hosted_call.rs",
        about: "Calls of tools that the server runs.",
        types: &["FileSearchToolCall", "WebSearchToolCall", "CodeInterpreterToolCall", "ImageGenToolCall"],
    },
    File {
        path: "api/responses/generated/computer.rs",
        about: "Calls that use a computer.",
        types: &["ComputerToolCall", "ComputerToolCallOutput"],
    },
    File {
        path: "api/responses/generated/shell.rs",
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
        path: "api/responses/generated/apply_patch.rs",
        about: "Calls that patch files.",
        types: &["ApplyPatchToolCall*"],
    },
    File {
        path: "api/responses/generated/mcp.rs",
        about: "Items of MCP servers.",
        types: &["McpToolCall", "McpListTools", "McpApprovalRequest", "McpApprovalResponse"],
    },
    File {
        path: "api/responses/generated/input.rs",
        about: "`InputItem`: an item of a response's input.",
        types: &["InputItem", "InputMessage", "Input"],
    },
    File {
        path: "api/responses/generated/given_item.rs",
        about: "Items of an input that are no items of an output.",
        types: &["FunctionCallOutput", "ComputerCallOutput", "*Param"],
    },
    File {
        path: "api/responses/generated/tool.rs",
        about: "`Tool`: a tool that the model may call.",
        types: &["Tool"],
    },
    File {
        path: "api/responses/generated/image_tool.rs",
        about: "The tool that makes images.",
        types: &["ImageGenTool"],
    },
    File {
        path: "api/responses/generated/search_tool.rs",
        about: "Tools that search.",
        types: &["FileSearchTool", "WebSearchTool", "WebSearchPreviewTool"],
    },
    File {
        path: "api/responses/generated/mcp_tool.rs",
        about: "The tools of MCP servers.",
        types: &["McpTool"],
    },
    File {
        path: "api/responses/generated/container.rs",
        about: "Where tools run.",
        types: &["CodeInterpreterTool", "FunctionShellTool"],
    },
    File {
        path: "api/responses/generated/tool_choice.rs",
        about: "`ToolChoice`: which tool the model may, or has to, call.",
        types: &["ToolChoice"],
    },
    File {
        path: "api/chat/request/generated/chat_request.rs",
        about: "`ChatRequest`: a request for a chat completion.",
        types: &["ChatRequest"],
    },
    File {
        path: "api/chat/request/generated/message.rs",
        about: "`Message`: a message of a conversation.",
        types: &["chat::Message", "chat::ContentPart*"],
    },
    File {
        path: "api/chat/request/generated/tool.rs",
        about: "`Tool` and `ToolChoice`: what the model may call.",
        types: &["chat::Tool", "chat::ToolChoice", "chat::FunctionCallChoice"],
    },
    File {
        path: "api/chat/request/generated/options.rs",
        about: "Options of a request for a chat completion.",
        types: &[
            "chat::AudioOutput",
            "chat::Moderation",
            "chat::Modality",
            "chat::Prediction",
            "chat::PromptCacheOptions",
            "chat::ResponseFormat",
            "chat::Stop",
            "chat::StreamOptions",
            "chat::WebSearchOptions",
        ],
    },
    File {
        path: "api/responses/request/generated.rs",
        about: "Requests for responses and for counts of their input tokens.",
        types: &["ResponseRequest", "InputTokenCountRequest", "InputTokenCountResponse"],
    },
    File {
        path: "api/completions/generated.rs",
        about: "The request of `POST /completions`.",
        types: &["CompletionRequest"],
    },
    File {
        path: "api/images/request/generated.rs",
        about: "Requests for images.",
        types: &["ImageRequest", "ImageEditRequest"],
    },
    File {
        path: "api/audio/request/generated.rs",
        about: "Requests for transcriptions and for speech.",
        types: &["TranscriptionRequest", "SpeechRequest", "audio::Voice"],
    },
    File {
        path: "api/images/generated.rs",
        about: "The events and answers of the endpoints of images.",
        types: &[
            "ImageGenStreamEvent",
            "ImageEditStreamEvent",
            "ImagesResponse",
            "ImageBackground",
            "ImageFormat",
            "ImageQuality",
            "ImageSize",
            "ImageTokensDetails",
            "SvgUsage",
        ],
    },
    File {
        path: "api/audio/generated.rs",
        about: "The events and answers of the endpoints of transcription and speech.",
        types: &[
            "TranscriptionStreamEvent",
            "SpeechStreamEvent",
            "Transcription",
            "VerboseTranscription",
            "DiarizedTranscription",
        ],
    },
    File {
        path: "api/embeddings/generated.rs",
        about: "The request and the response of `POST /embeddings`.",
        types: &["EmbeddingRequest", "EmbeddingResponse"],
    },
    File {
        path: "api/moderations/generated.rs",
        about: "The request and the response of `POST /moderations`.",
        types: &["ModerationRequest", "ModerationResponse"],
    },
    File { path: "api/models/generated.rs", about: "The models of a server.", types: &["ModelList"] },
    File {
        path: "api/files/generated.rs",
        about: "The requests and responses of the endpoints of files.",
        types: &["FileRequest", "FileListRequest", "FileList", "FileDeleted"],
    },
];

impl File {
    /// Returns whether the file lists a type.
    pub fn opens_with(&self, name: &str) -> bool {
        self.types.iter().any(|pattern| match pattern.split_once('*') {
            // A prefix of global names does not match names that are valid in one module.
            Some((start, end)) => {
                let here = pattern.contains("::") == name.contains("::");
                here && name.starts_with(start) && name.ends_with(end)
            }
            None => *pattern == name,
        })
    }

    /// Returns the path below `api` of the module that exports the file's types.
    pub fn module(&self) -> String {
        let path = self.path.strip_prefix("api/").unwrap_or(self.path);
        let folder = path.split("/generated").next().unwrap_or_default();
        folder.replace('/', "::")
    }

    /// Returns the folder of the file.
    pub fn folder(&self) -> &'static str {
        self.path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// Returns the name of the file's module.
    pub fn name(&self) -> &'static str {
        let file = self.path.rsplit('/').next().unwrap_or_default();
        file.trim_end_matches(".rs")
    }
}
