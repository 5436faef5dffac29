//! `HttpClient`: the awc client of this thread.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::{Arc, Weak};
use std::time::Duration;

use actix_rt::time::sleep;
use awc::{Client, Connector};

use crate::stream::registry::Streams;
use crate::transport::connect::ConnectSettings;
use crate::transport::connect::connections::Connections;
use crate::transport::http::service::ConnectService;

/// How long an idle connection is pooled. Servers close theirs after 5 s (Node) to 75 s (nginx); one that the server
/// closes first is noticed when it is taken.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How often idle connections are checked.
const SWEEP: Duration = Duration::from_secs(1);

/// Longer than any connection takes; the timeout of each call applies.
const NEVER: Duration = Duration::from_secs(24 * 60 * 60);

/// Which `OpenAi` handle, and which runtime: sockets die with the runtime that created them, and a thread may run
/// several runtimes one after another.
type Key = (u64, tokio::runtime::Id);

thread_local! {
    static CLIENTS: RefCell<HashMap<Key, Rc<HttpClient>>> = RefCell::new(HashMap::new());
}

/// The awc client of one handle on this thread, with its pooled connections.
pub(crate) struct HttpClient {
    pub(crate) awc: Client,
    pub(crate) settings: Arc<ConnectSettings>,
    pub(crate) connections: Rc<Connections>,
}

impl HttpClient {
    /// Returns this thread's client for a handle.
    pub(crate) fn of(id: u64, settings: &Arc<ConnectSettings>, streams: &Arc<Streams>) -> Rc<Self> {
        let key = (id, tokio::runtime::Handle::current().id());
        CLIENTS.with_borrow_mut(|clients| {
            let client = clients.entry(key).or_insert_with(|| {
                let client = Rc::new(Self::new(settings));
                actix_rt::spawn(retire(Retiring(key), Rc::downgrade(&client), Arc::downgrade(streams)));
                client
            });
            Rc::clone(client)
        })
    }
}

/// Closes idle connections. Drops the client, and with it the pool, when no stream has used it for a while, or when
/// its handle is dropped or shut down.
async fn retire(key: Retiring, client: std::rc::Weak<HttpClient>, streams: Weak<Streams>) {
    let mut unused = Duration::ZERO;
    while unused < KEEP_ALIVE {
        sleep(SWEEP).await;
        let Some(kept) = client.upgrade() else { break };
        kept.connections.sweep(KEEP_ALIVE);
        drop(kept);
        if in_use(&client) {
            unused = Duration::ZERO;
        } else if streams.upgrade().is_none_or(|streams| streams.is_closed()) {
            break;
        } else {
            unused += SWEEP;
        }
    }
    drop(key);
}

fn in_use(client: &std::rc::Weak<HttpClient>) -> bool {
    // The thread itself holds one reference.
    client.strong_count() > 1
}

/// Removes the client from the thread on drop, which also happens when the runtime is dropped.
struct Retiring(Key);

impl Drop for Retiring {
    fn drop(&mut self) {
        // The thread itself may be ending.
        let _ = CLIENTS.try_with(|clients| clients.try_borrow_mut().ok()?.remove(&self.0));
    }
}

impl HttpClient {
    fn new(settings: &Arc<ConnectSettings>) -> Self {
        let connections = Rc::new(Connections::new(settings));
        let service = ConnectService { settings: Arc::clone(settings), connections: Rc::clone(&connections) };
        let connector = Connector::new().connector(service).timeout(NEVER).limit(0);
        let awc = Client::builder().connector(connector);
        let awc = awc.disable_timeout().disable_redirects().no_default_headers().finish();
        Self { awc, settings: Arc::clone(settings), connections }
    }
}
