use super::*;
use crate::api::chat::ChatCompletionChunk;
use crate::api::completions::CompletionChunk;
use crate::api::responses::ResponseEvent;
use crate::endpoint::event::{DecodeError, Decoded, Event, Verdict};
use crate::sse::Frame;

/// A generator of numbers, so that the core needs no dependency for its tests.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}

fn frame(payload: &[u8]) -> Frame {
    Frame { event: None, data: Bytes::copy_from_slice(payload) }
}

/// Reads payloads in one stream, with a template, and each on its own, without; both must be the same, down to halves of
/// surrogate pairs. Returns how many the template read.
fn compare<E>(payloads: &[Vec<u8>]) -> usize
where
    E: Event<Memory = Template<E>> + Patterned + PartialEq + serde::Serialize,
{
    let mut template = Template::<E> { begun: true, ..Template::default() };
    let mut read = 0;
    for payload in payloads {
        let frame = frame(payload);
        let mut out = Vec::new();
        let with: Result<Decoded<E>, DecodeError> = match template.recall(frame.clone(), &mut out) {
            Ok(()) => {
                read += 1;
                Ok(Decoded { event: out.pop().unwrap(), verdict: Verdict::Data })
            }
            Err(frame) => E::decode(frame, &mut template),
        };
        assert!(out.is_empty());
        let without = E::decode(frame, &mut Template::default());
        let text = String::from_utf8_lossy(payload);
        match (with, without) {
            (Ok(with), Ok(without)) => {
                assert_eq!(with.event, without.event, "{text}");
                assert_eq!(with.verdict, without.verdict, "{text}");
                assert_eq!(format!("{:?}", with.event), format!("{:?}", without.event), "{text}");
                let json = |event: &E| serde_json::to_string(event).unwrap();
                assert_eq!(json(&with.event), json(&without.event), "{text}");
                assert_eq!(halves(with.event), halves(without.event), "{text}");
            }
            (Err(with), Err(without)) => assert_eq!(with, without, "{text}"),
            (with, without) => panic!("{text}: {with:?} but {without:?}"),
        }
    }
    for (lead, blank) in [("data: ", "\n\n"), ("data:", "\r\n\r\n"), (": c\nevent: e\nid: 1\ndata: ", "\n\n")]
    {
        compare_wire::<E>(payloads, lead, blank);
    }
    read
}

/// Reads payloads as they stand in one read, with a template that finds where they end, and without.
fn compare_wire<E>(payloads: &[Vec<u8>], lead: &str, blank: &str)
where
    E: Event<Memory = Template<E>> + Patterned + PartialEq,
{
    let wire: Vec<u8> =
        payloads.iter().flat_map(|payload| [lead.as_bytes(), payload, blank.as_bytes()].concat()).collect();
    let wire = Bytes::from(wire);
    let (mut with, mut without) = (SseDecoder::new(1 << 20), SseDecoder::new(1 << 20));
    with.feed(wire.clone());
    without.feed(wire);
    let mut template = Template::<E>::default();
    while let Some(expected) = without.next_frame().unwrap() {
        let mut out = Vec::new();
        let got = if template.recall_next(&mut with, &mut out) {
            Ok(Decoded { event: out.pop().unwrap(), verdict: Verdict::Data })
        } else {
            let frame = with.next_frame().unwrap().unwrap();
            assert_eq!(frame, expected);
            E::decode(frame, &mut template)
        };
        assert!(out.is_empty());
        assert_eq!(
            format!("{got:?}"),
            format!("{:?}", E::decode(expected.clone(), &mut Template::default())),
            "{expected:?}"
        );
    }
    assert_eq!(with.next_frame(), Ok(None));
}

/// How each changing text joins with halves before and behind it.
fn halves<E: Patterned>(mut event: E) -> Vec<(String, u16)> {
    let mut joined = Vec::new();
    event.changing(|text, _| {
        let mut carry = 0xD83D;
        text.join(&mut carry);
        joined.push((text.to_string(), carry));
    });
    joined
}

fn chat(content: &str, rest: &str) -> Vec<u8> {
    format!(
        r#"{{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{{"index":0,"delta":{{"content":"{content}"}},"logprobs":null,"finish_reason":null}}]{rest}}}"#
    )
    .into_bytes()
}

