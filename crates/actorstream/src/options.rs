//! `Options`: what a client is set up with, and each call can override.

use std::fmt;
use std::sync::Arc;

use actorstream_proto::budget::Budgets;
use actorstream_proto::error::StreamError;
use actorstream_proto::limits::Limits;
use actorstream_proto::retry::RetryPolicy;
use actorstream_proto::secret::Secret;
use actorstream_proto::session::OnMalformed;
use awc::http::header::{HeaderName, HeaderValue};

use crate::transport::BaseUrl;

/// The headers by which the client frames the request itself.
const FRAMING: [&str; 5] = ["host", "content-length", "transfer-encoding", "connection", "expect"];

/// The API's own address.
pub(crate) const OPENAI: &str = "https://api.openai.com/v1";

#[derive(Clone)]
pub(crate) struct Options {
    pub(crate) base_url: BaseUrl,
    pub(crate) api_key: Option<Secret>,
    /// The header that the key goes in; `None` for `Authorization: Bearer`.
    pub(crate) api_key_header: Option<HeaderName>,
    pub(crate) organization: Option<String>,
    pub(crate) project: Option<String>,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// What no error may show: the key, and what else is sent that reads like one.
    pub(crate) secrets: Arc<[Secret]>,
    /// Already encoded.
    pub(crate) query: String,
    pub(crate) budgets: Budgets,
    pub(crate) retry: RetryPolicy,
    pub(crate) limits: Limits,
    pub(crate) on_malformed: OnMalformed,
    pub(crate) keep_response: bool,
    /// Whether the base URL was set.
    pub(crate) base_url_set: bool,
    /// What was set wrong, by the name of the setting; told when the client is built, or the call made, unless it was
    /// set right by then.
    wrong: Vec<(String, StreamError)>,
}

impl Default for Options {
    fn default() -> Self {
        let openai = BaseUrl::parse(OPENAI);
        Self {
            base_url: openai.unwrap_or_else(|_| unreachable!("the API's own address is a URL")),
            api_key: None,
            api_key_header: None,
            organization: None,
            project: None,
            headers: Vec::new(),
            secrets: Arc::default(),
            query: String::new(),
            budgets: Budgets::default(),
            retry: RetryPolicy::default(),
            limits: Limits::default(),
            on_malformed: OnMalformed::default(),
            keep_response: true,
            base_url_set: false,
            wrong: Vec::new(),
        }
    }
}

impl Options {
    pub(crate) fn set_base_url(&mut self, url: &str) {
        self.base_url_set = true;
        match BaseUrl::parse(url) {
            Ok(url) => {
                self.base_url = url;
                self.gather_secrets();
                self.right("base URL");
            }
            Err(message) => self.fail("base URL", message),
        }
    }

    pub(crate) fn set_api_key(&mut self, key: &str) {
        let key = Secret::new(key);
        if HeaderValue::from_str(key.reveal()).is_err() {
            self.fail(
                "API key",
                "the API key holds characters that no header can hold; is it cut, or quoted?",
            );
            return;
        }
        self.right("API key");
        self.api_key = (!key.reveal().is_empty()).then_some(key);
        self.gather_secrets();
    }

    /// Finds out what no error may show.
    fn gather_secrets(&mut self) {
        let headers =
            self.headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let query =
            [self.base_url.query(), &self.query].map(|query| form_urlencoded::parse(query.as_bytes()));
        let mut secrets: Vec<Secret> = self.api_key.iter().cloned().collect();
        headers.for_each(|(name, value)| credentials(name, value, &mut secrets));
        query.into_iter().flatten().for_each(|(name, value)| credentials(&name, &value, &mut secrets));
        self.secrets = longest_first(secrets);
    }

    /// What no error may show where a proxy is sent this `Proxy-Authorization`.
    pub(crate) fn secrets_with(&self, proxy_authorization: Option<&str>) -> Arc<[Secret]> {
        let Some(value) = proxy_authorization else { return Arc::clone(&self.secrets) };
        let mut secrets = self.secrets.to_vec();
        credentials("proxy-authorization", value, &mut secrets);
        longest_first(secrets)
    }

    pub(crate) fn set_api_key_header(&mut self, name: &str) {
        match name.parse() {
            Ok(name) if FRAMING.contains(&HeaderName::as_str(&name)) => {
                self.fail("header of the API key", format!("the header {name} is set by the client itself"));
            }
            Ok(name) => {
                self.api_key_header = Some(name);
                self.right("header of the API key");
            }
            Err(_) => self.fail("header of the API key", format!("{name:?} is no name of a header")),
        }
    }

    pub(crate) fn set_organization(&mut self, organization: &str) {
        self.check_value("the organization", organization);
        self.organization = Some(organization.to_owned());
    }

    pub(crate) fn set_project(&mut self, project: &str) {
        self.check_value("the project", project);
        self.project = Some(project.to_owned());
    }

    fn check_value(&mut self, what: &str, value: &str) {
        match HeaderValue::from_str(value) {
            Ok(_) => self.right(what),
            Err(_) => self.fail(what, format!("{what} holds characters that no header can hold")),
        }
    }

