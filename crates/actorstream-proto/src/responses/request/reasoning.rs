//! How a reasoning model thinks.

use serde::Deserialize;
use serde::ser::SerializeMap;
use serde_json::{Map, Value};

use crate::chat::request::ReasoningEffort;
use crate::chat::request::body::{FieldWriter, Fields, serialize_fields, setters};
use crate::string_enum::string_enum;

/// How a reasoning model thinks.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Reasoning {
    /// How much it thinks. The default is the model's.
    #[serde(default)]
    pub effort: Option<ReasoningEffort>,
    /// Whether it tells a summary of its thoughts. Default not.
    #[serde(default)]
    pub summary: Option<ReasoningSummary>,
    /// Which earlier thoughts it sees again. The model decides unless told.
    #[serde(default)]
    pub context: Option<ReasoningContext>,
    /// How it goes about thinking.
    #[serde(default)]
    pub mode: Option<ReasoningMode>,
    /// Whether it tells a summary of its thoughts; the older form of [`summary`](Self::summary).
    #[serde(default)]
    pub generate_summary: Option<ReasoningSummary>,
    /// Further fields. One with the name of a field above replaces it.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Reasoning {
    /// The default options.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a field this type does not have.
    #[must_use]
    pub fn field(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.extra.insert(name.into(), value.into());
        self
    }

    setters! {
        value {}
        into {
            /// Sets how much the model thinks.
            effort: ReasoningEffort,
            /// Asks for a summary of its thoughts.
            summary: ReasoningSummary,
            /// Sets which earlier thoughts it sees again.
            context: ReasoningContext,
            /// Sets how it goes about thinking.
            mode: ReasoningMode,
            /// Asks for a summary of its thoughts, in the older form.
            generate_summary: ReasoningSummary,
        }
    }
}

impl Fields for Reasoning {
    fn extra(&self) -> &Map<String, Value> {
        &self.extra
    }

    fn write<M: SerializeMap>(&self, out: &mut FieldWriter<'_, M>) -> Result<(), M::Error> {
        out.optional("effort", &self.effort)?;
        out.optional("summary", &self.summary)?;
        out.optional("context", &self.context)?;
        out.optional("mode", &self.mode)?;
        out.optional("generate_summary", &self.generate_summary)
    }
}

serialize_fields!(Reasoning);

string_enum! {
    /// How long a summary of a model's thoughts is.
    #[derive(Default)]
    pub enum ReasoningSummary {
        /// As the model can.
        #[default]
        Auto = "auto",
        /// Short.
        Concise = "concise",
        /// Long.
        Detailed = "detailed",
    }
}

string_enum! {
    /// Which earlier thoughts a model sees again.
    #[derive(Default)]
    pub enum ReasoningContext {
        /// The model decides. The default.
        #[default]
        Auto = "auto",
        /// Those since the user last spoke.
        CurrentTurn = "current_turn",
        /// All.
        AllTurns = "all_turns",
    }
}

string_enum! {
    /// How a model goes about thinking.
    #[derive(Default)]
    pub enum ReasoningMode {
        /// As usual.
        #[default]
        Standard = "standard",
        /// Longer and harder.
        Pro = "pro",
    }
}
