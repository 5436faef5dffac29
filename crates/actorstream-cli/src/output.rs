//! `Output`: writes a stream to stdout and stderr.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, IsTerminal, Write, stdout};

use actorstream::{ErrorKind, Finish, StreamError};

use crate::answer::Answer;
use crate::exit::{Exit, tell, tell_dimmed};
use crate::record::{DataRecord, ErrorRecord, FinishRecord, line};
use crate::shown::Shown;
use crate::summary::{Summary, why_incomplete};
use crate::terminal::{Screen, write_json};
use crate::words::explain;

/// The output format.
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
    /// The text format that fits stdout.
    pub(crate) fn text() -> Self {
        if stdout().is_terminal() { Self::Terminal { dim: may_dim() } } else { Self::Plain }
    }
}

/// Whether the environment allows escape sequences: see <https://no-color.org>.
fn may_dim() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !is_set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// The output format, and the context for messages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    /// The form.
    pub(crate) form: Form,
    /// Whether usage is printed wherever stdout is redirected.
    pub(crate) usage: bool,
    /// The command's name.
    pub(crate) command: &'static str,
    /// Whether the response is streamed.
    pub(crate) streamed: bool,
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
    style: Style,
    to: Box<dyn Write + Send>,
    /// What keeps control characters from stdout, if that is a terminal.
    screen: Option<Screen>,
    last: Last,
    /// The text of the first answer so far.
    text: String,
    /// Whether any reasoning was written.
    reasoned: bool,
}

impl Output {
    /// Writes to stdout in this style.
    pub(crate) fn new(style: Style) -> Self {
        Self::to(style, Box::new(stdout()), stdout().is_terminal())
    }

    fn to(style: Style, to: Box<dyn Write + Send>, terminal: bool) -> Self {
        let screen = terminal.then(Screen::default);
        Self { style, to, screen, last: Last::Line, text: String::new(), reasoned: false }
    }

    /// Writes an event, at once.
    pub(crate) fn data<E: Shown>(&mut self, event: &E) -> io::Result<()> {
        if self.style.form == Form::Json {
            let line = line(&DataRecord::new(event))?;
            return self.json(&line);
        }
        if let Some(reasoning) = event.more_reasoning() {
            self.reasoning(reasoning)?;
        }
        if let Some(text) = event.more_text() {
            // Raw events add up to no response.
            if !E::NAMED {
                self.text.push_str(&text);
            }
            self.text(&text)?;
        }
        self.to.flush()
    }

    /// Writes the end of a complete stream.
    pub(crate) fn finish<E: Shown>(&mut self, finish: &Finish<E::Response>) -> io::Result<Exit> {
        let incomplete = why_incomplete(finish);
        let exit = if incomplete.is_some() { Exit::Incomplete } else { Exit::Finished };
        if self.style.form == Form::Json {
            let line = FinishRecord::new(finish).map_err(io::Error::from).and_then(|record| line(&record));
            self.json(&line?)?;
            return Ok(exit);
        }
        self.rest(&E::answers(&finish.response), true)?;
        if let Some(why) = incomplete {
            tell(format_args!("warning: the answer is incomplete: {}\n", indented(&why)));
        }
        let summary = || Summary::new(finish);
        match self.style.form {
            Form::Terminal { dim: true } => tell_dimmed(format_args!("\n{}\n", summary())),
            Form::Terminal { dim: false } => tell(format_args!("\n{}\n", summary())),
            Form::Plain if self.style.usage => tell(format_args!("{}\n", summary())),
            Form::Plain | Form::Json => {}
        }
        Ok(exit)
    }

    /// Writes the end of a stream that failed.
    pub(crate) fn error<E: Shown>(&mut self, error: &StreamError) -> io::Result<Exit> {
        let partial = error.partial::<E::Response>();
        if self.style.form == Form::Json {
            let message = self.message(error);
            // There is always an end line, even if the response cannot be written.
            let line = line(&ErrorRecord::new(error, &message, partial))
                .or_else(|_| line(&ErrorRecord::<()>::new(error, &message, None)))?;
            self.json(&line)?;
            return Ok(Exit::of(error));
        }
        // After an interrupt, the user wants no more output.
        if let Some(partial) = partial.filter(|_| error.kind != ErrorKind::Cancelled) {
            self.rest(&E::answers(partial), false)?;
        }
        self.failure(error)
    }

