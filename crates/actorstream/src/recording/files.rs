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
            let path = path.with_extension("").with_extension("http");
            let written = create_new(&path)?.write_all(&response);
            if written.is_err() {
                // A part of it would be played as a response that its server cut.
                let _ = fs::remove_file(&path);
            }
            written?;
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
            let number = self.last.unwrap_or_default().checked_add(1);
            let number = number.ok_or_else(|| io::Error::other("no number is left for its files"))?;
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

/// The greatest number of a recorded file: `0001-name.http`, or `0001-name.request.txt`.
fn last_number(folder: &Path) -> io::Result<u32> {
    let mut last = 0;
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| {
            let is_recorded = name.ends_with(".http") || name.ends_with(".request.txt");
            name.split_once('-').filter(|_| is_recorded)?.0.parse().ok()
        });
        last = last.max(number.unwrap_or_default());
    }
    Ok(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_those_of_recorded_files_only() {
        let folder = tempfile::tempdir().unwrap();
        let touch = |name: &str| fs::write(folder.path().join(name), "").unwrap();
        let next = || {
            let mut files = Files::new(folder.path().to_owned());
            files.create("v1").map(|(_, path)| path.file_name().unwrap().to_owned())
        };
        touch("2026-11-30-notes.txt");
        assert_eq!(next().unwrap(), "0001-v1.request.txt");
        touch("10000-a.http");
        assert_eq!(next().unwrap(), "10001-v1.request.txt");
        touch("4294967295-a.http");
        next().unwrap_err();
    }
}
