//! Reads the text: what each byte does to the state and the tree.

use serde_json::{Map, Value};

use super::scan::{Escape, Literal, Number, State, decode_short, decode_unit, plain_len};
use super::{PartialJson, PartialJsonErrorKind};

impl PartialJson {
    /// Reads `text`; at an error, `offset` is where it is.
    pub(super) fn read(&mut self, text: &str) -> Result<(), PartialJsonErrorKind> {
        let mut rest = text;
        while let Some(&byte) = rest.as_bytes().first() {
            let taken = match self.state {
                State::InKey(Escape::Out | Escape::Half(_))
                | State::InString(Escape::Out | Escape::Half(_)) => self.read_plain(rest),
                _ => 0,
            };
            let taken = if taken == 0 { usize::from(self.step(byte)?) } else { taken };
            #[cfg(test)]
            {
                self.work += taken.max(1);
            }
            self.offset += taken;
            rest = &rest[taken..];
        }
        Ok(())
    }

    /// Reads text of a string up to what has a meaning in it; returns how many bytes.
    fn read_plain(&mut self, rest: &str) -> usize {
        let len = plain_len(rest.as_bytes());
        let in_place = len == rest.len() && self.state == State::InString(Escape::Out);
        if len > 0 && !(in_place && self.tree.append_in_place(rest)) {
            self.leave_half();
            self.write(|text| text.push_str(&rest[..len]));
        }
        len
    }

    /// Takes one byte into account; returns whether it is used up.
    fn step(&mut self, byte: u8) -> Result<bool, PartialJsonErrorKind> {
        match self.state {
            State::InKey(escape) | State::InString(escape) => self.step_string(escape, byte)?,
            State::InNumber(number) => match number.next(byte) {
                Some(next) => {
                    self.number.push(byte.into());
                    self.state = State::InNumber(next);
                }
                None if !number.is_whole() || (number == Number::Zero && byte.is_ascii_digit()) => {
                    return Err(PartialJsonErrorKind::InvalidNumber);
                }
                None => {
                    self.end_number()?;
                    return Ok(false);
                }
            },
            State::InLiteral(literal, come) => {
                let word = literal.word();
                if word[come] != byte {
                    return Err(PartialJsonErrorKind::InvalidLiteral);
                }
                self.state = State::InLiteral(literal, come + 1);
                if come + 1 == word.len() {
                    self.add(match literal {
                        Literal::True => Value::Bool(true),
                        Literal::False => Value::Bool(false),
                        Literal::Null => Value::Null,
                    });
                }
            }
            _ if matches!(byte, b' ' | b'\t' | b'\n' | b'\r') => {}
            State::Value | State::ValueOrEnd => self.start_value(byte)?,
            State::Key | State::KeyOrEnd => match byte {
                b'"' => self.state = State::InKey(Escape::Out),
                b'}' if self.state == State::KeyOrEnd => self.close(),
                b'}' => return Err(PartialJsonErrorKind::TrailingComma),
                _ => return Err(PartialJsonErrorKind::ExpectedKey),
            },
            State::Colon if byte == b':' => self.state = State::Value,
            State::Colon => return Err(PartialJsonErrorKind::ExpectedColon),
            State::After if self.tree.depth() == 0 => return Err(PartialJsonErrorKind::TrailingData),
            State::After => match (byte, self.tree.in_object()) {
                (b',', true) => self.state = State::Key,
                (b',', false) => self.state = State::Value,
                (b'}', true) | (b']', false) => self.close(),
                _ => return Err(PartialJsonErrorKind::ExpectedCommaOrEnd),
            },
        }
        Ok(true)
    }

