//! `Options`: the settings of a client, which each call can override.

use std::fmt;
use std::sync::Arc;

use actorstream_proto::outcome::credentials::collect_secrets;
use actorstream_proto::outcome::error::StreamError;
use actorstream_proto::outcome::secret::Secret;
use actorstream_proto::session::OnMalformed;
use actorstream_proto::session::limits::Limits;
use actorstream_proto::session::retry::RetryPolicy;
use actorstream_proto::session::timeouts::Timeouts;
use awc::http::Uri;
use awc::http::header::{HeaderName, HeaderValue};

use crate::recording::Recording;
use crate::settings::azure::{self, Azure};
use crate::settings::base_url::BaseUrl;
use crate::settings::cost::Prices;
use crate::settings::credentials::Source;
use crate::settings::framing::is_framing;
use crate::settings::observer::Observers;
use crate::settings::query::{self, Query};
use crate::settings::quota::Limiter;
use crate::settings::secrets::longest_first;

/// The URL of the OpenAI API.
pub(crate) const OPENAI: &str = "https://api.openai.com/v1";

#[derive(Clone)]
pub(crate) struct Options {
    pub(crate) base_url: BaseUrl,
    pub(crate) api_key: Option<Secret>,
    /// The source of keys; it replaces the key.
    pub(crate) credentials: Option<Source>,
    /// Whether the key was set for the call only.
    own_key: bool,
    /// The header for the key; `None` for the server's default.
    api_key_header: Option<HeaderName>,
    pub(crate) organization: Option<String>,
    pub(crate) project: Option<String>,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// The secrets that no error may show: the key, and other values that look like credentials.
    pub(crate) secrets: Arc<[Secret]>,
    query: Query,
    azure: Option<Azure>,
    pub(crate) timeouts: Timeouts,
    pub(crate) retry: RetryPolicy,
    pub(crate) limits: Limits,
    pub(crate) on_malformed: OnMalformed,
    pub(crate) keep_response: bool,
    /// Whether all targets get the start of a response.
    pub(crate) with_start: bool,
    /// Writes exchanges to files.
    pub(crate) recording: Option<Recording>,
    /// Whether spans get the messages of requests and responses.
    pub(crate) record_messages: bool,
    /// For whom the calls are made.
    pub(crate) owner: Option<Arc<str>>,
    pub(crate) observers: Observers,
    pub(crate) prices: Option<Prices>,
    /// Bounds what is sent in a minute.
    pub(crate) limiter: Option<Arc<Limiter>>,
    /// Whether the base URL was set.
    pub(crate) base_url_set: bool,
    /// The invalid settings by name. They are reported when the client is built or the call is made, unless they were
    /// corrected by then.
    wrong: Vec<(String, StreamError)>,
}

impl Default for Options {
    fn default() -> Self {
        let openai = BaseUrl::parse(OPENAI);
        Self {
            base_url: openai.unwrap_or_else(|_| unreachable!("the API's own address is a URL")),
            api_key: None,
            credentials: None,
            own_key: false,
            api_key_header: None,
            organization: None,
            project: None,
            headers: Vec::new(),
            secrets: Arc::default(),
            query: Query::default(),
            azure: None,
            timeouts: Timeouts::default(),
            retry: RetryPolicy::default(),
            limits: Limits::default(),
            on_malformed: OnMalformed::default(),
            keep_response: true,
            with_start: false,
            recording: None,
            record_messages: false,
            owner: None,
            observers: Observers::default(),
            prices: None,
            limiter: None,
            base_url_set: false,
            wrong: Vec::new(),
        }
    }
}

