//! `OnHead`: an observer of heads alone.

use actorstream_proto::outcome::response_head::ResponseHead;

use super::{ObservedCall, Observer};

/// Calls a closure with the head of each response.
pub(crate) struct OnHead<F>(pub(crate) F);

impl<F: Fn(&ResponseHead) + Send + Sync + 'static> Observer for OnHead<F> {
    fn head(&self, _: &ObservedCall, head: &ResponseHead) {
        (self.0)(head);
    }
}
