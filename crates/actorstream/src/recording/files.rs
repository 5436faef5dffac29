//! `Files`: the numbered files of a recording.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::recording::exchange::Exchange;

/// The numbered files of a recording.
#[derive(Debug)]
pub(super) struct Files {
    folder: PathBuf,
    /// The last number, when the folder has been looked at.
    last: Option<u32>,
}

impl Files {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, last: None }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes both files of an exchange.
    pub(super) fn write(&mut self, exchange: &Exchange) -> io::Result<()> {
        let name = exchange.name();
        let (mut request, path) = self.create(&name)?;
        request.write_all(&exchange.request_file())?;
        if let Some(response) = exchange.response_file() {
            create_new(&path.with_extension("").with_extension("http"))?.write_all(&response)?;
        }
        Ok(())
    }

    /// Creates the file of the next request, under a number that is free: another process may write to the same folder.
    fn create(&mut self, name: &str) -> io::Result<(File, PathBuf)> {
        if self.last.is_none() {
            fs::create_dir_all(&self.folder)?;
            self.last = Some(last_number(&self.folder)?);
        }
        loop {
            let number = self.last.unwrap_or_default() + 1;
            self.last = Some(number);
            let path = self.folder.join(format!("{number:04}-{name}.request.txt"));
            match create_new(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                created => return Ok((created?, path)),
            }
        }
    }
}

/// Creates a file that only its owner may read: prompts are in it.
fn create_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// The greatest number with which the name of a file begins.
fn last_number(folder: &Path) -> io::Result<u32> {
    let mut last = 0;
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.split_once('-')?.0.parse().ok());
        last = last.max(number.unwrap_or_default());
    }
    Ok(last)
}
