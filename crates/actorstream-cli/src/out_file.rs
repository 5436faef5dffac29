//! `OutFile`: the output file, written completely or not at all.

use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use crate::exit::Failure;

/// A file that can be written.
#[derive(Debug)]
pub(crate) struct OutFile {
    path: PathBuf,
}

impl OutFile {
    /// Checks that the file can be written, before anything is requested.
    pub(crate) fn new(path: &Path) -> Result<Self, Failure> {
        let cannot = |why: &str| Failure::config(format!("cannot write {}: {why}", path.display()));
        let path = match fs::metadata(path) {
            Ok(about) if !about.is_file() => return Err(cannot("it is not a regular file")),
            // The target of a link is replaced, not the link.
            Ok(_) => fs::canonicalize(path).map_err(|error| cannot(&why(&error)))?,
            Err(_) => path.to_owned(),
        };
        let file = Self { path };
        file.temporary().map_err(|error| cannot(&file.why(&error)))?;
        Ok(file)
    }

    /// The file's path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the file. The error says what could not be written, and why.
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<(), String> {
        let write = || {
            let mut temporary = self.temporary()?;
            temporary.write_all(bytes)?;
            temporary.as_file().sync_all()?;
            temporary.persist(&self.path).map_err(|error| error.error)?;
            Ok(())
        };
        write().map_err(|error| format!("cannot write {}: {}", self.path.display(), self.why(&error)))
    }

    /// Returns why the file could not be written, without the name of the temporary file, which means nothing to the
    /// user.
    fn why(&self, error: &io::Error) -> String {
        let folder = self.folder();
        match error.kind() {
            io::ErrorKind::NotFound if !folder.exists() => format!("there is no folder {}", folder.display()),
            io::ErrorKind::NotADirectory => format!("{} is not a folder", folder.display()),
            _ => why(error),
        }
    }

    fn folder(&self) -> &Path {
        match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        }
    }

    /// Creates a file beside it, which is removed unless it replaces it.
    fn temporary(&self) -> io::Result<NamedTempFile> {
        let mut builder = Builder::new();
        builder.prefix(".actorstream-");
        let old = fs::metadata(&self.path).map(|about| about.permissions()).ok();
        if let Some(permissions) = old.clone().or_else(new_permissions) {
            builder.permissions(permissions);
        }
        let temporary = builder.tempfile_in(self.folder())?;
        if let Some(permissions) = old {
            // Regardless of the umask.
            temporary.as_file().set_permissions(permissions)?;
        }
        Ok(temporary)
    }
}

/// Returns the system's message, without any file name.
fn why(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code).to_string(),
        None => error.kind().to_string(),
    }
}

/// Returns the permissions of a new file under the user's umask.
#[cfg(unix)]
fn new_permissions() -> Option<Permissions> {
    use std::os::unix::fs::PermissionsExt;
    Some(Permissions::from_mode(0o666))
}

#[cfg(not(unix))]
fn new_permissions() -> Option<Permissions> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_as_a_whole_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.png");
        let file = OutFile::new(&path).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        for content in [&b"one"[..], b"two"] {
            file.write(content).unwrap();
            assert_eq!(fs::read(&path).unwrap(), content);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_and_permissions_do_too() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("out"), folder.path().join("link"));
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        symlink(&path, &link).unwrap();
        OutFile::new(&link).unwrap().write(b"new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    }

    #[test]
    fn an_unwritable_file_says_why() {
        for (path, why) in [
            ("/nowhere/out.png", "cannot write /nowhere/out.png: there is no folder /nowhere"),
            ("/dev/null/out.png", "cannot write /dev/null/out.png: /dev/null is not a folder"),
            ("/", "it is not a regular file"),
        ] {
            let Err(Failure::Config(error)) = OutFile::new(Path::new(path)) else { panic!("{path}") };
            assert!(error.to_string().contains(why), "{error}");
            assert!(!error.to_string().contains(".actorstream-"), "{error}");
        }
        let folder = tempfile::tempdir().unwrap();
        let file = OutFile::new(&folder.path().join("out.png")).unwrap();
        drop(folder);
        let error = file.write(b"x").unwrap_err();
        assert!(error.contains("out.png: there is no folder") && !error.contains(".actorstream-"), "{error}");
    }
}
