use serde_json::{Value, json, to_value};

use super::tests::{assert_known, assert_wire};
use super::*;

/// Asserts that a tool consists only of its type.
#[track_caller]
fn assert_tool(tool: impl Into<Tool>, wire: Value) {
    let tool = tool.into();
    assert!(!matches!(tool, Tool::Unknown(_)));
    assert_wire(tool, wire);
}

#[test]
fn functions_and_custom_tools() {
    assert_tool(
        Tool::function("f")
            .description("d")
            .parameters(json!({"type": "object"}))
            .strict(false)
            .allowed_callers(["programmatic"])
            .defer_loading(true)
            .output_schema(json!({"type": "string"}))
            .field("hint", 1),
        json!({
            "type": "function", "name": "f", "description": "d", "parameters": {"type": "object"},
            "strict": false, "allowed_callers": ["programmatic"], "defer_loading": true,
            "output_schema": {"type": "string"}, "hint": 1
        }),
    );
    assert_tool(Tool::function("f"), json!({"type": "function", "name": "f"}));
    assert_tool(
        Tool::custom("c")
            .description("d")
            .format(CustomToolFormat::text())
            .allowed_callers(["direct"])
            .defer_loading(true),
        json!({
            "type": "custom", "name": "c", "description": "d", "format": {"type": "text"},
            "allowed_callers": ["direct"], "defer_loading": true
        }),
    );
    for (format, wire) in [
        (CustomToolFormat::lark("s"), json!({"type": "grammar", "syntax": "lark", "definition": "s"})),
        (CustomToolFormat::regex("x+"), json!({"type": "grammar", "syntax": "regex", "definition": "x+"})),
    ] {
        assert_tool(Tool::custom("c").format(format), json!({"type": "custom", "name": "c", "format": wire}));
    }
    assert_tool(
        NamespaceTool::new(
            "crm",
            "Customers",
            [NamespacedTool::from(Tool::function("f")), Tool::custom("c").into()],
        ),
        json!({
            "type": "namespace", "name": "crm", "description": "Customers",
            "tools": [{"type": "function", "name": "f"}, {"type": "custom", "name": "c"}]
        }),
    );
    assert_tool(
        ToolSearchTool::new().execution("client").description("d").parameters(json!({})),
        json!({"type": "tool_search", "execution": "client", "description": "d", "parameters": {}}),
    );
}

#[test]
fn tools_that_search() {
    let filter = Filters::all([
        Filters::equal("team", "blue"),
        Filters::any([Filters::compare("gte", "year", 2024), Filters::from(json!({"type": "odd"}))]),
    ]);
    assert_tool(
        Tool::file_search(["vs_1"]).filters(filter).max_num_results(5).ranking_options(
            RankingOptions::new()
                .ranker("auto")
                .score_threshold(0.5)
                .hybrid_search(HybridSearchOptions::new().embedding_weight(0.75).text_weight(0.25)),
        ),
        json!({
            "type": "file_search",
            "vector_store_ids": ["vs_1"],
            "filters": {"type": "and", "filters": [
                {"type": "eq", "key": "team", "value": "blue"},
                {"type": "or", "filters": [{"type": "gte", "key": "year", "value": 2024}, {"type": "odd"}]}
            ]},
            "max_num_results": 5,
            "ranking_options": {
                "ranker": "auto",
                "score_threshold": 0.5,
                "hybrid_search": {"embedding_weight": 0.75, "text_weight": 0.25}
            }
        }),
    );
    let bern = WebSearchApproximateLocation::new().city("Bern").country("CH");
    let place = json!({"type": "approximate", "city": "Bern", "country": "CH"});
    assert_tool(
        Tool::web_search()
            .allowed_domains(["a.example"])
            .search_context_size("low")
            .user_location(bern)
            .external_web_access(false),
        json!({
            "type": "web_search", "filters": {"allowed_domains": ["a.example"]},
            "search_context_size": "low", "user_location": place, "external_web_access": false
        }),
    );
    assert_tool(
        WebSearchPreviewTool::new(WebSearchPreviewToolType::WebSearchPreview)
            .search_content_types([SearchContentType::Image])
            .search_context_size(SearchContextSize::High)
            .user_location(ApproximateLocation::new().city("Bern").country("CH")),
        json!({
            "type": "web_search_preview", "search_content_types": ["image"], "search_context_size": "high",
            "user_location": place
        }),
    );
    assert_tool(Tool::web_search(), json!({"type": "web_search"}));
}

