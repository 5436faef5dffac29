//! `Exit`: how the command ends; `Failure`: why it could not even begin.

use std::io::Write;
use std::process::ExitCode;

use actorstream::{ErrorKind, StreamError};
use clap::CommandFactory;

use crate::arguments::Arguments;
use crate::output::{Form, Output};

/// The exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The answer is complete.
    Finished,
    /// It is not.
    Failed,
    /// The request could not be made as asked.
    Misused,
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
            Exit::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        u8::from(exit).into()
    }
}

/// Why a command could not begin.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line is wrong; this says how.
    Usage(String),
    /// The request or the client cannot be made as asked.
    Config(Box<StreamError>),
    /// Something else, which is not for the user to put right on the command line.
    Other(String),
}

impl Failure {
    /// A `Config` failure.
    pub(crate) fn config(message: String) -> Self {
        StreamError::config(message).into()
    }

    /// Tells the user, in the form of the output; `command` is the command's name.
    pub(crate) fn tell(self, command: &str, form: Form) -> Exit {
        match self {
            Self::Usage(message) => {
                let mut arguments = Arguments::command();
                // Gives the subcommands the names that their usage is printed under.
                arguments.build();
                let command = match arguments.find_subcommand_mut(command) {
                    Some(command) => command,
                    None => &mut arguments,
                };
                tell(command.error(clap::error::ErrorKind::ValueValidation, message));
                Exit::Misused
            }
            Self::Config(error) => Output::new(form).error::<()>(&error).unwrap_or(Exit::Misused),
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

/// Writes to stderr. Nobody may be listening there, which is no reason to panic as `eprint!` does.
pub(crate) fn tell(message: impl std::fmt::Display) {
    let _ = write!(std::io::stderr().lock(), "{message}");
}
