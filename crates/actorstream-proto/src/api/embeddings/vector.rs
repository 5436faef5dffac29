//! Vectors as `f32`s, however they were sent.

use super::EmbeddingVector;
use crate::json::base64::{Base64Error, decode};

impl EmbeddingVector {
    /// The numbers of the vector. In base64 they are little-endian `f32`s; bytes that are left over are ignored.
    ///
    /// # Errors
    /// When the vector is invalid base64.
    pub fn to_f32(&self) -> Result<Vec<f32>, Base64Error> {
        Ok(match self {
            Self::List(numbers) => {
                numbers.iter().map(|number| number.as_f64().unwrap_or_default() as f32).collect()
            }
            Self::Text(text) => {
                let bytes = decode(text)?;
                bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
            }
            Self::Unknown(_) => Vec::new(),
        })
    }
}