#[test]
fn tools_of_remote_servers() {
    let tool = Tool::mcp("wiki", "https://mcp.example")
        .tunnel_id("t")
        .authorization("top-secret")
        .headers("X-Key", "top-secret")
        .server_description("d")
        .allowed_tools(["ask"])
        .require_approval("never")
        .allowed_callers(["direct"])
        .defer_loading(true);
    let debug = format!("{tool:?}");
    assert!(debug.contains("X-Key") && !debug.contains("top-secret"), "{debug}");
    assert_tool(
        tool,
        json!({
            "type": "mcp", "server_label": "wiki", "server_url": "https://mcp.example", "tunnel_id": "t",
            "authorization": "top-secret", "headers": {"X-Key": "top-secret"}, "server_description": "d",
            "allowed_tools": ["ask"], "require_approval": "never", "allowed_callers": ["direct"],
            "defer_loading": true
        }),
    );
    assert_tool(
        McpTool::new("mail")
            .connector_id(McpConnector::ConnectorGmail)
            .allowed_tools(McpToolFilter::names(["read"]).read_only(true))
            .require_approval(
                McpApprovalFilter::new()
                    .always(McpToolFilter::names(["send"]))
                    .never(McpToolFilter::only_reading()),
            ),
        json!({
            "type": "mcp", "server_label": "mail", "connector_id": "connector_gmail",
            "allowed_tools": {"read_only": true, "tool_names": ["read"]},
            "require_approval": {"always": {"tool_names": ["send"]}, "never": {"read_only": true}}
        }),
    );
    assert_wire(McpAllowedTools::from(vec!["a"]), json!(["a"]));
    assert_wire(McpRequireApproval::from(McpApprovalMode::Always), json!("always"));
    assert_wire(McpRequireApproval::from(json!({"odd": 1})), json!({"odd": 1}));
    assert_wire(McpAllowedTools::from(json!({"odd": 1})), json!({"odd": 1}));
}

#[test]
fn tools_that_run_code() {
    assert_tool(Tool::code_interpreter(), json!({"type": "code_interpreter", "container": {"type": "auto"}}));
    assert_tool(
        CodeInterpreterTool::new("cntr_1").allowed_callers(["programmatic"]),
        json!({"type": "code_interpreter", "container": "cntr_1", "allowed_callers": ["programmatic"]}),
    );
    assert_tool(
        CodeInterpreterTool::new(CodeInterpreterContainerAuto::new().file_ids(["file-1"])),
        json!({"type": "code_interpreter", "container": {"type": "auto", "file_ids": ["file-1"]}}),
    );
    assert_tool(
        Tool::shell().environment(ShellToolEnvironment::local()).allowed_callers(["direct"]),
        json!({"type": "shell", "environment": {"type": "local"}, "allowed_callers": ["direct"]}),
    );
    for (environment, wire) in [
        (ShellToolEnvironment::container(), json!({"type": "container_auto"})),
        (
            ShellToolEnvironment::container_reference("cntr_1"),
            json!({"type": "container_reference", "container_id": "cntr_1"}),
        ),
        (
            ContainerAuto::new()
                .file_ids(["file-1"])
                .memory_limit("4g")
                .network_policy(ContainerNetworkPolicy::disabled())
                .skills([SkillReference::new("s")])
                .into(),
            json!({
                "type": "container_auto", "file_ids": ["file-1"], "memory_limit": "4g",
                "network_policy": {"type": "disabled"},
                "skills": [{"type": "skill_reference", "skill_id": "s"}]
            }),
        ),
        (ShellToolEnvironment::from(json!({"type": "moon"})), json!({"type": "moon"})),
    ] {
        assert_wire(environment, wire);
    }
    let secret = ContainerNetworkPolicyDomainSecret::new("KEY", "a.example", "top-secret");
    let policy: ContainerNetworkPolicy =
        ContainerNetworkPolicyAllowlist::new(["a.example"]).domain_secrets([secret]).into();
    assert!(!format!("{policy:?}").contains("top-secret"));
    assert_wire(
        policy,
        json!({
            "type": "allowlist", "allowed_domains": ["a.example"],
            "domain_secrets": [{"domain": "a.example", "name": "KEY", "value": "top-secret"}]
        }),
    );
    assert_wire(ContainerNetworkPolicy::allow(["b"]), json!({"type": "allowlist", "allowed_domains": ["b"]}));
    assert_wire(CodeInterpreterToolContainer::from(String::from("c")), json!("c"));
}