    pub(crate) fn set_header(&mut self, name: &str, value: &str) {
        let parsed: Result<HeaderName, _> = name.trim().parse();
        let Ok(name) = parsed else {
            self.fail(name, format!("{name:?} is no name of a header"));
            return;
        };
        if FRAMING.contains(&name.as_str()) {
            self.fail(name.as_str(), format!("the header {name} is set by the client itself"));
            return;
        }
        match HeaderValue::from_str(value.trim()) {
            Ok(mut value) => {
                // Whatever a caller puts in a header may be a key.
                value.set_sensitive(true);
                self.right(name.as_str());
                self.headers.retain(|(other, _)| other != name);
                self.headers.push((name, value));
                self.gather_secrets();
            }
            Err(_) => {
                let message =
                    format!("the value of the header {name} holds characters that no header can hold");
                self.fail(name.as_str(), message);
            }
        }
    }

    pub(crate) fn add_query(&mut self, name: &str, value: &str) {
        let pair = form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish();
        if !self.query.is_empty() {
            self.query.push('&');
        }
        self.query.push_str(&pair);
        self.gather_secrets();
    }

    /// A setting was set wrong.
    fn fail(&mut self, setting: &str, message: impl Into<Arc<str>>) {
        self.right(setting);
        self.wrong.push((setting.to_owned(), StreamError::config(message)));
    }

    /// A setting was set right, whatever was set before.
    fn right(&mut self, setting: &str) {
        self.wrong.retain(|(wrong, _)| wrong != setting);
    }

    /// The first thing that is set wrong.
    pub(crate) fn check(&self) -> Result<(), StreamError> {
        self.wrong.first().map_or(Ok(()), |(_, error)| Err(error.clone()))
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Options")
            .field("base_url", &self.base_url)
            .field("api_key", &self.api_key)
            .field("organization", &self.organization)
            .field("project", &self.project)
            .field("headers", &names)
            .field("budgets", &self.budgets)
            .field("retry", &self.retry)
            .field("limits", &self.limits)
            .field("on_malformed", &self.on_malformed)
            .field("keep_response", &self.keep_response)
            .finish_non_exhaustive()
    }
}

/// In the order in which they are taken out of a text: a whole before its parts.
fn longest_first(mut secrets: Vec<Secret>) -> Arc<[Secret]> {
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.reveal().len()));
    secrets.into()
}

/// Adds what of a header or a parameter is secret, if it is by its name: the value, and what stands in it behind the
/// scheme of an authorization or the name of a cookie.
fn credentials(name: &str, value: &str, secrets: &mut Vec<Secret>) {
    const NAMES: [&str; 9] =
        ["auth", "key", "token", "secret", "password", "cookie", "credential", "signature", "session"];
    /// What is shorter is no secret, and would be taken out of words.
    const SHORTEST: usize = 4;
    let name = name.to_ascii_lowercase();
    if name != "sig" && name != "code" && !NAMES.iter().any(|part| name.contains(part)) {
        return;
    }
    let behind_scheme = value.split_once(' ').map(|(_, credentials)| credentials);
    let cookies = value.split(';').filter_map(|cookie| cookie.split_once('=')).map(|(_, value)| value);
    let parts = [value].into_iter().chain(behind_scheme).chain(cookies).map(str::trim);
    secrets.extend(parts.filter(|part| part.len() >= SHORTEST).map(Secret::new));
}

/// The setters that a client's builder and a call have in common.
macro_rules! option_setters {
    ($options:ident) => {
        /// Sets the API key. It is sent as `Authorization: Bearer …` and shown nowhere.
        pub fn api_key(mut self, key: impl AsRef<str>) -> Self {
            self.$options().set_api_key(key.as_ref());
            self
        }

        /// Sets the base URL, such as `https://api.openai.com/v1`. A query in it goes on every request.
        pub fn base_url(mut self, url: impl AsRef<str>) -> Self {
            self.$options().set_base_url(url.as_ref());
            self
        }

        /// Sets the organization (`OpenAI-Organization`).
        pub fn organization(mut self, organization: impl AsRef<str>) -> Self {
            self.$options().set_organization(organization.as_ref());
            self
        }

        /// Sets the project (`OpenAI-Project`).
        pub fn project(mut self, project: impl AsRef<str>) -> Self {
            self.$options().set_project(project.as_ref());
            self
        }

        /// Sets a header of the request, in place of one of the same name. Its value is shown nowhere.
        pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
            self.$options().set_header(name.as_ref(), value.as_ref());
            self
        }

        /// Adds a parameter to the query of the request.
        pub fn query(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
            self.$options().add_query(name.as_ref(), value.as_ref());
            self
        }

        /// Sets the time budgets.
        pub fn budgets(mut self, budgets: Budgets) -> Self {
            self.$options().budgets = budgets;
            self
        }

        /// Sets what is sent again by itself.
        pub fn retry(mut self, retry: RetryPolicy) -> Self {
            self.$options().retry = retry;
            self
        }

        /// Sets the bounds on what a server can make a stream hold.
        pub fn limits(mut self, limits: Limits) -> Self {
            self.$options().limits = limits;
            self
        }

        /// Sets what to do with an event that is not JSON.
        pub fn on_malformed(mut self, on_malformed: OnMalformed) -> Self {
            self.$options().on_malformed = on_malformed;
            self
        }

        /// Sets whether the texts of the response are kept and come with the end. They are by default; without them a
        /// stream's memory does not grow with its length, and the response of the end holds all but the texts.
        pub fn keep_response(mut self, keep: bool) -> Self {
            self.$options().keep_response = keep;
            self
        }
    };
}
pub(crate) use option_setters;