impl Options {
    /// Sets another server. The Azure settings, including the key, do not apply to it.
    pub(crate) fn set_base_url(&mut self, url: &str) {
        if self.azure.take().is_some() && !self.own_key {
            self.api_key = None;
            self.credentials = None;
        }
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

    /// Sets a deployment of Azure OpenAI.
    pub(crate) fn set_azure(&mut self, resource: &str, deployment: &str, version: &str) {
        let resource = resource.trim().trim_end_matches('/');
        self.azure = None;
        self.base_url_set = true;
        let urls = azure::base_urls(resource, deployment);
        match urls {
            Ok((deployment, v1)) => {
                self.base_url = deployment;
                self.azure = Some(Azure { v1, version: version.to_owned() });
                self.gather_secrets();
                self.right("base URL");
            }
            Err(message) => self.fail("base URL", message),
        }
    }

    /// Marks the settings so far as the client's; later ones are a call's.
    pub(crate) fn seal(&mut self) {
        self.own_key = false;
        self.query.seal();
    }

    /// Returns these settings for another server, with what they say of the stream itself: all that is about the server, its key
    /// included, is the other's.
    pub(crate) fn over(&self, server: &Self) -> Self {
        Self {
            retry: self.retry.clone(),
            limits: self.limits.clone(),
            on_malformed: self.on_malformed,
            keep_response: self.keep_response,
            with_start: self.with_start,
            recording: self.recording.clone(),
            record_messages: self.record_messages,
            owner: self.owner.clone(),
            observers: self.observers.clone(),
            prices: self.prices.clone(),
            ..server.clone()
        }
    }

    /// Returns the URI for the path of an endpoint.
    pub(crate) fn uri(&self, path: &str) -> Result<Uri, String> {
        let (base_url, version) = match &self.azure {
            Some(azure) => azure.base_url(path, &self.base_url),
            None => (&self.base_url, None),
        };
        let version = version.filter(|_| !self.query.has(azure::VERSION));
        let version = version.map(|version| query::pair(azure::VERSION, version));
        let queries =
            [self.query.without(base_url.query()), version.unwrap_or_default(), self.query.encoded()];
        let queries: Vec<&str> = queries.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
        base_url.uri(path, &queries.join("&"))
    }

    /// The header for the key; `None` for `Authorization: Bearer`.
    pub(crate) fn key_header(&self) -> Option<HeaderName> {
        let azures = || self.azure.as_ref().map(|_| HeaderName::from_static(azure::KEY_HEADER));
        self.api_key_header.clone().or_else(azures)
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
        self.credentials = None;
        self.api_key = (!key.reveal().is_empty()).then_some(key);
        self.own_key = true;
        self.gather_secrets();
    }

    pub(crate) fn set_credentials(&mut self, source: Source) {
        self.right("API key");
        self.api_key = None;
        self.credentials = Some(source);
        self.own_key = true;
        self.gather_secrets();
    }

    /// Collects the secrets that no error may show.
    fn gather_secrets(&mut self) {
        let headers =
            self.headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let own_query = self.query.encoded();
        let query = [self.base_url.query(), &own_query].map(|query| form_urlencoded::parse(query.as_bytes()));
        // Placeholders such as `ollama` are not redacted.
        let mut secrets: Vec<Secret> = self.api_key.iter().cloned().collect();
        headers.for_each(|(name, value)| collect_secrets(name, value, &mut secrets));
        query.into_iter().flatten().for_each(|(name, value)| collect_secrets(&name, &value, &mut secrets));
        self.secrets = longest_first(secrets);
    }

    /// The secrets that no error may show, including the proxy's.
    pub(crate) fn secrets_with(&self, proxy: &[Secret]) -> Arc<[Secret]> {
        if proxy.is_empty() {
            return Arc::clone(&self.secrets);
        }
        longest_first([&self.secrets, proxy].concat())
    }

    pub(crate) fn set_api_key_header(&mut self, name: &str) {
        if name.trim().is_empty() {
            self.api_key_header = None;
            self.right("header of the API key");
            return;
        }
        match name.parse() {
            Ok(name) if is_framing(&name) => {
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
        self.organization = Some(organization.to_owned()).filter(|name| !name.is_empty());
    }

    pub(crate) fn set_project(&mut self, project: &str) {
        self.check_value("the project", project);
        self.project = Some(project.to_owned()).filter(|name| !name.is_empty());
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
        if is_framing(&name) {
            self.fail(name.as_str(), format!("the header {name} is set by the client itself"));
            return;
        }
        match HeaderValue::from_str(value.trim()) {
            Ok(mut value) => {
                // Any header set by the caller may hold a key.
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

    pub(crate) fn set_query(&mut self, name: &str, value: &str) {
        self.query.set(name, value);
        self.gather_secrets();
    }

    /// Records an invalid setting.
    fn fail(&mut self, setting: &str, message: impl Into<Arc<str>>) {
        self.right(setting);
        self.wrong.push((setting.to_owned(), StreamError::config(message)));
    }

    /// Records a valid setting, which replaces an earlier invalid one.
    fn right(&mut self, setting: &str) {
        self.wrong.retain(|(wrong, _)| wrong != setting);
    }

    /// Returns the first invalid setting as an error.
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
            .field("credentials", &self.credentials)
            .field("api_key_header", &self.key_header())
            .field("organization", &self.organization)
            .field("project", &self.project)
            .field("headers", &names)
            .field("timeouts", &self.timeouts)
            .field("retry", &self.retry)
            .field("limits", &self.limits)
            .field("on_malformed", &self.on_malformed)
            .field("keep_response", &self.keep_response)
            .field("with_start", &self.with_start)
            .field("owner", &self.owner)
            .field("observers", &self.observers)
            .field("prices", &self.prices)
            .field("limiter", &self.limiter)
            .finish_non_exhaustive()
    }
}
