//! Lossless JSON in bounded memory: texts, lists and objects.

pub mod base64;
pub(crate) mod bounded;
pub mod decode_error;
pub mod deferred;
pub mod extra;
pub mod from_json;
pub(crate) mod hollow;
pub(crate) mod late;
pub mod lenient;
pub mod list;
pub mod object;
pub mod partial_json;
pub mod payload;
pub mod reader;
pub mod secret;
pub mod shared;
pub(crate) mod slices;
pub(crate) mod string_enum;
pub mod text;
pub(crate) mod union;
pub(crate) mod weight;
pub(crate) mod whole;
