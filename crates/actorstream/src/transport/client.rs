//! `HttpClient`: the awc client of this thread.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::{Arc, Weak};
use std::time::Duration;

use actix_rt::time::sleep;
use awc::{Client, Connector};

use super::connect::{ConnectService, ConnectSettings};
use super::connections::Connections;
use crate::client::Inner;

/// How long a connection is kept for the next request. Servers close theirs after 5 s (Node) to 75 s (nginx); one that
/// is closed first by the server is noticed when it is taken.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How often kept connections are looked at.
const SWEEP: Duration = Duration::from_secs(1);

/// A time that no connection takes; the budget of each call is what counts.
const NEVER: Duration = Duration::from_secs(24 * 60 * 60);

/// Which `OpenAi` handle, and which runtime: sockets die with the runtime they were made in, and a thread may run one
/// after another.
type Key = (u64, tokio::runtime::Id);

thread_local! {
    static CLIENTS: RefCell<HashMap<Key, Rc<HttpClient>>> = RefCell::new(HashMap::new());
}

/// The awc client of one handle on this thread, with the connections that are kept for it.
pub(crate) struct HttpClient {
    pub(super) awc: Client,
    pub(super) settings: Arc<ConnectSettings>,
    pub(super) connections: Rc<Connections>,
}

impl HttpClient {
    /// The client of this thread for a handle.
    pub(crate) fn of(handle: &Arc<Inner>) -> Rc<Self> {
        let key = (handle.id, tokio::runtime::Handle::current().id());
        CLIENTS.with_borrow_mut(|clients| {
            let client = clients.entry(key).or_insert_with(|| {
                let client = Rc::new(Self::new(&handle.connect));
                actix_rt::spawn(retire(Retiring(key), Rc::downgrade(&client), Arc::downgrade(handle)));
                client
            });
            Rc::clone(client)
        })
    }
}

/// Closes connections that are kept for nothing; lets go of the client, and so of all it keeps, once no stream has used it
/// for a while, or its handle is gone or shut down.
async fn retire(key: Retiring, client: std::rc::Weak<HttpClient>, handle: Weak<Inner>) {
    let mut unused = Duration::ZERO;
    while unused < KEEP_ALIVE {
        sleep(SWEEP).await;
        let Some(kept) = client.upgrade() else { break };
        kept.connections.sweep(KEEP_ALIVE);
        drop(kept);
        if in_use(&client) {
            unused = Duration::ZERO;
        } else if handle.upgrade().is_none_or(|handle| handle.streams.is_closed()) {
            break;
        } else {
            unused += SWEEP;
        }
    }
    drop(key);
}

fn in_use(client: &std::rc::Weak<HttpClient>) -> bool {
    // One is the thread's own.
    client.strong_count() > 1
}

/// Removes the client from the thread when it is dropped, be it with the runtime.
struct Retiring(Key);

impl Drop for Retiring {
    fn drop(&mut self) {
        // The thread itself may be ending.
        let _ = CLIENTS.try_with(|clients| clients.try_borrow_mut().ok()?.remove(&self.0));
    }
}

impl HttpClient {
    fn new(settings: &Arc<ConnectSettings>) -> Self {
        let connections = Rc::default();
        let service = ConnectService { settings: Arc::clone(settings), connections: Rc::clone(&connections) };
        let connector = Connector::new().connector(service).timeout(NEVER).limit(0);
        let awc = Client::builder().connector(connector);
        let awc = awc.disable_timeout().disable_redirects().no_default_headers().finish();
        Self { awc, settings: Arc::clone(settings), connections }
    }
}
