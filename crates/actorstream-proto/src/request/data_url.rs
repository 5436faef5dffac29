//! `data:` URLs: images embedded in a request.

use std::fs;
use std::path::Path;

use crate::json::base64::encode;
use crate::outcome::error::StreamError;
use crate::request::multipart::media_type;

/// Returns the `data:` URL of these bytes.
pub(crate) fn of_bytes(media_type: &str, bytes: &[u8]) -> String {
    format!("data:{media_type};base64,{}", encode(bytes))
}

/// Returns the `data:` URL of an image on disk. The media type is derived from the first bytes, or else from the
/// extension.
pub(crate) fn of_image(path: &Path) -> Result<String, StreamError> {
    let name = path.display();
    let bytes = fs::read(path)
        .map_err(|error| StreamError::config(format!("the file {name} cannot be read: {error}")))?;
    let by_name = || Some(media_type(&path.to_string_lossy())).filter(|kind| kind.starts_with("image/"));
    let media_type = kind_of_image(&bytes).or_else(by_name).ok_or_else(|| {
        StreamError::config(format!(
            "the file {name} is not a PNG, JPEG, GIF or WebP, and its extension names no other kind of image"
        ))
    })?;
    Ok(of_bytes(media_type, &bytes))
}

/// Returns the media type of an image by its first bytes.
fn kind_of_image(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_known_by_its_content_and_else_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        for (name, content, url) in [
            ("a.bin", &b"\x89PNG"[..], "data:image/png;base64,iVBORw=="),
            ("a.png", b"\xff\xd8\xff", "data:image/jpeg;base64,/9j/"),
            ("b", b"GIF8", "data:image/gif;base64,R0lGOA=="),
            ("c", b"RIFF0000WEBP", "data:image/webp;base64,UklGRjAwMDBXRUJQ"),
            ("d.TIFF", b"II", "data:image/tiff;base64,SUk="),
        ] {
            let path = folder.path().join(name);
            fs::write(&path, content).unwrap();
            assert_eq!(of_image(&path).unwrap(), url, "{name}");
        }
    }

    #[test]
    fn a_file_that_is_not_an_image_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("talk.mp3");
        fs::write(&path, "sound").unwrap();
        for (path, why) in [(path.as_path(), "is not a PNG"), (Path::new("/nowhere/a.png"), "cannot be read")]
        {
            let error = of_image(path).unwrap_err().to_string();
            assert!(error.contains(why) && error.contains(&*path.to_string_lossy()), "{error}");
        }
    }
}
