//! What the command line says, and what cannot be done as it says.

use crate::common::run;

#[test]
fn a_wrong_configuration_exits_with_status_2() {
    for wrong in [
        &["--base-url", "ftp://host"] as &[_],
        &["--base-url", "http://host", "--header", "a b: secret"],
        &["--base-url", "http://host", "--api-key", "secret\n1"],
        &["--base-url", "http://host", "--ca-certificate", "/nowhere/at all"],
        &["--body", "not JSON"],
        &["--body", "@/nowhere/at all"],
        &["--body", "[]"],
    ] {
        let ran = run(&[&["chat", "Hi", "--jsonl"], wrong].concat());
        assert_eq!(ran.status, Some(2), "{wrong:?}");
        assert_eq!(ran.end()["error"]["kind"], "config", "{wrong:?}");
        let ran = run(&[&["chat", "Hi"], wrong].concat());
        assert_eq!((ran.status, ran.out.as_str()), (Some(2), ""), "{wrong:?}");
        assert!(ran.err.starts_with("error: "), "{}", ran.err);
    }
}

#[test]
fn wrong_usage_ends_with_status_2() {
    for (wrong, why) in [
        (&[] as &[_], "Usage: actorstream"),
        (&["talk"], "unrecognized subcommand"),
        (&["chat"], "no PROMPT is given and stdin is empty"),
        (&["chat", "Hi", "--loudly"], "--loudly"),
        (&["chat", "Hi", "--header", "Authorization Bearer secret"], "no colon"),
        (&["chat", "Hi", "--idle-timeout", "soon"], "a number of seconds"),
        (&["stream", "/responses"], "--body"),
    ] {
        let ran = run(wrong);
        assert_eq!((ran.status, ran.out.as_str()), (Some(2), ""), "{wrong:?}");
        assert!(ran.err.contains(why), "{}", ran.err);
    }
    let help = run(&["chat", "--help"]);
    assert_eq!((help.status, help.err.as_str()), (Some(0), ""));
}

#[test]
fn without_a_server_the_scripted_one_answers() {
    let ran = run(&["stream", "/nothing", "--body", "{}", "--jsonl"]);
    assert_eq!((ran.status, ran.err.lines().count()), (Some(1), 1), "{}", ran.err);
    assert!(ran.err.starts_with("no OPENAI_API_KEY and no OPENAI_BASE_URL: "), "{}", ran.err);
    assert_eq!(ran.end()["error"]["status"], 404);
}
