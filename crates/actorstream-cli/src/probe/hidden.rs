//! `Hidden`: the secrets of a probe, which no report shows.

use actorstream::proto::outcome::credentials::{collect_secrets, looks_secret, names_a_secret};
use actorstream::proto::outcome::secret::Secret;

use super::requests::Key;
use crate::arguments::Connection;

/// The secrets that a probe sends.
#[derive(Debug)]
pub(super) struct Hidden(Vec<Secret>);

impl Hidden {
    pub(super) fn new(connection: &Connection) -> Self {
        let mut secrets: Vec<Secret> = own_key(connection).as_deref().map(Secret::new).into_iter().collect();
        for (name, value) in connection.headers.iter().filter_map(|header| header.split_once(':')) {
            collect_secrets(name.trim(), value.trim(), &mut secrets);
        }
        if let Some(url) = base_url(connection) {
            let url = Url::new(&url);
            secrets.extend(url.user.into_iter().flat_map(|user| user.split(':')).map(Secret::password));
            secrets.extend(url.path.split('/').filter(|part| looks_secret(part)).map(Secret::new));
            url.parameters().for_each(|(name, value)| collect_secrets(name, value, &mut secrets));
        }
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.reveal().len()));
        Self(secrets)
    }

    /// The text without these secrets.
    pub(super) fn redact(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| secret.redact(&text).into_owned())
    }
}

/// Where the server gets a key; one without keys accepts any.
pub(super) fn key(connection: &Connection) -> Key {
    let in_header = connection.headers.iter().filter_map(|header| header.split_once(':'));
    let mut in_header = in_header.filter(|(name, value)| names_a_secret(name) && !value.trim().is_empty());
    let url = base_url(connection).unwrap_or_default();
    let url = Url::new(&url);
    let own = own_key(connection).is_some();
    let in_url = url.user.is_some()
        || url.parameters().any(|(name, _)| names_a_secret(name))
        // With a key of its own, such a part may as well be the id of an account.
        || !own && url.path.split('/').any(looks_secret);
    match (in_header.next().is_some() || in_url, own) {
        (true, _) => Key::Elsewhere,
        (false, true) => Key::Own,
        (false, false) => Key::None,
    }
}

/// The base URL for the report, without user, password, query and what looks like a key in the path.
pub(super) fn shown_url(connection: &Connection) -> String {
    let Some(url) = base_url(connection) else { return "the built-in scripted server".to_owned() };
    let url = Url::new(&url);
    let path: Vec<_> =
        url.path.split('/').map(|part| if looks_secret(part) { "***" } else { part }).collect();
    format!("{}{}{}", url.scheme, url.host, path.join("/"))
}

/// The client's own key.
fn own_key(connection: &Connection) -> Option<String> {
    let given = connection.api_key.clone().or_else(|| std::env::var("OPENAI_API_KEY").ok());
    given.filter(|key| !key.trim().is_empty())
}

/// The base URL of the options, or of the environment.
fn base_url(connection: &Connection) -> Option<String> {
    connection.base_url.clone().or_else(|| {
        let names = ["OPENAI_BASE_URL", "OPENAI_API_URL", "OPENAI_API_BASE"];
        names.iter().find_map(|name| std::env::var(name).ok().filter(|url| !url.trim().is_empty()))
    })
}

/// The parts of a URL, which need not be a valid one.
struct Url<'a> {
    /// With `://`, if it has one.
    scheme: &'a str,
    user: Option<&'a str>,
    host: &'a str,
    /// With its slash.
    path: &'a str,
    query: &'a str,
}

impl<'a> Url<'a> {
    fn new(url: &'a str) -> Self {
        let url = url.split('#').next().unwrap_or_default();
        let (url, query) = url.split_once('?').unwrap_or((url, ""));
        let (scheme, rest) = url.split_at(url.find("://").map_or(0, |at| at + 3));
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        Self { scheme, user, host, path, query }
    }

    fn parameters(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.query.split('&').filter_map(|parameter| parameter.split_once('='))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::arguments::{Arguments, Command};

    fn connection(options: &[&str]) -> Connection {
        let line = [&["actorstream", "chat", "x"], options].concat();
        let Command::Chat(chat) = Arguments::try_parse_from(line).ok().unwrap().command else { panic!() };
        chat.connection
    }

    #[test]
    fn a_url_is_shown_without_what_may_be_secret() {
        for (url, shown) in [
            ("http://user:pass@host:1/v1?key=k#f", "http://host:1/v1"),
            ("http://host/sk-0123456789abcdef/v1", "http://host/***/v1"),
        ] {
            assert_eq!(shown_url(&connection(&["--base-url", url])), shown);
        }
    }

    #[test]
    fn a_key_is_found_wherever_it_is_sent() {
        let url = |url| ["--base-url", url, "--api-key", ""];
        for (options, at) in [
            (url("http://h/v1?api-version=1"), Key::None),
            (["--api-key", "k", "--base-url", "http://h/v1"], Key::Own),
            (url("http://h/v1?api-key=k"), Key::Elsewhere),
            (url("http://u:p@h/v1"), Key::Elsewhere),
            (url("http://h/sk-0123456789abcdef/v1"), Key::Elsewhere),
            (["--header", "api-key: k", "--api-key", "k"], Key::Elsewhere),
            (["--header", "x-trace: 1", "--api-key", "k"], Key::Own),
        ] {
            assert_eq!(key(&connection(&options)), at, "{options:?}");
        }
    }

    #[test]
    fn no_secret_is_in_a_text_of_the_server() {
        let options = [
            "--header",
            "api-key: azurekey-REAL-1234",
            "--base-url",
            "http://h/sk-0123456789abcdef?sig=s1gnature-9",
        ];
        let hidden = Hidden::new(&connection(&options));
        let text = "azurekey-REAL-1234, sk-0123456789abcdef and s1gnature-9";
        assert_eq!(hidden.redact(text), "***, *** and ***");
    }
}
