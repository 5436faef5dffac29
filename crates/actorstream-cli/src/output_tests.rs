use std::sync::{Arc, Mutex};

use actorstream::{ChatCompletion, ChatCompletionChunk, ErrorKind, RawEvent};
use serde_json::{Value, from_value, json};

use super::*;

#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Page {
    fn output(&self, form: Form, terminal: bool) -> Output {
        let style = Style { form, usage: false, command: "chat", streamed: true };
        Output::to(style, Box::new(self.clone()), terminal)
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

fn chunk(delta: Value) -> ChatCompletionChunk {
    from_value(json!({"choices": [{"index": 0, "delta": delta}]})).unwrap()
}

fn written(form: Form) -> String {
    let page = Page::default();
    let mut output = page.output(form, form != Form::Plain);
    for delta in [
        json!({"role": "assistant"}),
        json!({"reasoning_content": "Let me"}),
        json!({"reasoning_content": " see."}),
        json!({"content": "Hel"}),
        json!({"content": "lo"}),
        json!({}),
    ] {
        output.data(&chunk(delta)).unwrap();
    }
    output.end_line().unwrap();
    output.end_line().unwrap();
    page.text()
}

#[test]
fn the_forms_of_text() {
    assert_eq!(written(Form::Terminal { dim: true }), "\x1b[2mLet me\x1b[22m\x1b[2m see.\x1b[22m\n\nHello\n");
    assert_eq!(written(Form::Terminal { dim: false }), "Let me see.\n\nHello\n");
    assert_eq!(written(Form::Plain), "Hello\n");
}

/// What a terminal and a pipe get of an answer that would set a title, clear the screen and hide a word.
#[test]
fn escape_sequences_reach_a_pipe_but_no_terminal() {
    let evil = "\x1b]0;own\x07\x1b[2Jpass\rword \u{9b}31m";
    let shown = "␛]0;own␇␛[2Jpass␍word \u{fffd}31m";
    for (form, terminal, text) in [
        (Form::Terminal { dim: true }, true, format!("\x1b[2m{shown}\x1b[22m\n\n{shown}\n")),
        (Form::Terminal { dim: false }, true, format!("{shown}\n\n{shown}\n")),
        (Form::Plain, false, format!("{evil}\n")),
    ] {
        let page = Page::default();
        let mut output = page.output(form, terminal);
        output.data(&chunk(json!({"reasoning": evil}))).unwrap();
        output.data(&chunk(json!({"content": evil}))).unwrap();
        output.end_line().unwrap();
        assert_eq!(page.text(), text);
    }
    // What comes with the end alone, other choices and calls are no way around it.
    let answers = [
        Answer { text: evil.into(), calls: vec![evil.into()], ..Answer::default() },
        Answer { text: evil.into(), reasoning: evil.into(), ..Answer::default() },
    ];
    let page = Page::default();
    page.output(Form::Terminal { dim: false }, true).rest(&answers, true).unwrap();
    assert_eq!(page.text(), format!("{shown}\n{shown}\n--- choice 2 of 2 ---\n{shown}\n\n{shown}\n"));
}

#[test]
fn json_and_raw_events_are_harmless_on_a_terminal_too() {
    let mut event = RawEvent::default();
    event.payload = bytes::Bytes::from("{\"a\":\"\u{9b}2J\\u001b[2J\u{7f}\"}").into();
    event.name = Some("\u{9d}0;x\x1b".into());
    for (form, terminal) in [(Form::Json, true), (Form::Terminal { dim: false }, true)] {
        let page = Page::default();
        page.output(form, terminal).data(&event).unwrap();
        let text = page.text();
        assert!(!text.contains(|letter: char| letter.is_control() && letter != '\n'), "{text:?}");
    }
    let page = Page::default();
    page.output(Form::Json, false).data(&event).unwrap();
    assert!(page.text().contains("{\"a\":\"\u{9b}2J\\u001b[2J\u{7f}\"}"), "to the letter");
}

#[test]
fn every_choice_is_shown_and_what_came_without_deltas() {
    let completion: ChatCompletion = from_value(json!({"choices": [
        {"index": 0, "message": {"content": "Hello there"}},
        {"index": 1, "message": {"content": "Good day\n"}},
        {"index": 2, "message": {"content": null, "tool_calls": [
            {"id": "1", "function": {"name": "f", "arguments": "{}"}}]}},
    ]}))
    .unwrap();
    let answers = ChatCompletionChunk::answers(&completion);
    for deltas in [&["Hello there"] as &[&str], &["Hel", "lo"], &[]] {
        let page = Page::default();
        let mut output = page.output(Form::Plain, false);
        for delta in deltas {
            output.data(&chunk(json!({"content": delta}))).unwrap();
        }
        output.rest(&answers, true).unwrap();
        let rest = "--- choice 2 of 3 ---\nGood day\n--- choice 3 of 3 ---\nf({})\n";
        assert_eq!(page.text(), format!("Hello there\n{rest}"), "{deltas:?}");
    }
}

#[test]
fn a_last_event_that_says_something_else_is_not_added_to_what_came() {
    let page = Page::default();
    let mut output = page.output(Form::Plain, false);
    output.data(&chunk(json!({"content": "Hello"}))).unwrap();
    output.rest(&[Answer { text: "Jello".into(), ..Answer::default() }], true).unwrap();
    assert_eq!(page.text(), "Hello\n");
}

#[test]
fn the_calls_of_an_answer_that_was_cut_are_not_shown() {
    let page = Page::default();
    let mut output = page.output(Form::Plain, false);
    let calls = vec!["f({\"pa".to_owned()];
    output.rest(&[Answer { calls, ..Answer::default() }], false).unwrap();
    assert_eq!(page.text(), "");
}

#[test]
fn an_interrupt_prints_no_more_of_what_arrived() {
    let partial: ChatCompletion =
        from_value(json!({"choices": [{"index": 0, "message": {"content": "Hello"}}]})).unwrap();
    for (kind, text) in [(ErrorKind::Cancelled, ""), (ErrorKind::truncated("it was cut"), "Hello\n")] {
        let page = Page::default();
        let error = StreamError::new(kind).with_partial(Arc::new(partial.clone()));
        page.output(Form::Plain, false).error::<ChatCompletionChunk>(&error).unwrap();
        assert_eq!(page.text(), text);
    }
}

#[test]
fn a_message_of_several_lines_is_told_from_the_commands_own() {
    assert_eq!(indented("one\r\nwrote a.png, 7 bytes\nthree"), "one\n  wrote a.png, 7 bytes\n  three");
}

#[test]
fn there_is_an_end_line_whatever_became_of_what_arrived() {
    /// A response that cannot be written as JSON.
    #[derive(Debug)]
    struct Unwritable;

    impl serde::Serialize for Unwritable {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("no"))
        }
    }

    let error = StreamError::new(ErrorKind::Cancelled);
    let record = ErrorRecord::new(&error, "cancelled", Some(&Unwritable));
    assert!(line(&record).is_err());
    let page = Page::default();
    page.output(Form::Json, false).failure(&error).unwrap();
    assert!(page.text().ends_with("\"partial\":null}\n"), "{}", page.text());
}
