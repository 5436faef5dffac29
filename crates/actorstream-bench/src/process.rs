//! The other programs, which are built beside this one.

use std::env;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::Error;
use crate::plan::Plan;

/// The loopback server, for as long as this lives.
#[derive(Debug)]
pub struct Server {
    process: Child,
    url: String,
}

impl Server {
    /// Starts it.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start() -> Result<Self, Error> {
        let mut process = Command::new(sibling("server")?).stdout(Stdio::piped()).spawn()?;
        let stdout = process.stdout.take().ok_or("the server has no stdout")?;
        let mut url = String::new();
        BufReader::new(stdout).read_line(&mut url)?;
        Ok(Self { process, url: url.trim_end().to_owned() })
    }

    /// The base URL at which the server sends that.
    pub fn url(&self, plan: Plan) -> String {
        format!("{}{plan}/v1", self.url)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Another program of this crate.
///
/// # Errors
/// When it is not known where this one is.
pub fn sibling(program: &str) -> Result<PathBuf, Error> {
    Ok(env::current_exe()?.with_file_name(program))
}

/// What a client printed: `name value` pairs.
#[derive(Debug)]
pub struct Printed(String);

impl Printed {
    /// The value of a name.
    ///
    /// # Errors
    /// When it was not printed.
    pub fn get(&self, name: &str) -> Result<f64, Error> {
        let mut words = self.0.split_whitespace();
        words.find(|word| *word == name).ok_or_else(|| format!("no {name} in {:?}", self.0))?;
        Ok(words.next().unwrap_or_default().parse()?)
    }
}

/// Runs a client.
///
/// # Errors
/// When it fails.
pub fn client(arguments: &[&str]) -> Result<Printed, Error> {
    output(Command::new(sibling("client")?).args(arguments)).map(Printed)
}

/// Runs a command to its end.
///
/// # Errors
/// When that is not a good one.
pub fn output(command: &mut Command) -> Result<String, Error> {
    let output = command.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("{command:?}: {}", output.status).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}
