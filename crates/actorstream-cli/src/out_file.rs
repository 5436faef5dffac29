//! `OutFile`: the file that an answer goes to, written whole or not at all.

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
    /// Makes sure that the file can be written, before anybody is asked for what goes there.
    pub(crate) fn new(path: &Path) -> Result<Self, Failure> {
        let cannot = |why: String| Failure::config(format!("cannot write {}: {why}", path.display()));
        let path = match fs::metadata(path) {
            Ok(about) if !about.is_file() => return Err(cannot("it is no regular file".to_owned())),
            // What a link names is replaced, not the link.
            Ok(_) => fs::canonicalize(path).map_err(|error| cannot(error.to_string()))?,
            Err(_) => path.to_owned(),
        };
        let file = Self { path };
        file.temporary().map_err(|error| cannot(error.to_string()))?;
        Ok(file)
    }

    /// The file's path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the file.
    pub(crate) fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let mut temporary = self.temporary()?;
        temporary.write_all(bytes)?;
        temporary.as_file().sync_all()?;
        temporary.persist(&self.path)?;
        Ok(())
    }

    /// A file beside it that is removed unless it takes its place.
    fn temporary(&self) -> io::Result<NamedTempFile> {
        let folder = match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let mut builder = Builder::new();
        builder.prefix(".actorstream-");
        let old = fs::metadata(&self.path).map(|about| about.permissions()).ok();
        if let Some(permissions) = old.clone().or_else(new_permissions) {
            builder.permissions(permissions);
        }
        let temporary = builder.tempfile_in(folder)?;
        if let Some(permissions) = old {
            // Whatever the mask for new files says.
            temporary.as_file().set_permissions(permissions)?;
        }
        Ok(temporary)
    }
}

/// The permissions of a new file, less what the user's mask takes away.
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
    fn what_cannot_be_written_says_why() {
        for (path, why) in
            [("/nowhere/out.png", "cannot write /nowhere/out.png: "), ("/", "it is no regular file")]
        {
            let Err(Failure::Config(error)) = OutFile::new(Path::new(path)) else { panic!("{path}") };
            assert!(error.to_string().contains(why), "{error}");
        }
    }
}
