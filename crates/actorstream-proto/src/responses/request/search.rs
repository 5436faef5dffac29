//! Tools that search files and the web.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::chat::request::body::{null_as_default, setters};
use crate::chat::request::{ApproximateLocation, SearchContextSize};
use crate::string_enum::string_enum;

/// Searches uploaded files.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileSearchTool {
    /// The vector stores the files are in.
    pub vector_store_ids: Vec<String>,
    /// Which files are searched. All if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filters: Option<FileFilter>,
    /// The most results, from 1 to 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_num_results: Option<u32>,
    /// How results are ranked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ranking_options: Option<RankingOptions>,
}

impl FileSearchTool {
    /// Search in the vector stores with these identifiers.
    pub fn new<S: Into<String>>(vector_store_ids: impl IntoIterator<Item = S>) -> Self {
        Self { vector_store_ids: vector_store_ids.into_iter().map(Into::into).collect(), ..Self::default() }
    }

    setters! {
        value {
            /// Sets which files are searched.
            filters: FileFilter,
            /// Sets the most results, from 1 to 50.
            max_num_results: u32,
            /// Sets how results are ranked.
            ranking_options: RankingOptions,
        }
        into {}
    }
}

/// Which files are searched, by their attributes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum FileFilter {
    /// Those whose attribute compares to a value.
    Comparison {
        /// How it compares.
        #[serde(rename = "type")]
        kind: FilterKind,
        /// The attribute.
        key: String,
        /// The value: a string, a number, a boolean, or a list of them.
        value: Value,
    },
    /// Those that pass all filters, or any of them.
    Compound {
        /// All or any.
        #[serde(rename = "type")]
        kind: FilterKind,
        /// The filters.
        filters: Vec<FileFilter>,
    },
    /// Another filter, sent as it is.
    Other(Value),
}

impl FileFilter {
    /// Files whose attribute `key` compares to `value` as `kind` says.
    pub fn compare(kind: impl Into<FilterKind>, key: impl Into<String>, value: impl Into<Value>) -> Self {
        Self::Comparison { kind: kind.into(), key: key.into(), value: value.into() }
    }

    /// Files whose attribute `key` is `value`.
    pub fn equal(key: impl Into<String>, value: impl Into<Value>) -> Self {
        Self::compare(FilterKind::Eq, key, value)
    }

    /// Files that pass all of the filters.
    pub fn all(filters: impl IntoIterator<Item = FileFilter>) -> Self {
        Self::Compound { kind: FilterKind::And, filters: filters.into_iter().collect() }
    }

    /// Files that pass one of the filters.
    pub fn any(filters: impl IntoIterator<Item = FileFilter>) -> Self {
        Self::Compound { kind: FilterKind::Or, filters: filters.into_iter().collect() }
    }
}

string_enum! {
    /// What a [`FileFilter`] does.
    pub enum FilterKind {
        /// The attribute is the value.
        Eq = "eq",
        /// It is another.
        Ne = "ne",
        /// It is greater.
        Gt = "gt",
        /// It is greater or the same.
        Gte = "gte",
        /// It is less.
        Lt = "lt",
        /// It is less or the same.
        Lte = "lte",
        /// It is in the list.
        In = "in",
        /// It is not in the list.
        Nin = "nin",
        /// All filters pass.
        And = "and",
        /// One of the filters passes.
        Or = "or",
    }
}

/// How results of a file search are ranked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RankingOptions {
    /// What ranks them, such as `auto` or `default-2024-11-15`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ranker: Option<String>,
    /// How well a result must match, from 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score_threshold: Option<f64>,
    /// How much matches in meaning and in words weigh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hybrid_search: Option<HybridSearch>,
}

impl RankingOptions {
    /// The default options.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    setters! {
        value {
            /// Sets how much matches in meaning and in words weigh.
            hybrid_search: HybridSearch,
        }
        into {
            /// Sets what ranks results.
            ranker: String,
            /// Sets how well a result must match, from 0 to 1.
            score_threshold: f64,
        }
    }
}

/// How much matches in meaning and in words weigh in a file search.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HybridSearch {
    /// The weight of matches in meaning.
    pub embedding_weight: f64,
    /// The weight of matches in words.
    pub text_weight: f64,
}

/// Searches the web.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebSearchTool {
    /// Which pages are searched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filters: Option<WebSearchFilters>,
    /// How much of the context window results may take. `medium` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search_context_size: Option<SearchContextSize>,
    /// Roughly where the user is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_location: Option<WebSearchUserLocation>,
    /// Whether pages are fetched now, and not only taken from the cache. `true` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_web_access: Option<bool>,
}

impl WebSearchTool {
    /// A search with default options.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the domains that are searched, those below them included.
    #[must_use]
    pub fn allowed_domains<S: Into<String>>(mut self, domains: impl IntoIterator<Item = S>) -> Self {
        let allowed_domains = domains.into_iter().map(Into::into).collect();
        self.filters = Some(WebSearchFilters { allowed_domains });
        self
    }

    setters! {
        value {
            /// Sets whether pages are fetched now.
            external_web_access: bool,
        }
        into {
            /// Sets how much of the context window results may take.
            search_context_size: SearchContextSize,
            /// Sets roughly where the user is.
            user_location: WebSearchUserLocation,
        }
    }
}

/// Which pages are searched.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebSearchFilters {
    /// The domains, those below them included. All if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "null_as_default")]
    pub allowed_domains: Vec<String>,
}

/// Searches the web; the older form of [`WebSearchTool`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebSearchPreviewTool {
    /// What is searched for.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "null_as_default")]
    pub search_content_types: Vec<SearchContentType>,
    /// How much of the context window results may take. `medium` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search_context_size: Option<SearchContextSize>,
    /// Roughly where the user is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_location: Option<WebSearchUserLocation>,
}

string_enum! {
    /// What a web search looks for.
    #[derive(Default)]
    pub enum SearchContentType {
        /// Text.
        #[default]
        Text = "text",
        /// Images.
        Image = "image",
    }
}

/// Where the user is; an [`ApproximateLocation`] converts into it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum WebSearchUserLocation {
    /// Roughly.
    Approximate(ApproximateLocation),
    /// Told in another way, sent as it is.
    #[serde(untagged)]
    Other(Value),
}

impl From<ApproximateLocation> for WebSearchUserLocation {
    fn from(location: ApproximateLocation) -> Self {
        Self::Approximate(location)
    }
}
