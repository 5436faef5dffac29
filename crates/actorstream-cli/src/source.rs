//! `Source`: the source of a request's JSON and of the prompt.

use std::io::{IsTerminal, Read, stdin};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::{fs, io};

use actorstream::proto::request::body::Body;
use serde_json::value::RawValue;

use crate::exit::Failure;

/// The source of a request's JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// The command line itself.
    Inline(String),
    /// `@FILE`.
    File(PathBuf),
    /// `-`.
    Stdin,
}

impl FromStr for Source {
    type Err = std::convert::Infallible;

    fn from_str(argument: &str) -> Result<Self, Self::Err> {
        Ok(match argument.strip_prefix('@') {
            Some(file) => Self::File(file.into()),
            None if argument == "-" => Self::Stdin,
            None => Self::Inline(argument.to_owned()),
        })
    }
}

impl Source {
    /// Reads the request.
    pub(crate) fn read(&self) -> Result<Body, Failure> {
        let text = match self {
            Self::Inline(text) => Ok(text.clone()),
            Self::File(path) => fs::read_to_string(path),
            Self::Stdin => io::read_to_string(stdin()),
        };
        let text = text.map_err(|error| Failure::config(format!("cannot read {}: {error}", self.name())))?;
        // Kept verbatim: numbers keep their digits.
        let json: &RawValue = serde_json::from_str(&text).map_err(|error| {
            let hint = match self {
                Self::Inline(_) => "; use --body @FILE for a file",
                Self::File(_) | Self::Stdin => "",
            };
            Failure::config(format!("{} is not JSON: {error}{hint}", self.name()))
        })?;
        Ok(Body::new(json)?)
    }

    fn name(&self) -> String {
        match self {
            Self::Inline(_) => "--body".to_owned(),
            Self::File(path) => path.display().to_string(),
            Self::Stdin => "the body on stdin".to_owned(),
        }
    }
}

/// Returns the prompt: the given words, or stdin. With a body, it is optional.
pub(crate) fn prompt(given: &[String], body: Option<&Source>) -> Result<Option<String>, Failure> {
    if !given.is_empty() {
        return Ok(Some(given.join(" ")));
    }
    if body.is_some() {
        return Ok(None);
    }
    let mut stdin = stdin();
    if stdin.is_terminal() {
        return Err(Failure::Usage("give a PROMPT, pipe one in, or give a --body".to_owned()));
    }
    let mut bytes = Vec::new();
    let read = stdin.read_to_end(&mut bytes);
    read.map_err(|error| Failure::config(format!("cannot read the prompt on stdin: {error}")))?;
    let text = String::from_utf8(bytes)
        .map_err(|_| Failure::config("the prompt on stdin is not UTF-8".to_owned()))?;
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err(Failure::Usage("no PROMPT is given and stdin is empty".to_owned())),
        prompt => Ok(Some(prompt.to_owned())),
    }
}

/// Checks that a file can be sent; `what` is its name on the command line.
pub(crate) fn check_file(what: &str, path: &Path) -> Result<(), Failure> {
    let cannot = |why: String| Failure::config(format!("{what}: the file {} {why}", path.display()));
    let about = fs::metadata(path).map_err(|error| cannot(format!("cannot be read: {error}")))?;
    if about.is_dir() {
        return Err(cannot("is a folder".to_owned()));
    }
    if !about.is_file() {
        return Err(cannot("is not a regular file; copy its content to one first".to_owned()));
    }
    fs::File::open(path).map_err(|error| cannot(format!("cannot be read: {error}"))).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(argument: &str) -> Result<Body, Failure> {
        let Ok(source) = argument.parse::<Source>();
        source.read()
    }

    #[test]
    fn sources() {
        assert_eq!("-".parse(), Ok(Source::Stdin));
        assert_eq!("@a b.json".parse(), Ok(Source::File("a b.json".into())));
        assert_eq!("{}".parse(), Ok(Source::Inline("{}".into())));
    }

    #[test]
    fn a_body_stays_as_it_is_written() {
        let body = read(r#"{"b": 1.50, "a": 12345678901234567890123}"#).unwrap();
        assert_eq!(body.to_bytes(), r#"{"b":1.50,"a":12345678901234567890123}"#);
    }

    #[test]
    fn a_file_that_cannot_be_sent_is_told_as_the_command_line_calls_it() {
        for (path, why) in [
            ("/nowhere/a.png", "--edit: the file /nowhere/a.png cannot be read: "),
            ("/", "--edit: the file / is a folder"),
            ("/dev/null", "--edit: the file /dev/null is not a regular file; copy"),
        ] {
            let Err(Failure::Config(error)) = check_file("--edit", Path::new(path)) else { panic!("{path}") };
            assert!(error.to_string().starts_with(why), "{error}");
        }
        check_file("FILE", Path::new("Cargo.toml")).unwrap();
    }

    #[test]
    fn a_malformed_body_says_why() {
        for (argument, why) in [
            ("request.json", "--body is not JSON: expected value at line 1 column 1; use --body @FILE"),
            ("[1]", "the request must be a JSON object"),
            ("@/nowhere/at all", "cannot read /nowhere/at all: "),
        ] {
            let Err(Failure::Config(error)) = read(argument) else { panic!("{argument}") };
            assert!(error.to_string().contains(why), "{error}");
        }
    }
}