    /// Writes the end of a stream without any data, or that never started.
    pub(crate) fn failure(&mut self, error: &StreamError) -> io::Result<Exit> {
        let message = self.message(error);
        if self.style.form == Form::Json {
            let line = line(&ErrorRecord::<()>::new(error, &message, None))?;
            self.json(&line)?;
        } else {
            self.end_line()?;
            let request = error.request_id.as_ref().map(|id| format!(" (request {id})")).unwrap_or_default();
            tell(format_args!("error: {}\n", indented(&(message + &request))));
        }
        Ok(Exit::of(error))
    }

    fn message(&self, error: &StreamError) -> String {
        explain(error, self.style.command, self.style.streamed)
    }

    /// Writes a note to stderr, if text is printed on a terminal.
    pub(crate) fn note(&self, note: fmt::Arguments<'_>) {
        if let Form::Terminal { .. } = self.style.form {
            tell(note);
        }
    }

    /// Writes the parts that were not written as they arrived: the end of the first choice, its calls, and the other
    /// choices.
    fn rest(&mut self, answers: &[Answer], complete: bool) -> io::Result<()> {
        for (number, answer) in (1..).zip(answers) {
            let text = if number == 1 {
                let written = std::mem::take(&mut self.text);
                answer.text.strip_prefix(written.as_str()).unwrap_or_default()
            } else {
                self.end_line()?;
                self.text(&format!("--- choice {number} of {} ---\n", answers.len()))?;
                self.reasoned = false;
                &answer.text
            };
            if !self.reasoned && !answer.reasoning.is_empty() && text.len() == answer.text.len() {
                self.reasoning(&answer.reasoning)?;
            }
            if !text.is_empty() {
                self.text(text)?;
            }
            // An incomplete call is not shown.
            for call in answer.calls.iter().filter(|_| complete) {
                self.end_line()?;
                self.text(&format!("{call}\n"))?;
            }
        }
        self.end_line()
    }

    /// Writes reasoning, if it is shown.
    fn reasoning(&mut self, reasoning: &str) -> io::Result<()> {
        let Form::Terminal { dim } = self.style.form else { return Ok(()) };
        let reasoning = harmless(&mut self.screen, reasoning);
        // Dimmed piece by piece, so that the terminal is in a clean state wherever the stream ends.
        match dim {
            true => write!(self.to, "\x1b[2m{reasoning}\x1b[22m")?,
            false => self.to.write_all(reasoning.as_bytes())?,
        }
        self.reasoned = true;
        self.last = Last::Reasoning;
        Ok(())
    }

    fn text(&mut self, text: &str) -> io::Result<()> {
        if self.last == Last::Reasoning {
            self.to.write_all(b"\n\n")?;
        }
        let text = harmless(&mut self.screen, text);
        self.to.write_all(text.as_bytes())?;
        self.last = if text.ends_with('\n') { Last::Line } else { Last::Text };
        Ok(())
    }

    fn json(&mut self, line: &[u8]) -> io::Result<()> {
        match self.screen {
            Some(_) => write_json(&mut *self.to, line)?,
            None => self.to.write_all(line)?,
        }
        self.to.flush()
    }

    /// Ends the line that the text ended in.
    fn end_line(&mut self) -> io::Result<()> {
        if let Some(kept) = self.screen.as_mut().and_then(Screen::end) {
            write!(self.to, "{kept}")?;
            self.last = Last::Text;
        }
        if self.last != Last::Line {
            self.to.write_all(b"\n")?;
            self.last = Last::Line;
        }
        self.to.flush()
    }
}

fn harmless<'a>(screen: &mut Option<Screen>, text: &'a str) -> Cow<'a, str> {
    match screen {
        Some(screen) => screen.next(text),
        None => Cow::Borrowed(text),
    }
}

/// Indents the continuation lines of a message, so that they differ from the command's own lines.
fn indented(message: &str) -> String {
    message.replace("\r\n", "\n").replace('\n', "\n  ")
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").field("style", &self.style).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "output_tests.rs"]
mod tests;
