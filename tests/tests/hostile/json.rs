//! JSON that is deep, huge, duplicated, or meaningless.

use actorstream_test::Reply;

use crate::common::{chunk, stop};
use crate::play::{MIB, play, turn};

#[test]
fn deep_json_overflows_no_stack() {
    let _turn = turn();
    for (open, close) in [("[", "]"), ("{\"choices\":", "}"), ("{\"error\":[", "]}"), ("{\"x\":[", "]}")] {
        for depth in [100, 128, 100_000] {
            let deep = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            let inside = format!(r#"{{"choices":[{{"index":0,"delta":{{"content":"a","x":{deep}}}}}]}}"#);
            for event in [&deep, &inside] {
                let played = play(Reply::sse().event(event).event(chunk("Hello")).event(stop()).done().end());
                match &played.end {
                    Ok(finish) => assert!(finish.response.content().unwrap().ends_with("Hello")),
                    Err(error) => {
                        assert!(["malformed", "provider"].contains(&error.kind.name()), "{error}");
                        // The error contains only the start of it.
                        assert!(error.to_string().len() < 1000);
                    }
                }
            }
        }
    }
}

#[test]
fn a_huge_index_makes_no_huge_list() {
    let _turn = turn();
    for index in ["2147483648", "4000000000", "4294967295", "4294967296", "-1"] {
        let choice = format!(r#"{{"choices":[{{"index":{index},"delta":{{"content":"far"}}}}]}}"#);
        let call = format!(
            r#"{{"choices":[{{"index":0,"delta":{{"content":"near","tool_calls":[{{"index":{index},"id":"c","function":{{"name":"f","arguments":"{{}}"}}}}]}}}}]}}"#
        );
        let played = play(Reply::sse().event(call).event(choice).event(stop()).done().end());
        let response = played.finished();
        assert_eq!((response.choices.len(), response.tool_calls().len()), (2, 1), "{index}");
        assert_eq!(response.content(), Some("near"));
        played.holds_at_most(4 * MIB);
    }
}

#[test]
fn numbers_that_fit_nowhere_end_no_stream() {
    let _turn = turn();
    for number in ["18446744073709551616", "-1", "1.5", "1e300", "\"7\"", "-9223372036854775809", "null"] {
        let event = format!(
            r#"{{"id":"c","created":{number},"choices":[{{"index":0,"delta":{{"content":"a"}}}}],"usage":{{"prompt_tokens":{number},"completion_tokens":{number},"total_tokens":{number}}}}}"#
        );
        let played = play(Reply::sse().event(event).event(stop()).done().end());
        assert_eq!(played.finished().content(), Some("a"), "{number}");
    }
    // Invalid, since it exceeds the range of a double.
    play(Reply::sse().event(r#"{"created":1e999}"#).event(stop()).done().end()).error("malformed");
}

#[test]
fn of_keys_that_come_twice_the_last_counts() {
    let _turn = turn();
    let event = r#"{"choices":[{"index":0,"delta":{"content":"a"}}],"choices":[{"index":0,"delta":{"content":"b","content":"c"}}]}"#;
    let played = play(Reply::sse().event(event).event(stop()).done().end());
    assert_eq!(played.finished().content(), Some("c"));
}
