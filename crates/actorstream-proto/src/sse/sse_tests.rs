use super::*;

/// Returns the frames of `reads`, including an unterminated last one.
fn decode(reads: &[&[u8]]) -> Vec<(Option<String>, String)> {
    let mut decoder = SseDecoder::new(1 << 20);
    let mut frames = Vec::new();
    for read in reads {
        decoder.feed(Bytes::copy_from_slice(read));
        while let Some(frame) = decoder.next_frame().unwrap() {
            frames.push(frame);
        }
    }
    frames.extend(std::iter::from_fn(|| decoder.finish()));
    let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
    frames.iter().map(|frame| (frame.event.as_ref().map(text), text(&frame.data))).collect()
}

fn data(reads: &[&[u8]]) -> Vec<String> {
    decode(reads).into_iter().map(|(_, data)| data).collect()
}

#[test]
fn every_line_ending_gives_the_same_events() {
    let lf = "\u{feff}: hi\nevent: a\ndata: one\ndata:two\nid: 7\n\ndata\n\ndata: three\n\n";
    for ending in ["\n", "\r", "\r\n"] {
        let text = lf.replace('\n', ending);
        let whole = decode(&[text.as_bytes()]);
        assert_eq!(whole, [(Some("a".into()), "one\ntwo".into()), (None, "three".into())], "{ending:?}");
        for cut in 0..=text.len() {
            let (a, b) = text.as_bytes().split_at(cut);
            assert_eq!(decode(&[a, b]), whole, "{ending:?} cut at {cut}");
        }
        let bytes: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
        assert_eq!(decode(&bytes), whole, "{ending:?} byte by byte");
    }
}

#[test]
fn an_event_in_one_read_is_a_slice_of_it() {
    let read = Bytes::from_static(b"data: {\"a\":1}\n\ndata: {\"a\":2}\n\n");
    let range = read.as_ptr_range();
    let mut decoder = SseDecoder::new(1024);
    decoder.feed(read.clone());
    for expected in ["{\"a\":1}", "{\"a\":2}"] {
        let frame = decoder.next_frame().unwrap().unwrap();
        assert_eq!(frame.data, expected);
        assert!(range.contains(&frame.data.as_ptr()), "copied");
    }
}

#[test]
fn unterminated_last_event_is_handed_out_at_the_end() {
    assert_eq!(data(&[b"data: {\"error\":\"x\"}"]), ["{\"error\":\"x\"}"]);
    assert_eq!(data(&[b"data: a\n\ndata: b\n"]), ["a", "b"]);
    assert!(data(&[b"data: a\n\n: done\n"]).len() == 1);
}

#[test]
fn comments_unknown_fields_and_empty_events_are_nothing() {
    assert!(data(&[b": comment\n\n:\n\nfoo: bar\n\nretry: 10\n\ndata:\n\nevent: x\n\n"]).is_empty());
    assert_eq!(data(&[b"database: 1\ndata: : keepalive\n\n"]), [": keepalive"]);
    assert_eq!(data(&[b"data:no space\n\n"]), ["no space"]);
    assert_eq!(data(&[b"data:  two\n\n"]), [" two"]);
}

#[test]
fn an_event_name_does_not_leak_into_the_next_event() {
    assert_eq!(
        decode(&[b"event: error\ndata: 1\n\nevent: lost\n\ndata: 2\n\n"]),
        [(Some("error".into()), "1".into()), (None, "2".into())]
    );
}

#[test]
fn the_limit_holds_for_lines_and_for_joined_data() {
    let mut endless = SseDecoder::new(64);
    let mut fed = 0;
    let error = loop {
        endless.feed(Bytes::from_static(b"data: aaaaaaaa"));
        fed += 1;
        if let Err(error) = endless.next_frame() {
            break error;
        }
        assert!(fed < 10, "no limit");
    };
    assert_eq!(error, TooLong(64));

    let mut joined = SseDecoder::new(64);
    joined.feed(Bytes::from("data: 0123456789\n".repeat(10)));
    assert_eq!(joined.next_frame(), Err(TooLong(64)));
}

