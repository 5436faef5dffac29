//! The events that everybody decodes: a chat completion as OpenAI sends it, about 320 bytes an event.

use bytes::Bytes;

/// How many events there are before they repeat; a multiple of what goes into an HTTP chunk.
pub const BLOCK: usize = 1600;

/// What ends a stream.
pub const DONE: &str = "data: [DONE]\n\n";

const WORDS: [&str; 16] = [
    " the",
    " quantum",
    " of",
    " a",
    ",",
    " super",
    "position",
    " and",
    " is",
    " état",
    ".",
    " measured",
    " in",
    " two",
    "\\n\\n",
    " \\\"bits\\\"",
];
/// The noise that evens out the length of an event.
const NOISE: &str = "qW3eR5tY7uI9oP1aS2dF4gH6jK8lZ0xC";

/// One event on the wire, its blank line included.
pub fn event(number: usize) -> String {
    let word = WORDS[number % WORDS.len()];
    let noise = &NOISE[..16 - word.len().min(12)];
    format!(
        "data: {{\"id\":\"chatcmpl-CbQ4n2mXf8sT0vLk6RzYw1HdJp3Ea\",\"object\":\"chat.completion.chunk\",\
         \"created\":1763812345,\"model\":\"gpt-4o-mini-2024-07-18\",\"service_tier\":\"default\",\
         \"system_fingerprint\":\"fp_560af6e559\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{word}\"}},\
         \"logprobs\":null,\"finish_reason\":null}}],\"obfuscation\":\"{noise}\"}}\n\n"
    )
}

/// One chat event of `size` bytes on the wire, or of the usual size if that is more.
pub fn sized_event(number: usize, size: usize) -> String {
    let event = event(number);
    let filler = size.saturating_sub(event.len());
    event.replacen("\"content\":\"", &format!("\"content\":\"{}", "word ".repeat(filler.div_ceil(5))), 1)
}

/// A chat event with nothing in it but a text and what every client asks for: about 125 bytes.
pub fn small_event(number: usize) -> String {
    let word = WORDS[number % WORDS.len()];
    format!(
        "data: {{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\
         \"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{word}\"}}}}]}}\n\n"
    )
}

/// So many reads of one event each, of about `size` bytes.
pub fn sized_reads(size: usize, events: usize) -> Vec<Bytes> {
    let event = |number| if size < 300 { small_event(number) } else { sized_event(number, size) };
    let some: Vec<Bytes> = (0..16).map(|number| event(number).into()).collect();
    some.iter().cycle().take(events).cloned().collect()
}

/// One event of a streamed response on the wire, as OpenAI sends it, about 260 bytes.
pub fn response_event(number: usize) -> String {
    let word = WORDS[number % WORDS.len()];
    let noise = &NOISE[..16 - word.len().min(12)];
    format!(
        "event: response.output_text.delta\ndata: {{\"type\":\"response.output_text.delta\",\"sequence_number\":{},\
         \"item_id\":\"msg_68e8d1a4b2c88193a5f0d7e6c3b9a201\",\"output_index\":0,\"content_index\":0,\
         \"delta\":\"{word}\",\"logprobs\":[],\"obfuscation\":\"{noise}\"}}\n\n",
        number + 4
    )
}

/// The last event of a stream, which says that the choice has ended.
pub fn last_event() -> String {
    event(0)
        .replace("\"content\":\" the\"", "")
        .replace("\"finish_reason\":null", "\"finish_reason\":\"stop\"")
}

/// One block of chat events, cut into reads.
pub fn reads(cut: Cut) -> Vec<Bytes> {
    reads_of(event, cut)
}

/// One block of events, cut into reads.
pub fn reads_of(event: fn(usize) -> String, cut: Cut) -> Vec<Bytes> {
    let events: Vec<String> = (0..BLOCK).map(event).collect();
    match cut {
        Cut::Events => events.into_iter().map(Bytes::from).collect(),
        Cut::Bytes(len) => {
            let whole = Bytes::from(events.concat());
            (0..whole.len()).step_by(len).map(|at| whole.slice(at..whole.len().min(at + len))).collect()
        }
    }
}

/// JSON of about `len` bytes as a model might write it: nested objects, lists, texts with escapes, numbers.
pub fn json(len: usize) -> String {
    let mut text = String::from("{\"rows\":[");
    for number in 0.. {
        let row = format!(
            "{{\"id\":{number},\"name\":\"row {number}\",\"score\":{number}.25,\"tags\":[\"a\",\"b\\n\",\"ü\"],\
             \"text\":\"{}{}{}\",\"nested\":{{\"deep\":[true,null,{{\"x\":-1e3}}]}}}}",
            WORDS[number % WORDS.len()],
            WORDS[number * 7 % WORDS.len()],
            WORDS[number * 3 % WORDS.len()],
        );
        if number > 0 {
            text.push(',');
        }
        text.push_str(&row);
        if text.len() >= len {
            break;
        }
    }
    text + "]}"
}

/// A text in pieces of so many bytes, or a few more where that would cut a character.
pub fn pieces(text: &str, len: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = (len..rest.len()).find(|at| rest.is_char_boundary(*at)).unwrap_or(rest.len());
        let (piece, behind) = rest.split_at(end);
        pieces.push(piece);
        rest = behind;
    }
    pieces
}

/// How a body is cut into reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// One event in each.
    Events,
    /// So many bytes in each, wherever that cuts.
    Bytes(usize),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_json_of_the_announced_length() {
        for text in [event(0), event(15), last_event()] {
            let data = text.strip_prefix("data: ").unwrap();
            serde_json::from_str::<serde_json::Value>(data).unwrap();
        }
        let mean = reads_of(response_event, Cut::Events).iter().map(Bytes::len).sum::<usize>() / BLOCK;
        assert!((250..285).contains(&mean), "{mean}");
        let mean = reads(Cut::Events).iter().map(Bytes::len).sum::<usize>() / BLOCK;
        assert!((310..330).contains(&mean), "{mean}");
    }
}
