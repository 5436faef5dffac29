use super::*;

#[test]
fn a_secret_is_taken_out_however_it_is_written() {
    let secret = Secret::new(" sk+a/b\"c=\n");
    assert_eq!(format!("{secret:?}"), "***");
    for (text, redacted) in [
        ("the key sk+a/b\"c= is wrong", "the key *** is wrong"),
        ("/v1?key=sk%2Ba%2Fb%22c%3D&x", "/v1?key=***&x"),
        ("/v1?key=sk%2ba%2fb%22c%3d", "/v1?key=***"),
        ("{\"key\":\"sk+a/b\\\"c=\"}", "{\"key\":\"***\"}"),
        ("cut here: sk+a/b\"", "cut here: ***"),
        ("too little to tell: sk+a", "too little to tell: sk+a"),
        ("nothing", "nothing"),
        ("", ""),
    ] {
        assert_eq!(secret.redact(text), redacted, "{text}");
    }
    assert_eq!(Secret::new("").redact("nothing"), "nothing");
    assert_eq!(Secret::new("a b/c d+e").redact("?key=a+b%2Fc+d%2Be or a%20b%2fc%20d%2be"), "?key=*** or ***");
}

#[test]
fn a_key_that_its_server_cut_is_taken_out_from_8_characters_on() {
    let secret = Secret::new("sk-abcdefghijklmnop");
    for (text, redacted) in [
        ("the key sk-abcde… is wrong", "the key ***… is wrong"),
        ("the key sk-abcdefghi*******mnop is wrong", "the key **********mnop is wrong"),
        ("the key sk-abcd… is wrong", "the key sk-abcd… is wrong"),
        ("the key ...ijklmnop is wrong", "the key ...*** is wrong"),
        ("the key …hijklmnop is wrong", "the key …*** is wrong"),
        ("the key …jklmnop is wrong", "the key …jklmnop is wrong"),
        ("sk-abcdef*ijklmnop, sk-abcdefg, sk-abcdefghijklmnop", "*******, ***, ***"),
        ("words that end in ijklmnop", "words that end in ijklmnop"),
        ("sk-abcdesk-abcdefghijklmnopsk-abcde", "*********"),
    ] {
        assert_eq!(secret.redact(text), redacted, "{text}");
    }
    // The common prefix of a service's keys reveals nothing.
    let secret = Secret::new("sk-proj-0123456789abcdef");
    assert_eq!(secret.redact("a key begins with sk-proj- or so"), "a key begins with sk-proj- or so");
    assert_eq!(secret.redact("sk-proj-0… is no key"), "***… is no key");
    let secret = Secret::new("schlüssel-ключ-鍵");
    assert_eq!(secret.redact("schlüssel… und …el-ключ-鍵, nicht schlüss."), "***… und …***, nicht schlüss.");
}

#[test]
fn short_texts_and_dummy_keys_are_not_redacted() {
    let text = "the token limit of none of the models: k is not-needed, EMPTY, test, lm-studio";
    for key in [
        "",
        "k",
        "to",
        "token",
        "limit",
        "models:",
        "none",
        "None",
        "NONE",
        "ollama",
        "lm-studio",
        "LM_STUDIO",
        "EMPTY",
        "test",
        "dummy",
        "sk-no-key-required",
        "no-key-required",
        "not-needed",
        "not needed",
        "x",
        "xxxx",
        "-",
        "local-ai",
    ] {
        let secret = Secret::new(key);
        assert_eq!(secret.redact(text), text, "{key}");
        let repeated = format!("the key {key} is wrong: {key}");
        assert_eq!(secret.redact(&repeated), repeated);
    }
    assert_eq!(Secret::new("12345678").redact("1234567 12345678"), "1234567 ***");
}

#[test]
fn a_short_password_is_taken_out_where_it_stands_by_itself() {
    for (password, text, redacted) in [
        ("pass", "password, pass, bypass: pass.", "password, ***, bypass: ***."),
        ("p@ss w", "u:p@ss w u:p%40ss%20w u:p%40ss+w", "u:*** u:*** u:***"),
        ("abc", "abc", "abc"),
        ("hunter22", "hunter22hunter2 hunter22", "***hunter2 ***"),
    ] {
        assert_eq!(Secret::password(password).redact(text), redacted, "{password}");
    }
}

/// A server may fill its error with prefixes and suffixes of the key.
#[test]
fn a_text_full_of_pieces_is_redacted_in_linear_time() {
    let secret = Secret::new(&"ab".repeat(2000));
    let text = "ab".repeat(1 << 20) + "." + &"b".repeat(1 << 20);
    assert!(secret.redact(&text).len() < text.len());
}

#[test]
fn any_piece_that_looks_like_a_key_is_taken_out() {
    let secret = Secret::new("sk-proj-AbCdEfGhIjKlMnOpQrStUvWxYz0123456789");
    for piece in [
        "k-proj-AbCdEfGhIjKlMnOpQrStUvWxYz0123456789",
        "AbCdEfGh",
        "..MnOpQrStUv..",
        "sk-proj-AbCdEfGhIjKl MnOpQrStUvWxYz0123456789",
        "key ending in 'Yz0123456789'",
        "[...]WxYz0123456789",
    ] {
        let redacted = secret.redact(piece);
        assert!(
            !redacted.contains("Ef") && !redacted.contains("QrSt") && !redacted.contains("z012"),
            "{redacted}"
        );
    }
    // Words and the common prefix of a service's keys reveal nothing.
    assert_eq!(secret.redact("no sk-proj- key"), "no sk-proj- key");
    let words = Secret::new("correct-horse-battery-staple-1");
    assert_eq!(words.redact("the horse-battery is low"), "the horse-battery is low");
    assert_eq!(words.redact("a horse-battery-staple-1"), "a ***");
}