    fn start_value(&mut self, byte: u8) -> Result<(), PartialJsonErrorKind> {
        self.state = match byte {
            b'"' => {
                self.tree.open(Value::String(String::new()));
                State::InString(Escape::Out)
            }
            b'{' => self.open(Value::Object(Map::new()), State::KeyOrEnd)?,
            b'[' => self.open(Value::Array(Vec::new()), State::ValueOrEnd)?,
            b't' => State::InLiteral(Literal::True, 1),
            b'f' => State::InLiteral(Literal::False, 1),
            b'n' => State::InLiteral(Literal::Null, 1),
            b']' if self.state == State::ValueOrEnd => {
                self.tree.close();
                State::After
            }
            // The start of an array is another state, so a comma must have come.
            b']' if self.tree.depth() > 0 && !self.tree.in_object() => {
                return Err(PartialJsonErrorKind::TrailingComma);
            }
            _ => {
                let number = Number::start(byte).ok_or(PartialJsonErrorKind::ExpectedValue)?;
                self.number.push(byte.into());
                State::InNumber(number)
            }
        };
        Ok(())
    }

    fn open(&mut self, container: Value, then: State) -> Result<State, PartialJsonErrorKind> {
        let max = self.limits.depth;
        if self.tree.depth() + 1 >= max {
            return Err(PartialJsonErrorKind::TooDeep { max });
        }
        self.tree.open(container);
        Ok(then)
    }

    fn close(&mut self) {
        self.tree.close();
        self.state = State::After;
    }

    fn add(&mut self, value: Value) {
        self.tree.add(value);
        self.state = State::After;
    }

    /// Takes the number as it stands, which must be whole.
    pub(super) fn end_number(&mut self) -> Result<(), PartialJsonErrorKind> {
        // serde_json reads it, so that it becomes what it would be in a whole text. All else that it could refuse
        // about a number has been checked.
        let number = self.number.parse().map_err(|_| PartialJsonErrorKind::NumberOutOfRange)?;
        self.number.clear();
        self.add(Value::Number(number));
        Ok(())
    }

    /// One byte of a string that does not stand for itself.
    fn step_string(&mut self, escape: Escape, byte: u8) -> Result<(), PartialJsonErrorKind> {
        match escape {
            Escape::Out | Escape::Half(_) => match byte {
                b'\\' => self.set_escape(Escape::Start(match escape {
                    Escape::Half(high) => Some(high),
                    _ => None,
                })),
                b'"' => {
                    self.leave_half();
                    if matches!(self.state, State::InKey(_)) {
                        self.state = State::Colon;
                    } else {
                        self.close();
                    }
                }
                _ => return Err(PartialJsonErrorKind::ControlCharacter),
            },
            Escape::Start(pending) if byte == b'u' => self.set_escape(Escape::Hex(pending, 0, 0)),
            Escape::Start(pending) => {
                let char = decode_short(byte).ok_or(PartialJsonErrorKind::InvalidEscape)?;
                self.write_escape(pending.is_some(), Some(char));
                self.set_escape(Escape::Out);
            }
            Escape::Hex(pending, come, unit) => {
                let digit = char::from(byte).to_digit(16).ok_or(PartialJsonErrorKind::InvalidEscape)?;
                let unit = unit << 4 | digit as u16;
                if come < 3 {
                    self.set_escape(Escape::Hex(pending, come + 1, unit));
                } else {
                    let decoded = decode_unit(pending, unit);
                    self.write_escape(decoded.lone, decoded.char);
                    self.set_escape(decoded.then);
                }
            }
        }
        Ok(())
    }

    /// The first half of a surrogate pair came last, and what comes now is not the second.
    fn leave_half(&mut self) {
        if let State::InKey(Escape::Half(_)) | State::InString(Escape::Half(_)) = self.state {
            self.write_escape(true, None);
            self.set_escape(Escape::Out);
        }
    }

    fn write_escape(&mut self, lone: bool, char: Option<char>) {
        self.write(|text| text.extend(lone.then_some(char::REPLACEMENT_CHARACTER).into_iter().chain(char)));
    }

    fn set_escape(&mut self, escape: Escape) {
        self.state = match self.state {
            State::InKey(_) => State::InKey(escape),
            _ => State::InString(escape),
        };
    }

    /// Writes to the key or the string that is open.
    fn write(&mut self, write: impl FnOnce(&mut String)) {
        if let State::InKey(_) = self.state {
            write(self.tree.key());
        } else if let Some(text) = self.tree.text() {
            write(text);
        }
    }
}
