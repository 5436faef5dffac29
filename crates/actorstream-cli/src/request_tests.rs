use clap::Parser;

use super::*;
use crate::arguments::{Arguments, Command};

fn body(line: &[&str]) -> String {
    let arguments = Arguments::try_parse_from([&["actorstream"], line].concat());
    let body = match arguments.ok().unwrap().command {
        Command::Chat(arguments) => chat(&arguments),
        Command::Complete(arguments) => completion(&arguments),
        Command::Respond(arguments) => response(&arguments),
        Command::Stream(arguments) => other(&arguments),
        Command::Image(arguments) => return written(image(&arguments)),
        Command::Speak(arguments) => return written(speech(&arguments)),
        Command::Transcribe(arguments) => {
            return written(transcription(&arguments).to_request_body().map_err(Failure::from));
        }
        _ => panic!("no request"),
    };
    written(body.map(RequestBody::from))
}

fn written(body: Result<RequestBody, Failure>) -> String {
    match body {
        Ok(RequestBody::Json(body)) => String::from_utf8(body.to_bytes().to_vec()).unwrap(),
        Ok(RequestBody::Multipart(form)) => format!("{:?}", form.entries()),
        Err(Failure::Config(error)) => error.to_string(),
        Err(failure) => panic!("{failure:?}"),
    }
}

#[test]
fn a_prompt_alone() {
    assert_eq!(
        body(&["chat", "Hi"]),
        r#"{"model":"gpt-6-luna","messages":[{"role":"user","content":"Hi"}]}"#
    );
    assert_eq!(body(&["complete", "Hi"]), r#"{"model":"gpt-3.5-turbo-instruct","prompt":"Hi"}"#);
}

#[test]
fn all_options() {
    assert_eq!(
        body(&["chat", "Hi", "--system", "Be brief", "--model", "m", "--usage"]),
        concat!(
            r#"{"model":"m","stream_options":{"include_usage":true},"messages":["#,
            r#"{"role":"system","content":"Be brief"},{"role":"user","content":"Hi"}]}"#
        )
    );
    assert_eq!(
        body(&["complete", "Hi", "--model", "m", "--usage"]),
        r#"{"model":"m","stream_options":{"include_usage":true},"prompt":"Hi"}"#
    );
}

#[test]
fn options_are_merged_over_the_body() {
    let given = r#"{"temperature":0.70,"model":"a","stream_options":{"include_obfuscation":false},
        "messages":[{"role":"developer","content":"Old"},{"role":"user","content":"One","x":1e2}]}"#;
    assert_eq!(
        body(&["chat", "Two", "--system", "New", "--usage", "--body", given]),
        concat!(
            r#"{"temperature":0.70,"model":"a","#,
            r#""stream_options":{"include_obfuscation":false,"include_usage":true},"#,
            r#""messages":[{"role":"system","content":"New"},{"role":"user","content":"One","x":1e2},"#,
            r#"{"role":"user","content":"Two"}]}"#
        )
    );
    assert_eq!(
        body(&["complete", "New", "--model", "b", "--body", r#"{"prompt":["Old"],"model":"a"}"#]),
        r#"{"prompt":"New","model":"b"}"#
    );
}

#[test]
fn a_body_needs_no_prompt() {
    assert_eq!(body(&["chat", "--body", r#"{"n":2}"#]), r#"{"n":2,"model":"gpt-6-luna"}"#);
    assert_eq!(
        body(&["chat", "Hi", "--body", r#"{"messages":"x"}"#]),
        "the `messages` of the body are not a list"
    );
}

#[test]
fn a_response() {
    assert_eq!(body(&["respond", "Hi"]), r#"{"model":"gpt-6-luna","input":"Hi"}"#);
    assert_eq!(
        body(&["respond", "Hi", "--system", "Be brief", "--model", "m", "--background"]),
        r#"{"model":"m","instructions":"Be brief","input":"Hi","background":true}"#
    );
    assert_eq!(body(&["respond", "--body", r#"{"input":1.0}"#]), r#"{"input":1.0,"model":"gpt-6-luna"}"#);
}

#[test]
fn a_prompt_comes_behind_all_input() {
    let two = r#"{"role":"user","content":"Two"}"#;
    for (input, before) in [
        (r#""One""#, r#"{"role":"user","content":"One"},"#),
        (r#"[{"type":"x","n":1e2}]"#, r#"{"type":"x","n":1e2},"#),
        ("[]", ""),
    ] {
        assert_eq!(
            body(&["respond", "Two", "--body", &format!(r#"{{"model":"a","input":{input}}}"#)]),
            format!(r#"{{"model":"a","input":[{before}{two}]}}"#)
        );
    }
    assert_eq!(
        body(&["respond", "Hi", "--body", r#"{"input":7}"#]),
        "the `input` of the body is neither text nor a list"
    );
}

#[test]
fn images_and_speech() {
    assert_eq!(
        body(&["image", "An otter", "--out", "a.png"]),
        r#"{"model":"gpt-image-2.6-flare","prompt":"An otter"}"#
    );
    let all = "--out a.JPG --model m --size 1x1 --quality low --partial 2";
    let all: Vec<&str> = ["image", "An otter"].into_iter().chain(all.split(' ')).collect();
    assert_eq!(
        body(&all),
        concat!(
            r#"{"model":"m","prompt":"An otter","size":"1x1","quality":"low","output_format":"jpeg","#,
            r#""partial_images":2}"#
        )
    );
    let given = r#"{"prompt":"p","n":2}"#;
    assert!(body(&["image", "--out", "a.png", "--body", given]).contains("asks for several images"));
    let edit = body(&["image", "A hat", "--out", "a.webp", "--edit", "1.png", "--edit", "2.png"]);
    for part in ["\"prompt\", value: Text(\"A hat\")", "image[]", "1.png", "2.png", "Text(\"webp\")"] {
        assert!(edit.contains(part), "{part}: {edit}");
    }
    assert_eq!(
        body(&["speak", "Hi", "--out", "a.wav", "--instructions", "Whisper"]),
        concat!(
            r#"{"model":"gpt-4o-mini-tts","input":"Hi","voice":"alloy","instructions":"Whisper","#,
            r#""response_format":"wav"}"#
        )
    );
    assert_eq!(
        body(&[
            "speak",
            "Hi",
            "--out",
            "a.wav",
            "--format",
            "flac",
            "--body",
            r#"{"model":"m","voice":"v"}"#
        ]),
        r#"{"model":"m","voice":"v","input":"Hi","response_format":"flac"}"#
    );
    let heard = body(&["transcribe", "talk.mp3", "--language", "en", "--prompt", "Sea"]);
    for part in ["gpt-transcribe", "talk.mp3", "Text(\"en\")", "Text(\"Sea\")"] {
        assert!(heard.contains(part), "{part}: {heard}");
    }
}

#[test]
fn any_other_body_goes_out_as_given() {
    assert_eq!(body(&["stream", "/x", "--body", r#"{"input":1.0}"#]), r#"{"input":1.0,"stream":true}"#);
    let own = r#"{"stream":"yes"}"#;
    assert_eq!(body(&["stream", "/x", "--body", own]), own);
}
