//! `Envelopes`: what the fields that chunks share said last, to be added to the response when that is needed.
//!
//! The last chunk of a form says all that those before it said, so only that one is read.

use bytes::Bytes;

use super::chunk::ChunkEnvelope;
use super::pattern::envelope_in;
use crate::json::late::{Form, Origin};
use crate::json::shared::{Mark, Shared};

/// How many envelopes are distinguished: more than take turns in a stream.
const MOST: usize = 5;

/// The envelopes of the last chunks, the last one at the end.
#[derive(Debug, Default)]
pub(super) struct Envelopes(Vec<Envelope>);

/// An envelope as it came last.
#[derive(Debug)]
enum Envelope {
    Known {
        /// Which it is. Until it comes again it may hold texts of the read that it came in, which is not kept alive.
        mark: Mark<ChunkEnvelope>,
        /// The envelope, if it was not added to the response since it came again.
        due: Option<Shared<ChunkEnvelope>>,
    },
    PutOff(PutOff),
}

/// The last payload of a form.
#[derive(Debug)]
pub(super) struct PutOff {
    form: Form,
    payload: Vec<u8>,
    strings: usize,
}

impl PutOff {
    /// What stands there was added to the response.
    pub(super) fn new(origin: &Origin) -> Self {
        Self { form: origin.form, payload: Vec::new(), strings: origin.strings }
    }

    /// Keeps a copy of the payload, so that no read is kept alive, if it has this form. Adds to `held` how much longer
    /// its strings are.
    #[inline]
    pub(super) fn replace(&mut self, origin: Option<&Origin>, held: &mut usize) -> bool {
        let Some(Origin { payload, strings, .. }) = origin.filter(|origin| origin.form == self.form) else {
            return false;
        };
        self.payload.clear();
        self.payload.extend_from_slice(payload);
        *held = (*held + strings).saturating_sub(self.strings);
        self.strings = *strings;
        true
    }

    /// Takes the payload, if one came.
    pub(super) fn take(&mut self) -> Option<Bytes> {
        Some(std::mem::take(&mut self.payload)).filter(|payload| !payload.is_empty()).map(Bytes::from)
    }
}

impl Envelopes {
    /// Returns whether this is, or replaces, the envelope that came last.
    #[inline]
    pub(super) fn repeats(&mut self, envelope: &Shared<ChunkEnvelope>) -> bool {
        self.0.last_mut().is_some_and(|last| last.is(envelope))
    }

    /// Returns whether this is, or replaces, one of the envelopes that came; it is the last one then.
    pub(super) fn recurs(&mut self, envelope: &Shared<ChunkEnvelope>) -> bool {
        let Some(at) = self.0.iter_mut().position(|last| last.is(envelope)) else { return false };
        if let Envelope::Known { due, .. } = &mut self.0[at] {
            *due = Some(envelope.clone());
        }
        self.0[at..].rotate_left(1);
        true
    }

    /// Takes what is due, in order.
    pub(super) fn due(&mut self) -> impl Iterator<Item = Shared<ChunkEnvelope>> {
        self.0.iter_mut().filter_map(|envelope| match envelope {
            Envelope::Known { due, .. } => due.take(),
            Envelope::PutOff(last) => last.take().map(|payload| Shared::of(envelope_in(&payload))),
        })
    }

    /// Remembers an envelope that was added to the response. Nothing is due.
    pub(super) fn remember(&mut self, envelope: &Shared<ChunkEnvelope>) {
        if self.0.len() == MOST {
            self.0.remove(0);
        }
        self.0.reserve_exact(1);
        self.0.push(match envelope.origin() {
            Some(origin) => Envelope::PutOff(PutOff::new(origin)),
            None => Envelope::Known { mark: envelope.mark(), due: None },
        });
    }
}

impl Envelope {
    #[inline]
    fn is(&mut self, envelope: &Shared<ChunkEnvelope>) -> bool {
        match self {
            Self::Known { mark, .. } => mark.is(envelope),
            Self::PutOff(last) => last.replace(envelope.origin(), &mut 0),
        }
    }
}
