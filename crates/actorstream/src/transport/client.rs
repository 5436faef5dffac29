//! `HttpClient`: the awc client of this thread.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::{Arc, Weak};
use std::time::Duration;

use actix_rt::time::sleep;
use awc::{Client, Connector};

use super::connect::ConnectService;
use crate::client::Inner;

/// How long a connection is kept for the next request. Servers close theirs after 5 s (Node) to 75 s (nginx); one that
/// is closed first by the server is noticed when it is taken.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// A time that no connection takes; the budget of each call is what counts.
const NEVER: Duration = Duration::from_secs(24 * 60 * 60);

/// Which `OpenAi` handle, and which runtime: sockets die with the runtime they were made in, and a thread may run one
/// after another.
type Key = (u64, tokio::runtime::Id);

thread_local! {
    static CLIENTS: RefCell<HashMap<Key, Rc<HttpClient>>> = RefCell::new(HashMap::new());
}

/// The awc clients of one handle on this thread, with their kept connections.
pub(crate) struct HttpClient {
    /// Apart, since awc keeps connections by host and port and does not know of our TLS.
    pub(crate) plain: Client,
    pub(crate) tls: Client,
}

impl HttpClient {
    /// The client of this thread for a handle.
    pub(crate) fn of(handle: &Arc<Inner>) -> Rc<Self> {
        let key = (handle.id, tokio::runtime::Handle::current().id());
        CLIENTS.with_borrow_mut(|clients| {
            let client = clients.entry(key).or_insert_with(|| {
                let client = Rc::new(Self { plain: build(handle), tls: build(handle) });
                actix_rt::spawn(retire(Retiring(key), Rc::downgrade(&client), Arc::downgrade(handle)));
                client
            });
            Rc::clone(client)
        })
    }
}

/// Lets go of a client, and so of its kept connections, once no stream has used it for a while, or its handle is gone.
async fn retire(key: Retiring, client: std::rc::Weak<HttpClient>, handle: Weak<Inner>) {
    loop {
        let used_before = in_use(&client);
        sleep(KEEP_ALIVE).await;
        let gone = handle.strong_count() == 0;
        if !in_use(&client) && (gone || !used_before) {
            break;
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

fn build(handle: &Inner) -> Client {
    let connector = Connector::new()
        .connector(ConnectService { tls: Arc::clone(&handle.tls) })
        .timeout(NEVER)
        .limit(0)
        .conn_keep_alive(KEEP_ALIVE);
    Client::builder().connector(connector).disable_timeout().disable_redirects().no_default_headers().finish()
}
