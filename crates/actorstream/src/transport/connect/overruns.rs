//! `Overruns`: the servers that have written past the end of a response.
//!
//! The surplus data of such a server may arrive after the next request was sent on the same connection, and be taken
//! for its response. Its connections are therefore used for one request each.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use crate::settings::base_url::BaseUrl;

/// The maximum number of recorded servers; a new one replaces the oldest.
const MOST: usize = 256;

/// The servers of a client, on all its threads, that have written past the end of a response.
#[derive(Debug, Default)]
pub(crate) struct Overruns(Mutex<VecDeque<Server>>);

/// Whether TLS is used, host and port.
type Server = (bool, String, u16);

fn is(server: &Server, url: &BaseUrl) -> bool {
    (server.0, &server.1, server.2) == (url.tls, &url.host, url.port)
}

impl Overruns {
    /// Returns whether this server has been recorded.
    pub(crate) fn holds(&self, url: &BaseUrl) -> bool {
        let servers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        servers.iter().any(|server| is(server, url))
    }

    /// Records a server.
    pub(crate) fn note(&self, url: &BaseUrl) {
        let mut servers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if servers.iter().any(|server| is(server, url)) {
            return;
        }
        tracing::warn!(
            host = url.host,
            port = url.port,
            "the server wrote past the end of an answer; no connection to it is used for a second request from now on"
        );
        if servers.len() == MOST {
            servers.pop_front();
        }
        servers.push_back((url.tls, url.host.clone(), url.port));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_servers_are_remembered_and_no_more() {
        let overruns = Overruns::default();
        let url = |port: usize| BaseUrl::parse(&format!("http://a.test:{port}/v1")).unwrap();
        for port in 1..=MOST + 1 {
            overruns.note(&url(port));
            overruns.note(&url(port));
            assert!(overruns.holds(&url(port)));
        }
        assert!(!overruns.holds(&url(1)) && overruns.holds(&url(2)));
        assert!(!overruns.holds(&BaseUrl::parse("https://a.test:2").unwrap()));
        assert_eq!(overruns.0.lock().unwrap().len(), MOST);
    }
}
