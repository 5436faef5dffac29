//! Bodies that are never a response: empty ones, and HTML pages.

/// Returns why a body is not a complete response of any endpoint; `None` if it may be one.
pub(crate) fn is_none(status: u16, content_type: Option<&str>, body: &[u8]) -> Option<String> {
    if body.trim_ascii().is_empty() {
        return Some(match status {
            204 => "the server answered 204, without content".to_owned(),
            status => format!("the answer is empty (status {status})"),
        });
    }
    if is_page(body) || content_type.is_some_and(|kind| kind.trim_start().starts_with("text/html")) {
        let content_type = content_type.unwrap_or("HTML");
        return Some(format!("the server sent an HTML page ({content_type}); check the base URL"));
    }
    None
}

/// Returns whether a body is an HTML page, such as a login page.
pub(crate) fn is_page(body: &[u8]) -> bool {
    let body = body.trim_ascii_start();
    ["<!doctype", "<html"]
        .iter()
        .any(|tag| body.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_content_and_pages_are_what_they_are() {
        assert_eq!(is_none(204, None, b"").unwrap(), "the server answered 204, without content");
        assert_eq!(
            is_none(200, Some("application/json"), b" \n").unwrap(),
            "the answer is empty (status 200)"
        );
        for (content_type, body) in [
            (Some("text/html; charset=utf-8"), "Log in"),
            (None, " <!DOCTYPE html>"),
            (Some("text/plain"), "<HTML>"),
        ] {
            let why = is_none(200, content_type, body.as_bytes()).unwrap();
            assert!(why.starts_with("the server sent an HTML page ("), "{why}");
        }
        assert_eq!(is_none(200, Some("application/json"), b"{}"), None);
    }
}
