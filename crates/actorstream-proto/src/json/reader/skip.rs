//! Steps over values: they are JSON, and can be read.

use super::number::number;
use super::{MOST_DEPTH, Reader, Result, Wrong};

impl Reader<'_> {
    /// Steps over a value, of which it makes certain that `serde_json` can read it.
    pub(super) fn skip(&mut self) -> Result<()> {
        // A bit for each list and object that is open: whether it is an object.
        let (mut objects, mut open) = (0_u128, 0_u8);
        loop {
            match self.peek() {
                b'"' => self.skip_string()?,
                bracket @ (b'{' | b'[') => {
                    self.at += 1;
                    open += 1;
                    if self.depth + open > MOST_DEPTH {
                        return Err(Wrong::new("it is too deep"));
                    }
                    let is_object = bracket == b'{';
                    objects = objects << 1 | u128::from(is_object);
                    if !self.take(end_of(is_object)) {
                        if is_object {
                            self.skip_key()?;
                        }
                        continue;
                    }
                    objects >>= 1;
                    open -= 1;
                }
                b'-' | b'0'..=b'9' => self.at = number(self.text, self.at)?.1,
                _ => {
                    self.word()?;
                }
            }
            // A value has ended, and perhaps those that it is in.
            while open > 0 && !self.take(b',') {
                if !self.take(end_of(objects & 1 == 1)) {
                    return Err(Wrong::new("expected `,` or an end"));
                }
                objects >>= 1;
                open -= 1;
            }
            if open == 0 {
                return Ok(());
            }
            if objects & 1 == 1 {
                self.skip_key()?;
            }
        }
    }

    /// Steps over a key, and the colon behind it.
    fn skip_key(&mut self) -> Result<()> {
        self.skip_string()?;
        if self.take(b':') { Ok(()) } else { Err(Wrong::new("expected `:`")) }
    }

    fn skip_string(&mut self) -> Result<()> {
        match self.plain() {
            Some(text) if text.is_ascii() || str::from_utf8(text).is_ok() => Ok(()),
            Some(_) => Err(Wrong::new("the string is not UTF-8")),
            None => self.odd::<String>().map(drop),
        }
    }
}

/// The bracket that ends an object, or a list.
fn end_of(is_object: bool) -> u8 {
    if is_object { b'}' } else { b']' }
}
