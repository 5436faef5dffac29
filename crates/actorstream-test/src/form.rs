//! The parts of a form as they arrived at the upstream.

use bytes::Bytes;
use memchr::memmem;

use crate::request::Request;

/// One part of a `multipart/form-data` body.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Part {
    /// The name of the field.
    pub name: String,
    /// The name of the file, if the part is a file.
    pub file_name: Option<String>,
    /// The media type, if the part has one.
    pub content_type: Option<String>,
    /// The content of the part.
    pub body: Bytes,
}

impl Part {
    /// Returns the content as text; bytes that are not UTF-8 are replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Request {
    /// Returns the parts of a `multipart/form-data` body, in the order sent; `None` if the body is not one, or is
    /// broken.
    pub fn parts(&self) -> Option<Vec<Part>> {
        let (kind, boundary) = self.header("content-type")?.split_once("boundary=")?;
        if !kind.trim_start().to_ascii_lowercase().starts_with("multipart/form-data") {
            return None;
        }
        let boundary = boundary.trim().trim_matches('"');
        let (first, next) = (format!("--{boundary}"), format!("\r\n--{boundary}"));
        let mut at = memmem::find(&self.body, first.as_bytes())? + first.len();
        let mut parts = Vec::new();
        loop {
            let rest = &self.body[at..];
            if rest.starts_with(b"--") {
                return Some(parts);
            }
            let head = rest.strip_prefix(b"\r\n")?;
            let head_length = memmem::find(head, b"\r\n\r\n")?;
            let start = at + 2 + head_length + 4;
            let length = memmem::find(self.body.get(start..)?, next.as_bytes())?;
            parts.push(part(&head[..head_length], self.body.slice(start..start + length))?);
            at = start + length + next.len();
        }
    }

    /// Returns the first part with this name.
    pub fn part(&self, name: &str) -> Option<Part> {
        self.parts()?.into_iter().find(|part| part.name == name)
    }
}

fn part(head: &[u8], body: Bytes) -> Option<Part> {
    let head = String::from_utf8_lossy(head);
    let header = |wanted: &str| {
        let mut lines = head.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim().to_owned())
    };
    let disposition = header("content-disposition")?;
    let parameter = |name: &str| {
        let (_, value) = disposition.split_once(&format!("; {name}=\""))?;
        Some(value.split_once('"')?.0.to_owned())
    };
    Some(Part {
        name: parameter("name")?,
        file_name: parameter("filename"),
        content_type: header("content-type"),
        body,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(content_type: &str, body: &str) -> Request {
        Request {
            method: "POST".into(),
            path: "/".into(),
            query: None,
            origin: None,
            headers: vec![("content-type".into(), content_type.into())],
            body: Bytes::copy_from_slice(body.as_bytes()),
            connection: 0,
            index: 0,
        }
    }

    #[test]
    fn the_parts_of_a_form() {
        let body = "--B\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n--B\r\n\
                    Content-Disposition: form-data; name=\"file\"; filename=\"a.mp3\"\r\nContent-Type: audio/mpeg\r\n\r\n\
                    --Bx\r\n\r\n--B--\r\n";
        let sent = request("multipart/form-data; boundary=B", body);
        let parts = sent.parts().unwrap();
        assert_eq!(parts.len(), 2);
        assert_eq!(
            (parts[0].name.as_str(), parts[0].text().as_str(), &parts[0].file_name),
            ("model", "m", &None)
        );
        let file = sent.part("file").unwrap();
        assert_eq!(
            (file.file_name.as_deref(), file.content_type.as_deref()),
            (Some("a.mp3"), Some("audio/mpeg"))
        );
        assert_eq!(file.text(), "--Bx\r\n");
        assert_eq!(sent.part("other"), None);
    }

    #[test]
    fn a_body_that_is_not_a_form_has_no_parts() {
        for (content_type, body) in [
            ("application/json", "{}"),
            ("multipart/mixed; boundary=B", "--B--"),
            ("multipart/form-data", "--B--"),
            (
                "multipart/form-data; boundary=B",
                "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\ncut",
            ),
        ] {
            assert_eq!(request(content_type, body).parts(), None, "{content_type}");
        }
    }
}
