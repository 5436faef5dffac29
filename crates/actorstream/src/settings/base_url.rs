//! `BaseUrl`: the URL of the API.

use std::fmt;

use awc::http::Uri;

/// The parsed base URL of an API.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct BaseUrl {
    pub(crate) tls: bool,
    /// The host as it stands in the URL; an IPv6 address in brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// The path without a trailing `/`.
    prefix: String,
    /// The query for requests, already encoded; empty if there is none.
    query: String,
}

impl BaseUrl {
    /// Parses a base URL such as `https://api.openai.com/v1`. The error says what is wrong with it.
    pub(crate) fn parse(url: &str) -> Result<Self, String> {
        let url = url.trim();
        let uri: Uri =
            url.parse().map_err(|_| "the base URL is no URL; it should read like https://host/v1")?;
        let tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err("the base URL must begin with https:// or http://".into()),
        };
        let authority = uri.authority().ok_or("the base URL has no host")?;
        if authority.as_str().contains('@') {
            return Err("the base URL must not hold a user and password; set a header instead".into());
        }
        if authority.host().is_empty() {
            return Err("the base URL has no host".into());
        }
        let explicit = authority.port_u16();
        if explicit.is_none() && authority.as_str().len() > authority.host().len() {
            return Err("the port of the base URL is invalid".into());
        }
        Ok(Self {
            tls,
            host: authority.host().to_owned(),
            port: explicit.unwrap_or(if tls { 443 } else { 80 }),
            prefix: uri.path().trim_end_matches('/').to_owned(),
            query: uri.query().unwrap_or_default().to_owned(),
        })
    }

    /// The value of the `Host` header.
    pub(crate) fn authority(&self) -> String {
        match (self.tls, self.port) {
            (true, 443) | (false, 80) => self.host.clone(),
            (_, port) => format!("{}:{port}", self.host),
        }
    }

    /// Returns whether both URLs lead to the same server, so that they can share connections.
    pub(crate) fn is_of_same_server(&self, other: &Self) -> bool {
        (self.tls, self.port, &self.host) == (other.tls, other.port, &other.host)
    }

    /// The query for requests, unless it is replaced; empty if there is none.
    pub(crate) fn query(&self) -> &str {
        &self.query
    }

    /// Returns the URI for awc: a path below the base URL, with this query, which already includes the base URL's own
    /// parameters. Its scheme is always `http`: the connect service handles TLS.
    pub(crate) fn uri(&self, path: &str, query: &str) -> Result<Uri, String> {
        if !path.starts_with('/') {
            // After the port, it would name another host.
            return Err(format!("{path} is not a URL path: it does not begin with a /"));
        }
        let (path, path_query) = path.split_once('?').unwrap_or((path, ""));
        let queries: Vec<&str> = [path_query, query].into_iter().filter(|q| !q.is_empty()).collect();
        let mark = if queries.is_empty() { "" } else { "?" };
        let uri =
            format!("http://{}:{}{}{path}{mark}{}", self.host, self.port, self.prefix, queries.join("&"));
        uri.parse().map_err(|_| format!("{path} is not a URL path"))
    }

    /// Returns the absolute URI for awc, so that the request names the server, as a forwarding proxy requires (RFC
    /// 9112, 3.2.2). awc writes the URI's path verbatim.
    pub(crate) fn absolute(&self, uri: &Uri) -> Option<Uri> {
        let path = uri.path_and_query()?;
        let mut parts = uri.clone().into_parts();
        parts.path_and_query = Some(format!("http://{}{path}", self.authority()).parse().ok()?);
        Uri::from_parts(parts).ok()
    }
}

impl fmt::Display for BaseUrl {
    /// Without the query, which may hold keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority(), self.prefix)
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_and_uris() {
        let url = BaseUrl::parse("https://api.openai.com/v1/").unwrap();
        assert_eq!((url.tls, url.port, url.authority().as_str()), (true, 443, "api.openai.com"));
        assert_eq!(
            url.uri("/chat/completions", "").unwrap(),
            "http://api.openai.com:443/v1/chat/completions"
        );
        let url = BaseUrl::parse("http://[::1]:8080?api-version=1").unwrap();
        assert_eq!((url.host.as_str(), url.authority().as_str()), ("[::1]", "[::1]:8080"));
        assert_eq!(url.uri("/x?a=b", "c=d").unwrap(), "http://[::1]:8080/x?a=b&c=d");
        assert_eq!(url.query(), "api-version=1");
        assert!(!url.to_string().contains("api-version"));
        let uri = url.absolute(&url.uri("/x", url.query()).unwrap()).unwrap();
        assert_eq!(uri.path_and_query().unwrap().as_str(), "http://[::1]:8080/x?api-version=1");
        assert_eq!(uri.authority().unwrap(), "[::1]:8080");
    }

    #[test]
    fn a_scheme_may_be_in_any_case() {
        for (url, tls) in [("HTTPS://host/v1", true), ("Https://host", true), ("HTTP://host:1", false)] {
            assert_eq!(BaseUrl::parse(url).map(|url| url.tls), Ok(tls), "{url}");
        }
    }

    #[test]
    fn no_path_leaves_the_host() {
        let url = BaseUrl::parse("http://host").unwrap();
        for path in ["@evil.example/x", ".evil.example/x", ":1/x", "x", "", "?x"] {
            let error = url.uri(path, "").unwrap_err();
            assert!(error.contains("does not begin with a /"), "{path}: {error}");
        }
        for path in ["/a b", "/a\r\nEvil: 1", "/a\0"] {
            url.uri(path, "").unwrap_err();
        }
        assert_eq!(url.uri("//evil.example/x", "").unwrap().host(), Some("host"));
    }

    #[test]
    fn an_invalid_base_url_says_why() {
        for (url, why) in [
            ("api.openai.com", "must begin with"),
            ("api.openai.com/v1", "no URL"),
            ("ftp://host", "must begin with"),
            ("https://", "no URL"),
            ("http://user:secret@host/", "must not hold a user"),
            ("http://host:99999/", ""),
            ("", "no URL"),
        ] {
            let error = BaseUrl::parse(url).unwrap_err();
            assert!(error.contains(why), "{url}: {error}");
            assert!(!error.contains("secret"));
        }
    }
}
