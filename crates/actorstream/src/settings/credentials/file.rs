//! `KeyFile`: a key in a file that changes, such as a mounted secret.

use std::path::{Path, PathBuf};

use actorstream_proto::outcome::secret::Secret;
use tokio::fs::File;
use tokio::io::AsyncReadExt as _;

use super::{Credentials, CredentialsError, KeyFuture, KeyRequest};

/// The largest file that can hold a key, in bytes.
const LARGEST: u64 = 64 << 10;

/// A key in a file, such as a mounted secret. The file is read before each attempt, so a new key counts from the next request on.
/// White space around the key is dropped.
#[derive(Debug, Clone)]
pub struct KeyFile {
    path: PathBuf,
}

impl KeyFile {
    /// The key in the file at this path, which is not read yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }
}

impl Credentials for KeyFile {
    fn key(&self, _: KeyRequest) -> KeyFuture {
        let path = self.path.clone();
        Box::pin(async move { read(&path).await })
    }
}

async fn read(path: &Path) -> Result<Secret, CredentialsError> {
    let shown = path.display();
    let unreadable =
        |error| CredentialsError::temporary(format!("the key file {shown} cannot be read: {error}"));
    let mut key = String::new();
    let file = File::open(path).await.map_err(unreadable)?;
    file.take(LARGEST + 1).read_to_string(&mut key).await.map_err(unreadable)?;
    if key.len() as u64 > LARGEST {
        return Err(CredentialsError::new(format!("the key file {shown} is larger than {LARGEST} bytes")));
    }
    if key.trim().is_empty() {
        // A file may be empty for a moment while it is written.
        return Err(CredentialsError::temporary(format!("the key file {shown} is empty")));
    }
    Ok(Secret::new(&key))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn key(file: &KeyFile) -> Result<String, String> {
        let key = file.key(KeyRequest { attempt: 1, refused: None }).await;
        key.map(|key| key.reveal().to_owned()).map_err(|error| error.to_string())
    }

    #[actix_rt::test]
    async fn a_file_is_read_each_time() {
        let path = std::env::temp_dir().join(format!("actorstream-key-{}", std::process::id()));
        let file = KeyFile::new(&path);
        assert!(key(&file).await.unwrap_err().contains("cannot be read"));
        for (text, read) in [("sk-one\n", Ok("sk-one")), (" sk-two", Ok("sk-two")), ("\n", Err("is empty"))] {
            std::fs::write(&path, text).unwrap();
            match (key(&file).await, read) {
                (Ok(key), Ok(read)) => assert_eq!(key, read),
                (Err(error), Err(read)) => assert!(error.contains(read), "{error}"),
                (key, read) => panic!("{key:?}, {read:?}"),
            }
        }
        std::fs::write(&path, "x".repeat(100_000)).unwrap();
        assert!(key(&file).await.unwrap_err().contains("larger than 65536 bytes"));
        std::fs::remove_file(&path).unwrap();
    }
}
