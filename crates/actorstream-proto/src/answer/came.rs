//! How far a text has arrived, if the text itself is not kept.

/// How much of a text has arrived: enough to determine which part of the whole text is missing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Came {
    len: usize,
    hash: u64,
}

/// Odd, with bits as good as random.
const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;

impl Came {
    /// The state after two consecutive texts.
    pub(crate) fn then(&self, next: &Self) -> Self {
        let mut hash = self.hash;
        let mut power = FACTOR;
        let mut exponent = next.len;
        while exponent > 0 {
            if exponent & 1 == 1 {
                hash = hash.wrapping_mul(power);
            }
            power = power.wrapping_mul(power);
            exponent >>= 1;
        }
        Self { len: self.len + next.len, hash: hash.wrapping_add(next.hash) }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn is_longer_than(&self, text: &str) -> bool {
        self.len > text.len()
    }

    pub(crate) fn push(&mut self, text: &str) {
        for byte in text.bytes() {
            self.hash = self.hash.wrapping_add(u64::from(byte) + 1).wrapping_mul(FACTOR);
        }
        self.len += text.len();
    }

    /// Returns the part of `whole` that has not arrived; `None` if it does not begin with what has.
    pub(crate) fn rest_of<'a>(&self, whole: &'a str) -> Option<&'a str> {
        let (start, rest) = whole.split_at_checked(self.len)?;
        let mut came = Self::default();
        came.push(start);
        (came == *self).then_some(rest)
    }
}

/// How far the arguments of a call have arrived, and whether they are complete.
#[derive(Debug, Clone, Default)]
pub(crate) struct Written {
    came: Came,
    depth: u32,
    in_string: bool,
    escaped: bool,
    begun: bool,
    /// A list or an object has ended, followed only by white space.
    whole: bool,
    /// Only braces and white space have arrived.
    said: bool,
}

impl Written {
    /// Adds JSON.
    pub(crate) fn push(&mut self, json: &str) {
        self.came.push(json);
        for byte in json.bytes() {
            if self.in_string {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => self.in_string = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' => continue,
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth = self.depth.saturating_add(1),
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
            self.begun = true;
            self.said |= !matches!(byte, b'{' | b'}');
            self.whole = self.depth == 0 && matches!(byte, b'}' | b']');
        }
    }

    /// Adds a text that may not be JSON.
    pub(crate) fn push_text(&mut self, text: &str) {
        self.came.push(text);
        self.begun |= !text.is_empty();
        self.said |= self.begun;
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.begun
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.whole
    }

    /// Returns whether only an empty object has arrived.
    pub(crate) fn is_braces(&self) -> bool {
        self.whole && !self.said
    }

    /// Returns whether exactly this text has arrived.
    pub(crate) fn is(&self, text: &str) -> bool {
        self.came.rest_of(text) == Some("")
    }

    /// Returns whether JSON that follows a complete value starts over, instead of continuing it.
    pub(crate) fn begins_again(&self, json: &str) -> bool {
        self.whole && json.trim_ascii_start().starts_with(['{', '['])
    }

    /// Returns the part of the whole that has not arrived.
    pub(crate) fn rest_of<'a>(&self, whole: &'a str) -> Option<&'a str> {
        if self.is_braces() && self.came.rest_of(whole).is_none() {
            return Some(whole);
        }
        self.came.rest_of(whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_is_what_has_not_come_whatever_the_pieces_were() {
        let mut came = Came::default();
        assert_eq!(came.rest_of("Hé"), Some("Hé"));
        for piece in ["H", "é", "", "llo"] {
            came.push(piece);
        }
        assert_eq!(came.rest_of("Héllo you"), Some(" you"));
        assert_eq!(came.rest_of("Héllo"), Some(""));
        let [mut start, mut end] = [Came::default(); 2];
        start.push("H");
        end.push("éllo");
        assert_eq!(start.then(&end), came);
        assert_eq!((start.then(&Came::default()), Came::default().then(&end)), (start, end));
        for other in ["Hél", "Hallo you", "", "H\u{fffd}llo you"] {
            assert_eq!(came.rest_of(other), None, "{other}");
        }
    }

    #[test]
    fn arguments_are_whole_when_their_object_has_ended() {
        for (pieces, whole, braces) in [
            (&["{", "}"][..], true, true),
            (&["{\"a\":", "{}"], false, false),
            (&["{\"a\":{}", "} \n"], true, false),
            (&["{\"a\":\"}", "\\\"}"], false, false),
            (&["[1", "]"], true, false),
            (&["12"], false, false),
            (&[], false, false),
        ] {
            let mut written = Written::default();
            pieces.iter().for_each(|piece| written.push(piece));
            assert_eq!((written.is_whole(), written.is_braces()), (whole, braces), "{pieces:?}");
        }
    }
}