#[test]
fn a_million_comments_keep_nothing() {
    let mut decoder = SseDecoder::new(64);
    for _ in 0..1_000_000 {
        decoder.feed(Bytes::from_static(b": ping\n\n"));
        assert_eq!(decoder.next_frame(), Ok(None));
    }
    assert_eq!(decoder.partial.capacity(), 0);
}

#[test]
fn sniffing() {
    for events in [
        "data: x",
        ":",
        ": hi",
        "\n\ndata:",
        "\u{feff}data: 1",
        "event: x",
        "id:1",
        "retry: 1",
        "data\n",
        "error: {",
        "x: 1\ndata: {}",
        "meta:\r\nx-id: 7\r\n\r\n: hi",
    ] {
        assert_eq!(sniff(events.as_bytes()), Sniff::Events, "{events:?}");
    }
    for other in
        ["{\"a\"", "<html>", "Internal Server Error", "[1]", "ok\n", "Error: the model is gone\nat line 7"]
    {
        assert_eq!(sniff(other.as_bytes()), Sniff::Other, "{other:?}");
    }
    for more in [&b""[..], b"\xef", b"\xef\xbb\xbf", b"d", b"dat", b"data", b"\r\n", b"retr", b"database: x"]
    {
        assert_eq!(sniff(more), Sniff::More, "{more:?}");
    }
}

#[test]
fn data_lines_that_are_json_each_are_events_each() {
    let data = |body: &[u8]| data(&[body]);
    assert_eq!(
        data(b"data: {\"a\":1}\ndata: {\"b\":2}\ndata: [DONE]\n\n"),
        ["{\"a\":1}", "{\"b\":2}", "[DONE]"]
    );
    assert_eq!(data(b"data:{}\r\ndata:{}\r\n\r\n"), ["{}", "{}"]);
    assert_eq!(data(b"data: [{\"error\":1}]\ndata: {\"b\":2}\n\n"), ["[{\"error\":1}]", "{\"b\":2}"]);
    // Lines that are valid JSON only together stay together.
    assert_eq!(data(b"data: [\ndata: {},\ndata: {}]\n\n"), ["[\n{},\n{}]"]);
    assert_eq!(data(b"data: [1]\ndata: [2]\n\n"), ["[1]\n[2]"], "text");
    assert_eq!(data(b"data: {\ndata: \"a\":[\ndata: {},\ndata: {}]}\n\n"), ["{\n\"a\":[\n{},\n{}]}"]);
    assert_eq!(data(b"data: 1\ndata: {}\n\n"), ["1\n{}"]);
    assert_eq!(
        decode(&[b"event: x\ndata: {}\ndata: {}\n\n"]),
        [(Some("x".into()), "{}".into()), (Some("x".into()), "{}".into())]
    );
}

#[test]
fn errors_outside_of_the_data_are_error_events() {
    let error = |data: &str| vec![(Some("error".into()), data.into())];
    assert_eq!(decode(&[b"error: {\"code\":400}\n\n"]), error("{\"code\":400}"));
    assert_eq!(decode(&[b"error:out of memory\r\n\r\n"]), error("out of memory"));
    assert_eq!(decode(&[b"event: error\ndata:\n\n"]), error(""));
    assert_eq!(decode(&[b"event: error\n\n"]), error(""));
    assert_eq!(decode(&[b"{\"error\":\"m\"}\n\n"]), error("{\"error\":\"m\"}\n"));
    assert_eq!(decode(&[b"{\n \"error\": {\n \"message\": \"m\"\n}\n}\n\n"]).len(), 1);
    for none in ["error: null\n\n", "error:\n\n", "{\"ok\":true}\n\n", "event: errors\n\n", "{not json\n\n"] {
        assert_eq!(decode(&[none.as_bytes()]), [], "{none:?}");
    }
    let both = decode(&[b"data: {\"a\":1}\n{\"error\":\"m\"}\n\n"]);
    assert_eq!((both[0].1.as_str(), both[1].0.as_deref()), ("{\"a\":1}", Some("error")));
    let mixed = decode(&[b"data: {\"a\":1}\n\n{\"error\":\"m\"}\ndata: [DONE]\n\n"]);
    assert_eq!(
        mixed.iter().map(|(_, data)| data.trim_end()).collect::<Vec<_>>(),
        ["{\"a\":1}", "{\"error\":\"m\"}", "[DONE]"]
    );
}
