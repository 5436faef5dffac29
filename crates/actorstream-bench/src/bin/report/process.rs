//! The other programs, which are built beside this one.

use std::env;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use actorstream_bench::Error;
use actorstream_bench::plan::Plan;

/// The loopback server, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Server {
    process: Child,
    url: String,
}

impl Server {
    pub(crate) fn start() -> Result<Self, Error> {
        let mut process = Command::new(sibling("server")?).stdout(Stdio::piped()).spawn()?;
        let stdout = process.stdout.take().ok_or("the server has no stdout")?;
        let mut url = String::new();
        BufReader::new(stdout).read_line(&mut url)?;
        Ok(Self { process, url: url.trim_end().to_owned() })
    }

    /// The base URL at which the server sends that.
    pub(crate) fn url(&self, plan: Plan) -> String {
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
pub(crate) fn sibling(program: &str) -> Result<PathBuf, Error> {
    Ok(env::current_exe()?.with_file_name(program))
}

/// What a client printed: `name value` pairs.
#[derive(Debug)]
pub(crate) struct Printed(String);

impl Printed {
    pub(crate) fn get(&self, name: &str) -> Result<f64, Error> {
        let mut words = self.0.split_whitespace();
        words.find(|word| *word == name).ok_or_else(|| format!("no {name} in {:?}", self.0))?;
        Ok(words.next().unwrap_or_default().parse()?)
    }
}

/// Runs a client.
pub(crate) fn client(arguments: &[&str]) -> Result<Printed, Error> {
    output(Command::new(sibling("client")?).args(arguments)).map(Printed)
}

/// Runs a command to its end, which must be a good one.
pub(crate) fn output(command: &mut Command) -> Result<String, Error> {
    let output = command.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("{command:?}: {}", output.status).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}
