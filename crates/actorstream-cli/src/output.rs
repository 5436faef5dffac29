//! `Output`: what is written of a stream, and where.

use std::fmt;
use std::io::{self, IsTerminal, Write, stderr, stdout};

use actorstream::{Finish, StreamError};
use serde::Serialize;

use crate::exit::{Exit, tell};
use crate::record::{DataRecord, ErrorRecord, FinishRecord, line};
use crate::shown::Shown;
use crate::summary::Summary;

/// The form of what is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Text on a terminal: with the reasoning, and a closing line.
    Terminal {
        /// Whether text may be dimmed.
        dim: bool,
    },
    /// The text alone.
    Plain,
    /// JSON lines.
    Json,
}

impl Form {
    /// Text, in the form that fits stdout.
    pub(crate) fn text() -> Self {
        if stdout().is_terminal() { Self::Terminal { dim: may_dim() } } else { Self::Plain }
    }
}

/// Whether the environment allows escape sequences: see <https://no-color.org>.
fn may_dim() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !is_set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// What was written last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    /// A whole line, or nothing at all.
    Line,
    /// Text that goes on.
    Text,
    /// Reasoning that goes on.
    Reasoning,
}

/// Writes one stream to stdout. An error comes from writing there.
pub(crate) struct Output {
    form: Form,
    to: Box<dyn Write + Send>,
    last: Last,
}

impl Output {
    /// Writes to stdout in this form.
    pub(crate) fn new(form: Form) -> Self {
        Self { form, to: Box::new(stdout()), last: Last::Line }
    }

    /// Writes an event, at once.
    pub(crate) fn data<E: Shown>(&mut self, event: &E) -> io::Result<()> {
        if self.form == Form::Json {
            return self.record(&DataRecord::new(event));
        }
        if let Form::Terminal { dim } = self.form
            && let Some(reasoning) = event.more_reasoning()
        {
            // Dimmed piece by piece, so that the terminal is in order wherever the stream ends.
            match dim {
                true => write!(self.to, "\x1b[2m{reasoning}\x1b[22m")?,
                false => self.to.write_all(reasoning.as_bytes())?,
            }
            self.last = Last::Reasoning;
        }
        if let Some(text) = event.more_text() {
            if self.last == Last::Reasoning {
                self.to.write_all(b"\n\n")?;
            }
            self.to.write_all(text.as_bytes())?;
            self.last = if text.ends_with('\n') { Last::Line } else { Last::Text };
        }
        self.to.flush()
    }

    /// Writes the end of a complete stream.
    pub(crate) fn finish<R: Serialize>(&mut self, finish: &Finish<R>) -> io::Result<Exit> {
        match self.form {
            Form::Json => self.record(&FinishRecord::new(finish)?)?,
            Form::Plain => self.end_line()?,
            Form::Terminal { dim } => {
                self.end_line()?;
                let summary = Summary::new(finish);
                match dim && stderr().is_terminal() {
                    true => tell(format_args!("\n\x1b[2m{summary}\x1b[22m\n")),
                    false => tell(format_args!("\n{summary}\n")),
                }
            }
        }
        Ok(Exit::Finished)
    }

    /// Writes the end of a stream that failed; `R` is its response type.
    pub(crate) fn error<R: Serialize + 'static>(&mut self, error: &StreamError) -> io::Result<Exit> {
        match self.form {
            Form::Json => self.record(&ErrorRecord::<R>::new(error))?,
            Form::Plain | Form::Terminal { .. } => {
                self.end_line()?;
                tell(format_args!("error: {error}\n"));
            }
        }
        Ok(Exit::of(error))
    }

    /// Tells something on stderr to whoever reads text on a terminal.
    pub(crate) fn note(&self, note: fmt::Arguments<'_>) {
        if let Form::Terminal { .. } = self.form {
            tell(note);
        }
    }

    fn record(&mut self, record: &impl Serialize) -> io::Result<()> {
        self.to.write_all(&line(record)?)?;
        self.to.flush()
    }

    /// Ends the line that the text ended in.
    fn end_line(&mut self) -> io::Result<()> {
        if self.last != Last::Line {
            self.to.write_all(b"\n")?;
            self.last = Last::Line;
        }
        self.to.flush()
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").field("form", &self.form).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use actorstream::ChatCompletionChunk;
    use serde_json::{from_value, json};

    use super::*;

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written(form: Form) -> String {
        let page = Page::default();
        let mut output = Output { form, to: Box::new(page.clone()), last: Last::Line };
        for delta in [
            json!({"role": "assistant"}),
            json!({"reasoning_content": "Let me"}),
            json!({"reasoning_content": " see."}),
            json!({"content": "Hel"}),
            json!({"content": "lo"}),
            json!({}),
        ] {
            let event: ChatCompletionChunk =
                from_value(json!({"choices": [{"index": 0, "delta": delta}]})).unwrap();
            output.data(&event).unwrap();
        }
        output.end_line().unwrap();
        output.end_line().unwrap();
        String::from_utf8(page.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn the_forms_of_text() {
        assert_eq!(
            written(Form::Terminal { dim: true }),
            "\x1b[2mLet me\x1b[22m\x1b[2m see.\x1b[22m\n\nHello\n"
        );
        assert_eq!(written(Form::Terminal { dim: false }), "Let me see.\n\nHello\n");
        assert_eq!(written(Form::Plain), "Hello\n");
    }
}
