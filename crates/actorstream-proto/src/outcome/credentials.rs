//! Finds credentials by the names of the headers and parameters that hold them.

use crate::outcome::secret::Secret;

/// The parts of names that mark a header or a parameter as secret.
const NAMES: [&str; 9] =
    ["auth", "key", "token", "secret", "password", "cookie", "credential", "signature", "session"];

/// The authorization schemes before a credential.
const SCHEMES: [&str; 6] = ["Basic", "Bearer", "Digest", "Token", "ApiKey", "Key"];

/// Returns whether a header or parameter of this name holds a secret.
pub fn names_a_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    // Rate limits count tokens.
    let counts = name.contains("ratelimit");
    !counts && (name == "sig" || name == "code" || NAMES.iter().any(|part| name.contains(part)))
}

/// Returns whether a value looks like a key: it has a run of at least 12 letters and digits, two digits among them.
pub fn looks_secret(text: &str) -> bool {
    // Names of models and dates have shorter runs.
    const SHORTEST: usize = 12;
    !text.contains(char::is_whitespace)
        && text.split(|char: char| !char.is_ascii_alphanumeric()).any(|run| {
            let digits = run.bytes().filter(u8::is_ascii_digit).count();
            run.len() >= SHORTEST && digits >= 2 && digits < run.len()
        })
}

/// Adds the secrets in a header or parameter whose name marks it as secret: the value, and the part after an
/// authorization scheme or a cookie name. Placeholders such as `ollama` are left out.
pub fn collect_secrets(name: &str, value: &str, secrets: &mut Vec<Secret>) {
    if !names_a_secret(name) {
        return;
    }
    // A scheme is not a secret, and the start of a secret would be redacted on its own.
    let value = match value.split_once(' ') {
        Some((scheme, credentials)) if SCHEMES.iter().any(|known| scheme.eq_ignore_ascii_case(known)) => {
            credentials
        }
        _ => value,
    };
    let behind_space = value.split_once(' ').map(|(_, credentials)| credentials);
    let cookies = value.split(';').filter_map(|cookie| cookie.split_once('=')).map(|(_, value)| value);
    let parts = [value].into_iter().chain(behind_space).chain(cookies).map(str::trim);
    secrets.extend(parts.map(Secret::password).filter(|secret| !secret.is_dummy()));
}
