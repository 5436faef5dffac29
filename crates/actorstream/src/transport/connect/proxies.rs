//! `Proxies`: selects the proxy of a request.

use actorstream_proto::outcome::secret::Secret;

use crate::settings::base_url::BaseUrl;
use crate::transport::connect::no_proxy::NoProxy;
use crate::transport::connect::proxy::Proxy;

/// The hosts for which the environment's proxies are not used: a proxy elsewhere cannot reach this machine's own
/// addresses, and requests to a local server should not leave the machine.
const THIS_MACHINE: &str = "localhost, 127.0.0.0/8, ::1";

/// The proxies of a client.
#[derive(Debug, Clone, Default)]
pub(crate) struct Proxies {
    /// For `http` URLs.
    http: Option<Proxy>,
    /// For `https` URLs.
    https: Option<Proxy>,
    direct: NoProxy,
}

impl Proxies {
    /// Reads the environment: `HTTPS_PROXY` and `HTTP_PROXY`, otherwise `ALL_PROXY`, except for the hosts in
    /// `NO_PROXY`; the lower-case names take precedence. `read` returns a variable that is set and not empty.
    pub(crate) fn from_env(read: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let either = |upper: &'static str| {
            let names = [upper.to_ascii_lowercase(), upper.to_owned()];
            names.into_iter().find_map(|name| {
                // A web server passes the client's header `Proxy` to a CGI program as HTTP_PROXY.
                if name == "HTTP_PROXY" && read("REQUEST_METHOD").is_some() {
                    return None;
                }
                read(&name).map(|value| (name, value))
            })
        };
        let proxy = |upper: &'static str| {
            let Some((name, url)) = either(upper).or_else(|| either("ALL_PROXY")) else { return Ok(None) };
            Proxy::parse(&url).map(Some).map_err(|error| format!("{name}: {error}"))
        };
        let mut direct = NoProxy::parse(THIS_MACHINE);
        if let Some((_, list)) = either("NO_PROXY") {
            direct.extend(NoProxy::parse(&list));
        }
        Ok(Self { http: proxy("HTTP_PROXY")?, https: proxy("HTTPS_PROXY")?, direct })
    }

    /// Sends everything through one proxy, except for the list of exceptions.
    pub(crate) fn set(&mut self, proxy: &Proxy) {
        self.http = Some(proxy.clone());
        self.https = Some(proxy.clone());
    }

    /// Sets the list of exceptions.
    pub(crate) fn set_direct(&mut self, list: &str) {
        self.direct = NoProxy::parse(list);
    }

    /// Returns the proxy for a server, if there is one.
    pub(crate) fn to(&self, url: &BaseUrl) -> Option<&Proxy> {
        let proxy = if url.tls { &self.https } else { &self.http };
        proxy.as_ref().filter(|_| !self.direct.holds(&url.host, url.port))
    }

    /// Returns the secrets of the proxy for a server that no error may show.
    pub(crate) fn secrets_of(&self, url: &BaseUrl) -> &[Secret] {
        self.to(url).map_or(&[], Proxy::secrets)
    }

    /// Returns the proxy for a server if it forwards requests rather than bytes.
    ///
    /// This is used for `http` URLs: many proxies open tunnels only to port 443. In a tunnel, as for `https` URLs,
    /// the proxy sees neither the key nor the prompt.
    pub(crate) fn forwarding_to(&self, url: &BaseUrl) -> Option<&Proxy> {
        self.to(url).filter(|proxy| !url.tls && proxy.protocol.is_http())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(variables: &[(&str, &str)]) -> Result<Proxies, String> {
        Proxies::from_env(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    fn to(variables: &[(&str, &str)], url: &str) -> Option<String> {
        let url = BaseUrl::parse(url).unwrap();
        from(variables).unwrap().to(&url).map(ToString::to_string)
    }

    #[test]
    fn the_first_variable_that_is_set_counts() {
        let both = [
            ("HTTP_PROXY", "plain.test:1"),
            ("HTTPS_PROXY", "https://tls.test:2"),
            ("ALL_PROXY", "all.test:3"),
        ];
        assert_eq!(to(&both, "http://a.test").as_deref(), Some("http://plain.test:1"));
        assert_eq!(to(&both, "https://a.test").as_deref(), Some("https://tls.test:2"));
        assert_eq!(to(&both[2..], "http://a.test").as_deref(), Some("http://all.test:3"));
        assert_eq!(to(&both[..1], "https://a.test"), None);
        let socks = [("ALL_PROXY", "socks5h://s.test")];
        for url in ["http://a.test", "https://a.test"] {
            assert_eq!(to(&socks, url).as_deref(), Some("socks5h://s.test:1080"));
        }
        let lower = [("https_proxy", "lower.test:1"), ("HTTPS_PROXY", "upper.test:2")];
        assert_eq!(to(&lower, "https://a.test").as_deref(), Some("http://lower.test:1"));
        // A variable that is not needed is not parsed.
        assert_eq!(
            to(&[both[0], both[1], ("ALL_PROXY", "socks4://x")], "https://a.test").unwrap(),
            "https://tls.test:2"
        );
    }

    #[test]
    fn under_cgi_http_proxy_is_a_header_of_whoever_asks() {
        let cgi = ("REQUEST_METHOD", "GET");
        assert_eq!(to(&[cgi, ("HTTP_PROXY", "evil.test:1")], "http://a.test"), None);
        assert_eq!(to(&[cgi, ("http_proxy", "p.test:1")], "http://a.test").unwrap(), "http://p.test:1");
        assert_eq!(to(&[cgi, ("HTTPS_PROXY", "p.test:1")], "https://a.test").unwrap(), "http://p.test:1");
    }

    #[test]
    fn hosts_on_the_no_proxy_list_are_reached_directly() {
        let proxy = ("ALL_PROXY", "http://p.test:1");
        for (no_proxy, url, direct) in [
            ("", "https://a.test", false),
            ("b.test,a.test", "https://x.a.test", true),
            ("*", "https://a.test", true),
            ("a.test:80", "https://a.test", false),
            ("a.test:80", "http://a.test", true),
            ("", "http://localhost:8000", true),
            ("", "http://127.9.9.9:8000", true),
            ("b.test", "http://[::1]:8000", true),
        ] {
            let to = to(&[proxy, ("NO_PROXY", no_proxy)], url);
            assert_eq!(to.is_none(), direct, "{no_proxy} {url}");
        }
        // A proxy that is set explicitly also applies to this machine.
        let mut by_hand = Proxies::default();
        by_hand.set(&Proxy::parse("p.test").unwrap());
        let here = BaseUrl::parse("http://localhost").unwrap();
        assert!(by_hand.to(&here).is_some() && by_hand.forwarding_to(&here).is_some());
        assert!(by_hand.forwarding_to(&BaseUrl::parse("https://a.test").unwrap()).is_none());
        by_hand.set(&Proxy::parse("socks5://p.test").unwrap());
        assert!(by_hand.to(&here).is_some() && by_hand.forwarding_to(&here).is_none());
        by_hand.set_direct("localhost");
        assert!(by_hand.to(&here).is_none());
    }

    #[test]
    fn an_error_names_the_variable_and_no_secret() {
        let error = from(&[("https_proxy", "ftp://user:secret@p")]).unwrap_err();
        assert!(error.starts_with("https_proxy: ") && !error.contains("secret"), "{error}");
    }
}