#[test]
fn other_hosted_tools() {
    assert_tool(Tool::computer(), json!({"type": "computer"}));
    assert_tool(Tool::local_shell(), json!({"type": "local_shell"}));
    assert_tool(Tool::apply_patch(), json!({"type": "apply_patch"}));
    assert_tool(
        ApplyPatchTool::new().allowed_callers([CallableToolAllowedCaller::Direct]),
        json!({"type": "apply_patch", "allowed_callers": ["direct"]}),
    );
    assert_tool(Tool::programmatic_tool_calling(), json!({"type": "programmatic_tool_calling"}));
    assert_tool(
        ComputerUsePreviewTool::new("browser", 1024, 768),
        json!({
            "type": "computer_use_preview", "environment": "browser", "display_width": 1024,
            "display_height": 768
        }),
    );
    assert_tool(
        Tool::image_generation()
            .action("edit")
            .background("opaque")
            .input_fidelity("high")
            .input_image_mask(ImageMask::new().file_id("file-1"))
            .model("gpt-image-1")
            .moderation("low")
            .output_compression(80)
            .output_format("webp")
            .partial_images(2)
            .quality("low")
            .size("1024x1024"),
        json!({
            "type": "image_generation", "action": "edit", "background": "opaque", "input_fidelity": "high",
            "input_image_mask": {"file_id": "file-1"}, "model": "gpt-image-1", "moderation": "low",
            "output_compression": 80, "output_format": "webp", "partial_images": 2, "quality": "low",
            "size": "1024x1024"
        }),
    );
}

#[test]
fn unknown_tools_keep_all_they_have() {
    for tool in [
        json!({"type": "web_search_2025_08_26"}),
        json!({"type": "local_shell", "more": 1}),
        json!({"type": "image_generation", "more": 1}),
        json!({"type": "mcp"}),
    ] {
        assert_wire(Tool::from(tool.clone()), tool);
    }
    let request = ResponseRequest::new("m").tools([Tool::local_shell(), Tool::computer()]);
    assert_eq!(to_value(&request.tools).unwrap(), json!([{"type": "local_shell"}, {"type": "computer"}]));
}

#[test]
fn tool_choices_of_every_kind() {
    for (choice, wire) in [
        (ToolChoice::none(), json!("none")),
        (ToolChoice::auto(), json!("auto")),
        (ToolChoice::required(), json!("required")),
        (ToolChoice::function("f"), json!({"type": "function", "name": "f"})),
        (ToolChoice::custom("c"), json!({"type": "custom", "name": "c"})),
        (ToolChoice::mcp("s"), json!({"type": "mcp", "server_label": "s"})),
        (ToolChoice::mcp_tool("s", "t"), json!({"type": "mcp", "server_label": "s", "name": "t"})),
        (ToolChoice::hosted("shell"), json!({"type": "shell"})),
        (ToolChoice::hosted("own"), json!({"type": "own"})),
        (
            ToolChoice::allowed_tools("auto", [ToolChoice::function("f"), ToolChoice::hosted("file_search")]),
            json!({
                "type": "allowed_tools", "mode": "auto",
                "tools": [{"type": "function", "name": "f"}, {"type": "file_search"}]
            }),
        ),
        (
            json!({"type": "function", "name": "f", "more": 1}).into(),
            json!({"type": "function", "name": "f", "more": 1}),
        ),
    ] {
        assert_wire(choice, wire);
    }
}

#[test]
fn enums_have_every_documented_value() {
    assert_known::<CallableToolAllowedCaller>("direct programmatic");
    assert_known::<ToolSearchExecutionType>("server client");
    assert_known::<ComparisonFilterType>("eq ne gt gte lt lte in nin");
    assert_known::<CompoundFilterType>("and or");
    assert_known::<SearchContentType>("text image");
    assert_known::<ComputerEnvironment>("windows mac linux ubuntu browser");
    assert_known::<ImageGenAction>("generate edit auto");
    assert_known::<McpConnector>(
        "connector_dropbox connector_gmail connector_googlecalendar connector_googledrive \
         connector_microsoftteams connector_outlookcalendar connector_outlookemail connector_sharepoint",
    );
    assert_known::<McpApprovalMode>("always never");
    assert_known::<ContainerMemoryLimit>("1g 4g 16g 64g");
    for kind in [
        "file_search web_search_preview computer computer_use_preview computer_use",
        "web_search_preview_2025_03_11 image_generation code_interpreter shell apply_patch",
        "programmatic_tool_calling",
    ] {
        for kind in kind.split(' ') {
            assert!(!matches!(ToolChoice::hosted(kind), ToolChoice::Unknown(_)), "{kind}");
        }
    }
}
