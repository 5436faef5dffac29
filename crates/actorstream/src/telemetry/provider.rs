//! The provider behind a host.

/// The ends of hosts, and the conventions' names of their providers.
const PROVIDERS: [(&str, &str); 17] = [
    ("openai.azure.com", "azure.ai.openai"),
    ("cognitiveservices.azure.com", "azure.ai.openai"),
    ("services.ai.azure.com", "azure.ai.inference"),
    ("models.ai.azure.com", "azure.ai.inference"),
    ("api.anthropic.com", "anthropic"),
    ("amazonaws.com", "aws.bedrock"),
    ("api.cohere.com", "cohere"),
    ("api.cohere.ai", "cohere"),
    ("api.deepseek.com", "deepseek"),
    ("generativelanguage.googleapis.com", "gcp.gemini"),
    ("aiplatform.googleapis.com", "gcp.vertex_ai"),
    ("api.groq.com", "groq"),
    ("ml.cloud.ibm.com", "ibm.watsonx.ai"),
    ("api.mistral.ai", "mistral_ai"),
    ("api.moonshot.ai", "moonshot_ai"),
    ("api.perplexity.ai", "perplexity"),
    ("api.x.ai", "x_ai"),
];

/// Returns the provider of a host; `openai` if it is not known, since that is the API that it speaks.
pub(super) fn of(host: &str) -> &'static str {
    let ends_with = |end: &str| {
        let Some(at) = host.len().checked_sub(end.len()) else { return false };
        let is_end = host.get(at..).is_some_and(|rest| rest.eq_ignore_ascii_case(end));
        is_end && (at == 0 || matches!(host.as_bytes()[at - 1], b'.' | b'-'))
    };
    PROVIDERS.iter().find(|(end, _)| ends_with(end)).map_or("openai", |(_, provider)| provider)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_providers() {
        for (host, provider) in [
            ("api.openai.com", "openai"),
            ("localhost", "openai"),
            ("NAME.openai.azure.com", "azure.ai.openai"),
            ("europe-west4-aiplatform.googleapis.com", "gcp.vertex_ai"),
            ("bedrock-runtime.us-east-1.amazonaws.com", "aws.bedrock"),
            ("api.mistral.ai", "mistral_ai"),
            ("fapi.x.ai", "openai"),
            ("x.ai", "openai"),
        ] {
            assert_eq!(of(host), provider, "{host}");
        }
    }
}