#[test]
fn texts_of_every_kind_read_as_they_parse() {
    let texts = [
        "Hello",
        " world",
        "",
        "é你😀",
        r"\n",
        r#"\"quoted\""#,
        r"\\",
        r"\u00e9",
        r"\ud83d",
        r"\ude00 x",
        r"\ud83d\ude00",
        r"\/",
        "a b c",
        r"tab\t",
        r#"\b\f\n\r\t\/\\\" all"#,
        "é\\n",
        "\u{7f}",
        "]}]}",
        r#"{\"a\":1}"#,
        "x",
    ];
    let payloads: Vec<Vec<u8>> = texts
        .iter()
        .map(|text| chat(text, r#","obfuscation":"abc""#))
        .chain(texts.iter().map(|text| chat(text, "")))
        .collect();
    assert!(compare::<ChatCompletionChunk>(&payloads) > 25);
}

#[test]
fn an_event_that_differs_from_the_template_is_parsed() {
    let base = chat("a", "");
    let mut payloads = vec![base.clone(), base.clone()];
    let text = String::from_utf8(base).unwrap();
    for (from, to) in [
        ("\"index\":0", "\"index\":1"),
        ("\"created\":1", "\"created\":2"),
        ("\"finish_reason\":null", "\"finish_reason\":\"stop\""),
        ("\"a\"", "7"),
        ("\"a\"", "null"),
        ("\"a\"", "\"a"),
        ("\"a\"", "\"a\\\""),
        ("\"a\"", "\"a\\"),
        ("\"a\"", "\"a\\q\""),
        ("\"a\"", "\"a\u{1}\""),
        ("\"a\"", "\"a\nb\""),
        ("\"a\"", "\"a\",\"content\":\"b\""),
        ("\"a\"", "\"a\",\"tool_calls\":[]"),
        ("}]", "}],\"error\":{\"message\":\"m\"}"),
        ("}]", "}],\"usage\":{\"total_tokens\":1}"),
        ("}]}", "}]} "),
        ("}]}", "}]"),
        ("}]}", "}]}x"),
    ] {
        payloads.push(text.replacen(from, to, 1).into_bytes());
        payloads.push(text.clone().into_bytes());
    }
    for bad in [&b"\xff"[..], b"\xed\xa0\xbd", b"\xc3"] {
        let mut payload = text.clone().into_bytes();
        let at = text.find("\"a\"").unwrap() + 1;
        payload.splice(at..=at, bad.iter().copied());
        payloads.push(payload);
        payloads.push(text.clone().into_bytes());
    }
    compare::<ChatCompletionChunk>(&payloads);
}

#[test]
fn tool_calls_reasoning_and_several_choices() {
    let call = |arguments: &str| {
        format!(r#"{{"id":"c","choices":[{{"index":0,"delta":{{"tool_calls":[{{"index":0,"function":{{"arguments":"{arguments}"}}}}]}}}}]}}"#)
            .into_bytes()
    };
    let payloads: Vec<_> = [r#"{\"ci"#, r#"ty\":"#, "1", "}", "x"].map(call).into();
    assert_eq!(compare::<ChatCompletionChunk>(&payloads), 2, "an escape is no hole to learn from");
    let two = |a: &str, b: &str| {
        format!(r#"{{"choices":[{{"index":0,"delta":{{"reasoning_content":"{a}"}}}},{{"index":1,"delta":{{"content":"{b}"}}}}]}}"#)
            .into_bytes()
    };
    assert_eq!(
        compare::<ChatCompletionChunk>(&[two("a", "b"), two("c", ""), two(r"\n", "d"), two("", "")]),
        3
    );
    // Fields in an order that is not that of the struct.
    let swapped = |a: &str, b: &str| {
        format!(
            r#"{{"obfuscation":"{b}","choices":[{{"delta":{{"refusal":"x","content":"{a}"}},"index":0}}]}}"#
        )
        .into_bytes()
    };
    compare::<ChatCompletionChunk>(&[swapped("a", "b"), swapped("b", "a"), swapped("c", "d")]);
}

/// A delta of a response, with its fields in the order in which OpenAI sends them.
fn delta(kind: &str, number: &str, delta: &str, rest: &str) -> Vec<u8> {
    format!(
        r#"{{"type":"response.{kind}.delta","content_index":0,"delta":"{delta}","item_id":"msg_1","obfuscation":"x{delta}","output_index":0,"sequence_number":{number}{rest}}}"#
    )
    .into_bytes()
}

#[test]
fn deltas_of_a_response_of_every_type() {
    for kind in [
        "output_text",
        "reasoning_text",
        "reasoning_summary_text",
        "refusal",
        "function_call_arguments",
        "mcp_call_arguments",
        "custom_tool_call_input",
        "code_interpreter_call_code",
    ] {
        let payloads: Vec<_> = (8..12).map(|number| delta(kind, &number.to_string(), "a", "")).collect();
        assert_eq!(compare::<ResponseEvent>(&payloads), 3, "{kind}");
    }
    // Another order, and spaces.
    let spaced = |number: u64, text: &str| {
        format!(r#"{{"type": "response.refusal.delta", "sequence_number": {number}, "obfuscation": "x", "item_id": "", "delta": "{text}"}}"#)
            .into_bytes()
    };
    assert_eq!(compare::<ResponseEvent>(&[spaced(1, "a"), spaced(20, "\\n"), spaced(300, "é")]), 2);
}

#[test]
fn numbers_read_as_they_parse() {
    let numbers = [
        "0",
        "7",
        "10",
        "07",
        "00",
        "-1",
        "1.0",
        "1e2",
        "",
        "null",
        "18446744073709551615",
        "18446744073709551616",
        "99999999999999999999999",
        "1 ",
        " 1",
        "1x",
        "\"1\"",
        "[1]",
        "{}",
        "true",
    ];
    for rest in ["", ",\"x\":1", " "] {
        let mut payloads = Vec::new();
        for number in numbers {
            payloads.push(delta("output_text", "5", "a", rest));
            payloads.push(delta("output_text", number, "b", rest));
            payloads.push(delta("output_text", number, "c", rest));
        }
        compare::<ResponseEvent>(&payloads);
    }
    // A number that is not the event's, and one that is told twice.
    for rest in [
        ",\"x\":{\"sequence_number\":5}",
        ",\"sequence_number\":6",
        ",\"sequence\\u005fnumber\":6",
        ",\"x\":\"\\\"sequence_number\\\":5\"",
    ] {
        let payloads: Vec<_> =
            (5..9).map(|number| delta("output_text", &number.to_string(), "a", rest)).collect();
        compare::<ResponseEvent>(&payloads);
        let changed: Vec<_> = (5..9)
            .map(|number| delta("output_text", "5", "a", &rest.replace('6', &number.to_string())))
            .collect();
        compare::<ResponseEvent>(&changed);
    }
}

#[test]
fn long_texts_and_what_they_may_not_hold() {
    let mut payloads = vec![chat("a", "")];
    for len in (0..20).chain(50..80).chain([1000]) {
        for special in
            ["", "\u{1}", "\n", "\u{1f}", " ", "\u{7f}", "\\n", "\\\"", "\"", "\\", "é", "\u{80}", "!", "]"]
        {
            for behind in [0, 1, 7, 8, 30] {
                payloads.push(chat(&format!("{}{special}{}", "x".repeat(len), "y".repeat(behind)), ""));
            }
        }
    }
    let read = compare::<ChatCompletionChunk>(&payloads);
    assert!(read > payloads.len() / 2, "{read}");
}

#[test]
fn text_completions() {
    let payload = |text: &str| {
        format!(r#"{{"id":"c","object":"text_completion","choices":[{{"text":"{text}","index":0,"logprobs":null,"finish_reason":null}}]}}"#)
            .into_bytes()
    };
    let payloads: Vec<_> = ["a", "b", r"\u0041", "", "é"].map(payload).into();
    assert_eq!(compare::<CompletionChunk>(&payloads), 4);
}

#[test]
fn payloads_that_were_damaged_at_random_read_as_they_parse() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| {
        u64::from(std::process::id()) << 32
            | std::time::UNIX_EPOCH.elapsed().map_or(1, |now| u64::from(now.subsec_nanos()))
    });
    println!("SEED={seed}");
    let mut random = Random(seed | 1);
    const PIECES: [&str; 16] = [
        "\"",
        "\\",
        "\\u",
        "\\ud83d",
        "\\ude00",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "null",
        "\u{1}",
        "é",
        "\"content\":\"x\"",
        " ",
    ];
    for _ in 0..300 {
        let mut payloads = vec![chat("a", r#","obfuscation":"zz""#)];
        for _ in 0..30 {
            let mut payload = chat(["b", "cc", "", "d d"][random.below(4)], r#","obfuscation":"yyy""#);
            for _ in 0..random.below(3) {
                let at = random.below(payload.len());
                match random.below(3) {
                    0 => drop(payload.remove(at)),
                    1 => drop(payload.splice(at..at, PIECES[random.below(16)].bytes())),
                    _ => payload[at] = u8::try_from(random.below(256)).unwrap(),
                }
            }
            payloads.push(payload);
        }
        compare::<ChatCompletionChunk>(&payloads);
    }
    for _ in 0..300 {
        let mut payloads = vec![delta("output_text", "4", "a", "")];
        for number in 0..30 {
            let text = ["b", "cc", "", "d d"][random.below(4)];
            let mut payload = delta("output_text", &number.to_string(), text, "");
            for _ in 0..random.below(3) {
                let at = random.below(payload.len());
                match random.below(3) {
                    0 => drop(payload.remove(at)),
                    1 => drop(payload.splice(at..at, PIECES[random.below(16)].bytes())),
                    _ => payload[at] = b' ' + u8::try_from(random.below(90)).unwrap(),
                }
            }
            payloads.push(payload);
        }
        compare::<ResponseEvent>(&payloads);
    }
}

#[test]
fn a_remembered_event_keeps_no_read_alive() {
    let read = Bytes::from(chat("a", ""));
    let mut template = Template::<ChatCompletionChunk> { begun: true, ..Template::default() };
    let decoded =
        ChatCompletionChunk::decode(Frame { event: None, data: read.clone() }, &mut template).unwrap();
    assert_eq!(decoded.verdict, Verdict::Data);
    assert_eq!(template.forms.len(), 1);
    drop(decoded);
    assert!(read.is_unique(), "the template holds a slice of the read");
}

#[test]
fn events_that_never_repeat_are_rarely_remembered() {
    let mut template = Template::<ChatCompletionChunk>::default();
    let mut learned = 0;
    let last = |template: &Template<ChatCompletionChunk>| {
        template.forms.get(template.last).map(|known| known.form.sample.clone())
    };
    for number in 0..1000 {
        let payload = chat("a", &format!(",\"n{number}\":0"));
        let before = last(&template);
        let mut out = Vec::new();
        let frame = template.recall(frame(&payload), &mut out).unwrap_err();
        ChatCompletionChunk::decode(frame, &mut template).unwrap();
        learned += usize::from(before != last(&template));
    }
    assert!(learned <= 16, "{learned}");
    assert_eq!(template.forms.len(), MOST_FORMS);
}

#[test]
fn the_end_of_an_event_is_found_by_what_is_remembered() {
    let events = |count: usize| -> String {
        (0..count).map(|_| format!("data: {}\n\n", String::from_utf8(chat("Hello", "")).unwrap())).collect()
    };
    let read = |wire: String, max: usize| {
        let mut sse = SseDecoder::new(max);
        let mut template = Template::<ChatCompletionChunk>::default();
        let mut out = Vec::new();
        let mut found = 0;
        sse.feed(Bytes::from(wire));
        loop {
            if template.recall_next(&mut sse, &mut out) {
                found += 1;
                continue;
            }
            match sse.next_frame() {
                Ok(Some(frame)) => drop(ChatCompletionChunk::decode(frame, &mut template).unwrap()),
                Ok(None) => return (found, false),
                Err(_) => return (found, true),
            }
        }
    };
    // The first is like no other, and the second is remembered.
    assert_eq!(read(events(10), 1 << 20), (8, false));
    // Another field before the data, or another event in between: that one is searched for its end, and the next is not
    // where its start has changed for good.
    assert_eq!(read(events(3) + ": ping\n\n" + &events(3), 1 << 20), (3, false));
    assert_eq!(read(events(3) + "id: 1\n" + &events(3), 1 << 20), (2, false));
    // One that goes on behind its data is not whole.
    let more = events(4).strip_suffix("\n").unwrap().to_owned() + "data: x\n\n";
    assert_eq!(read(more.replace("data: x\n", "id: x\n"), 1 << 20), (1, false));
    // The limit holds for it, too.
    let len = chat("Hello", "").len();
    assert_eq!(read(events(2), len + 5), (0, true));
    assert_eq!(read(events(4), len + 6), (2, false));
}

/// A chunk as vLLM and llama.cpp send it, with an id of its own, a running usage, and unknown fields that change.
fn running(number: usize, content: &str) -> Vec<u8> {
    format!(
        r#"{{"id":"chatcmpl-{number:x}","object":"chat.completion.chunk","created":{},"model":"m","choices":[{{"index":{},"delta":{{"content":"{content}"}}}}],"usage":{{"prompt_tokens":7,"completion_tokens":{number},"total_tokens":{}}},"timings":{{"ms":{number}.25,"queue":"{}"}}}}"#,
        1_700_000_000 + number,
        number % 2,
        number + 7,
        "q".repeat(1 + number % 5),
    )
    .into_bytes()
}

#[test]
fn strings_and_numbers_elsewhere_may_change() {
    let payloads: Vec<_> = (1..40).map(|number| running(number, "a")).collect();
    let of_one_choice: Vec<_> = payloads.iter().step_by(2).cloned().collect();
    assert_eq!(compare::<ChatCompletionChunk>(&of_one_choice), of_one_choice.len() - 2);
    assert_eq!(compare::<ChatCompletionChunk>(&payloads), payloads.len() - 4, "two forms in turn");
}

#[test]
fn a_count_of_zero_is_no_other_number() {
    let payload = |count: &str| {
        let text = String::from_utf8(running(8, "a")).unwrap();
        text.replace("\"completion_tokens\":8", &format!("\"completion_tokens\":{count}")).into_bytes()
    };
    for (count, recalled) in [("4", 1), ("40", 1), ("0", 0), ("4.5", 0), ("-4", 0), ("\"4\"", 0), ("1e3", 0)]
    {
        let payloads = ["2", "3", count].map(payload);
        assert_eq!(compare::<ChatCompletionChunk>(&payloads), recalled, "{count}");
    }
}

#[test]
fn what_says_what_an_event_means_does_not_change() {
    let chunk = |object: &str, rest: &str| {
        format!(r#"{{"object":"{object}","choices":[{{"index":0,"delta":{{"content":"a"}}}}]{rest}}}"#)
            .into_bytes()
    };
    for name in ["type", "error_message", "finish_reason", "done_reason"] {
        let payloads = ["a", "b", "c", "ping"].map(|value| chunk("o", &format!(",\"{name}\":\"{value}\"")));
        assert_eq!(compare::<ChatCompletionChunk>(&payloads), 0, "{name}");
    }
    assert_eq!(compare::<ChatCompletionChunk>(&["o", "p", "q", "error"].map(|object| chunk(object, ""))), 0);
    // What is escaped may be any of these names.
    let payloads = ["a", "b", "c", "d"].map(|value| chunk("o", &format!(",\"n\\u0061me\":\"{value}\"")));
    assert_eq!(compare::<ChatCompletionChunk>(&payloads), 0);
}

#[test]
fn a_text_that_another_field_may_hold_is_parsed() {
    let chunk = |content: &str, rest: &str| {
        format!(r#"{{"choices":[{{"index":0,"delta":{{"content":"{content}"}}{rest}}}]}}"#).into_bytes()
    };
    let payloads = ["a", "b", ""].map(|content| chunk(content, ",\"text\":\"beside\""));
    assert_eq!(compare::<ChatCompletionChunk>(&payloads), 0);
    let delta = |text: &str| {
        format!(r#"{{"type":"response.output_text.delta","item_id":"i","output_index":0,"content_index":0,"delta":"{text}","text":"beside"}}"#)
            .into_bytes()
    };
    assert_eq!(compare::<ResponseEvent>(&["a", "b", ""].map(delta)), 0);
    let completion = |text: &str| {
        format!(r#"{{"choices":[{{"index":0,"text":"{text}","content":"beside"}}]}}"#).into_bytes()
    };
    assert_eq!(compare::<CompletionChunk>(&["a", "b", ""].map(completion)), 0);
}

#[test]
fn what_is_read_late_belongs_to_its_event() {
    let mut template = Template::<ChatCompletionChunk> { begun: true, ..Template::default() };
    let mut events = Vec::new();
    for number in (1..20).step_by(2) {
        let frame = frame(&running(number, "a"));
        if let Err(frame) = template.recall(frame, &mut events) {
            events.push(ChatCompletionChunk::decode(frame, &mut template).unwrap().event);
        }
    }
    for (event, number) in events.iter().zip((1..20_u64).step_by(2)) {
        let copy = event.clone();
        assert_eq!(copy.id.as_deref(), Some(format!("chatcmpl-{number:x}").as_str()));
        assert_eq!(copy.usage.as_ref().unwrap().completion_tokens, number);
        assert_eq!(event.extra.get("timings").unwrap()["ms"], number as f64 + 0.25);
    }
    // What is changed stays changed, and changes no other event.
    let (first, rest) = events.split_at_mut(5);
    first[4].model = Some("other".into());
    assert_eq!((first[4].model.as_deref(), rest[0].model.as_deref()), (Some("other"), Some("m")));
    assert_eq!(first[4].usage.as_ref().unwrap().completion_tokens, 9);
}
