//! `Exit`: how the command ends; `Failure`: why it could not start.

use std::fmt::Display;
use std::io::{IsTerminal, Write, stderr};
use std::process::ExitCode;

use actorstream::{ErrorKind, StreamError};
use clap::CommandFactory;

use crate::arguments::Arguments;
use crate::output::{Form, Output, Style};
use crate::terminal::harmless;

/// The exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The response is complete.
    Finished,
    /// It is not.
    Failed,
    /// The request could not be built as configured.
    Misused,
    /// The server ended the response early.
    Incomplete,
    /// Ctrl-C.
    Interrupted,
}

impl Exit {
    /// The status for a stream that ended with this error.
    pub(crate) fn of(error: &StreamError) -> Self {
        match error.kind {
            ErrorKind::Config { .. } => Self::Misused,
            _ => Self::Failed,
        }
    }
}

impl From<Exit> for u8 {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Finished => 0,
            Exit::Failed => 1,
            Exit::Misused => 2,
            Exit::Incomplete => 3,
            Exit::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        u8::from(exit).into()
    }
}

/// Why a command could not start.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line is wrong; this says how.
    Usage(String),
    /// The request or the client could not be built as configured.
    Config(Box<StreamError>),
    /// Another failure, which the user cannot fix on the command line.
    Other(String),
}

impl Failure {
    /// A `Config` failure.
    pub(crate) fn config(message: String) -> Self {
        StreamError::config(message).into()
    }

    /// Reports it to the user, in the style of the output.
    pub(crate) fn tell(self, style: Style) -> Exit {
        match self {
            Self::Usage(message) => {
                let mut arguments = Arguments::command();
                // Gives the subcommands the names under which their usage is printed.
                arguments.build();
                let command = match arguments.find_subcommand_mut(style.command) {
                    Some(command) => command,
                    None => &mut arguments,
                };
                tell(command.error(clap::error::ErrorKind::ValueValidation, message));
                Exit::Misused
            }
            Self::Config(error) => Output::new(style).failure(&error).unwrap_or(Exit::Misused),
            Self::Other(message) if style.form == Form::Json => {
                let kind = ErrorKind::Transport { detail: message.into(), unsent: true };
                Output::new(style).failure(&kind.into()).unwrap_or(Exit::Failed)
            }
            Self::Other(message) => {
                tell(format_args!("error: {message}\n"));
                Exit::Failed
            }
        }
    }
}

impl From<StreamError> for Failure {
    fn from(error: StreamError) -> Self {
        Self::Config(Box::new(error))
    }
}

/// Writes to stderr, without control characters that a terminal might interpret, even if it is redirected. A closed
/// stderr is no reason to panic, as `eprint!` does.
pub(crate) fn tell(message: impl Display) {
    let message = message.to_string();
    let _ = stderr().lock().write_all(harmless(&message).as_bytes());
}

/// The same, dimmed if stderr is a terminal.
pub(crate) fn tell_dimmed(message: impl Display) {
    let message = message.to_string();
    let message = harmless(&message);
    let mut stderr = stderr().lock();
    let _ = match stderr.is_terminal() {
        true => write!(stderr, "\x1b[2m{message}\x1b[22m"),
        false => stderr.write_all(message.as_bytes()),
    };
}
