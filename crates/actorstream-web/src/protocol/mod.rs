//! Protocols: how the entries of a log are written for a viewer. Sans-io.

use std::fmt;

use bytes::{Bytes, BytesMut};

use crate::event::{Failure, Logged};

/// Writes the entries of one generation's log for one viewer.
///
/// It is given every entry from the first on and in order: those that the viewer has already with [`skip`](Self::skip),
/// the others with [`encode`](Self::encode).
pub trait Encoder: fmt::Debug + Send {
    /// The content type of the answer.
    fn content_type(&self) -> &'static str;

    /// Further headers of the answer.
    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// Takes note of an entry that the viewer has already.
    fn skip(&mut self, entry: &Logged);

    /// Writes an entry.
    fn encode(&mut self, entry: &Logged, out: &mut BytesMut);

    /// What keeps a silent connection alive; `None` where the protocol has nothing for it.
    fn ping(&self) -> Option<Bytes>;

    /// Writes an error of the relay itself (the log cannot be read any more), which ends the answer.
    fn fail(&mut self, failure: &Failure, out: &mut BytesMut);
}
