//! Vectors as `f32`s, from any encoding.

use super::EmbeddingVector;
use crate::json::base64::{Base64Error, decode};

impl EmbeddingVector {
    /// Returns the numbers of the vector. In base64, they are little-endian `f32`s; surplus bytes are ignored.
    ///
    /// # Errors
    /// If the vector is invalid base64.
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
