//! `HeadObserver`: a callback for the head of each response to a call.

use std::fmt;
use std::sync::Arc;

use actorstream_proto::outcome::response_head::ResponseHead;

/// A callback for the head of each response to a call.
#[derive(Clone)]
pub(crate) struct HeadObserver(Arc<dyn Fn(&ResponseHead) + Send + Sync>);

impl HeadObserver {
    pub(crate) fn new(observe: impl Fn(&ResponseHead) + Send + Sync + 'static) -> Self {
        Self(Arc::new(observe))
    }

    pub(crate) fn observe(&self, head: &ResponseHead) {
        (self.0)(head);
    }
}

impl fmt::Debug for HeadObserver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HeadObserver")
    }
}
