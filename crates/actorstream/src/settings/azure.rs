//! `Azure`: the URLs of Azure OpenAI's endpoints.
//!
//! Some endpoints belong to a deployment and take a dated version. The others are the v1 API below `/openai/v1`,
//! which takes no dated version and takes the deployment's name as the model.

use actorstream_proto::endpoint::segment;

use crate::settings::base_url::BaseUrl;

/// The parameter with the API version.
pub(crate) const VERSION: &str = "api-version";

/// The header for the key.
pub(crate) const KEY_HEADER: &str = "api-key";

/// The endpoints that a deployment has.
const OF_DEPLOYMENT: [&str; 5] = ["/chat/completions", "/completions", "/embeddings", "/images/", "/audio/"];

/// A resource of Azure OpenAI.
#[derive(Clone, Debug)]
pub(crate) struct Azure {
    /// The base URL of the v1 API.
    pub(crate) v1: BaseUrl,
    /// The requested version.
    pub(crate) version: String,
}

/// Returns the base URLs of a deployment and of the v1 API.
pub(crate) fn base_urls(resource: &str, deployment: &str) -> Result<(BaseUrl, BaseUrl), String> {
    let of_deployment = format!("{resource}/openai/deployments/{}", segment(deployment));
    Ok((BaseUrl::parse(&of_deployment)?, BaseUrl::parse(&format!("{resource}/openai/v1"))?))
}

impl Azure {
    /// Returns the base URL for a path, and the version to send with it.
    pub(crate) fn base_url<'a>(
        &'a self,
        path: &str,
        deployment: &'a BaseUrl,
    ) -> (&'a BaseUrl, Option<&'a str>) {
        let path = path.split('?').next().unwrap_or_default();
        let is_of_deployment = OF_DEPLOYMENT
            .iter()
            .any(|known| if known.ends_with('/') { path.starts_with(known) } else { path == *known });
        if is_of_deployment {
            return (deployment, Some(&self.version));
        }
        // The v1 API refuses dated versions, but accepts `preview` and similar ones.
        let dated = self.version.starts_with(|first: char| first.is_ascii_digit());
        (&self.v1, Some(self.version.as_str()).filter(|version| !dated && !version.is_empty()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_without_a_deployment_use_the_v1_api() {
        let (deployment, v1) = base_urls("https://x.openai.azure.com", "gpt").unwrap();
        let of = |version: &str, path: &str| {
            let azure = Azure { v1: v1.clone(), version: version.to_owned() };
            let (url, version) = azure.base_url(path, &deployment);
            (*url == v1, version.map(str::to_owned))
        };
        for path in [
            "/chat/completions",
            "/completions",
            "/embeddings",
            "/images/edits",
            "/audio/speech?x=/responses",
        ] {
            assert_eq!(of("2024-10-21", path), (false, Some("2024-10-21".into())), "{path}");
        }
        for path in [
            "/responses",
            "/responses/resp_1?stream=true",
            "/responses/resp_1/cancel",
            "/files",
            "/x/completions",
        ] {
            assert_eq!(of("2025-04-01-preview", path), (true, None), "{path}");
            assert_eq!(of("preview", path), (true, Some("preview".into())), "{path}");
        }
    }
}
