//! `Identity`: the id of a response, and the model that answered.

/// The identity of a response, for telemetry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Identity<'a> {
    /// The id of the response.
    pub id: Option<&'a str>,
    /// The model that answered, which may be more precise than the requested one.
    pub model: Option<&'a str>,
}

impl<'a> Identity<'a> {
    /// Creates an identity; empty texts count as absent.
    pub fn new(id: Option<&'a str>, model: Option<&'a str>) -> Self {
        let known = |text: &&str| !text.is_empty();
        Self { id: id.filter(known), model: model.filter(known) }
    }
}
