//! Web search before the answer.

use serde::{Deserialize, Serialize};

use super::body::setters;
use crate::string_enum::string_enum;

/// Lets the model search the web before it answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WebSearchOptions {
    /// How much of the context window results may take. `medium` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search_context_size: Option<SearchContextSize>,
    /// Roughly where the user is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_location: Option<UserLocation>,
}

impl WebSearchOptions {
    /// A search with default options.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    setters! {
        value {}
        into {
            /// Sets how much of the context window results may take.
            search_context_size: SearchContextSize,
            /// Sets roughly where the user is.
            user_location: UserLocation,
        }
    }
}

string_enum! {
    /// How much of the context window search results may take.
    #[derive(Default)]
    pub enum SearchContextSize {
        /// Little.
        Low = "low",
        /// A middling share.
        #[default]
        Medium = "medium",
        /// Much.
        High = "high",
    }
}

/// Where the user is; an [`ApproximateLocation`] converts into it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum UserLocation {
    /// Roughly.
    Approximate {
        /// The place.
        approximate: ApproximateLocation,
    },
}

impl From<ApproximateLocation> for UserLocation {
    fn from(approximate: ApproximateLocation) -> Self {
        Self::Approximate { approximate }
    }
}

/// A place, as far as it is to be known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApproximateLocation {
    /// The city, in free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// The country by its two-letter ISO 3166-1 code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// The region, in free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The time zone by its IANA name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
}

impl ApproximateLocation {
    /// An unknown place.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    setters! {
        value {}
        into {
            /// Sets the city, in free text.
            city: String,
            /// Sets the country by its two-letter code.
            country: String,
            /// Sets the region, in free text.
            region: String,
            /// Sets the time zone by its IANA name.
            timezone: String,
        }
    }
}
