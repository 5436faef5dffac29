//! The scripted server.

use std::io::Read;

use crate::common::{at, chunk, command, file, first_line, interrupt, pipes, run};

#[test]
fn a_mock_serves_until_an_interrupt() {
    let script = file(
        "script.jsonl",
        &format!("{{\"event\": {}}}\n{{\"done\": true}}\n{{\"end\": true}}\n", chunk("Ho")),
    );
    let mut child = command(&["mock", "--script", &script]).spawn().unwrap();
    let (_out, err) = pipes(&mut child);
    let (line, mut err) = first_line(err);
    let url = line.strip_prefix("listening on ").unwrap().trim().to_owned();
    let port = url.rsplit(':').next().unwrap();
    assert_eq!(url, format!("http://127.0.0.1:{port}"));

    let ran = run(&at(&format!("{url}/v1"), &["chat", "Hi"]));
    assert_eq!((ran.status, ran.out.as_str()), (Some(0), "Ho\n"), "{}", ran.err);
    let taken = run(&["mock", "--port", port]);
    assert_eq!((taken.status, taken.out.as_str()), (Some(1), ""));
    assert!(taken.err.contains(&format!("cannot listen on 127.0.0.1:{port}")), "{}", taken.err);

    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let mut rest = String::new();
    err.read_to_string(&mut rest).unwrap();
    assert!(rest.contains(&format!("--base-url {url}/v1")), "{rest}");
}

#[test]
fn a_mock_without_a_script_that_can_be_read_does_not_start() {
    let script = file("wrong.jsonl", "{\"done\": true}\n{\"dnoe\": true}\n");
    let ran = run(&["mock", "--script", &script]);
    assert_eq!((ran.status, ran.out.as_str()), (Some(2), ""));
    assert!(ran.err.contains("wrong.jsonl: line 2: "), "{}", ran.err);
}
