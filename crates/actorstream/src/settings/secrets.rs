//! The order in which secrets are removed from errors.

use std::sync::Arc;

use actorstream_proto::outcome::secret::Secret;

/// Adds a secret to those that no error may show.
pub(crate) fn with_secret(secrets: &[Secret], secret: &Secret) -> Arc<[Secret]> {
    longest_first([secrets, std::slice::from_ref(secret)].concat())
}

/// Sorts secrets into the order of redaction: a whole before its parts.
pub(super) fn longest_first(mut secrets: Vec<Secret>) -> Arc<[Secret]> {
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.reveal().len()));
    secrets.into()
}
