//! The shapes of events that servers send: what changes from one event to the next, and what stays.
//!
//! The benches measure each of them.

/// A kind of stream.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Its name on a command line.
    pub name: &'static str,
    /// What it is, for people.
    pub title: &'static str,
    /// The endpoint whose events these are.
    pub api: Api,
    /// The payload of the event with this number in its stream.
    pub payload: fn(usize) -> String,
}

/// An endpoint whose events have shapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// Chat completions.
    Chat,
    /// Text completions.
    Completions,
    /// Responses.
    Responses,
}

impl Api {
    /// The number of the endpoint in the input of a property.
    pub fn number(self) -> u8 {
        match self {
            Self::Chat => 0,
            Self::Completions => 1,
            Self::Responses => 2,
        }
    }
}

const fn chat(name: &'static str, title: &'static str, payload: fn(usize) -> String) -> Shape {
    Shape { name, title, api: Api::Chat, payload }
}

const fn responses(name: &'static str, title: &'static str, payload: fn(usize) -> String) -> Shape {
    Shape { name, title, api: Api::Responses, payload }
}

/// All shapes.
pub const ALL: &[Shape] = &[
    chat("openai", "as OpenAI sends it", |n| {
        chunk(ID, &format!("{},{DELTA_END}", content(n)), &format!(",\"obfuscation\":\"{}\"", noise(n)))
    }),
    responses("responses-text", "Responses: text", |n| {
        delta_event("output_text", n, ",\"content_index\":0,\"logprobs\":[]")
    }),
    responses("responses-reasoning", "Responses: summary of the reasoning", |n| {
        delta_event("reasoning_summary_text", n, ",\"summary_index\":0")
    }),
    responses("responses-arguments", "Responses: arguments of a function", |n| {
        delta_event("function_call_arguments", n, "")
    }),
    responses("responses-logprobs", "Responses: text with `logprobs`", |n| {
        let tokens = format!(",\"content_index\":0,\"logprobs\":[{}]", token(n, 3));
        delta_event("output_text", n, &tokens)
    }),
    responses("responses-in-turn", "Responses: two items in turn", |n| {
        let kind = if n.is_multiple_of(2) { "output_text" } else { "reasoning_text" };
        delta_event(kind, n, &format!(",\"content_index\":0,\"item\":{}", n % 2))
    }),
    chat("tool-calls", "tool-call deltas", |n| {
        choice(&format!("\"delta\":{{\"tool_calls\":[{}]}}", call(0, n)), "")
    }),
    chat("tool-calls-in-turn", "tool calls in turn", |n| {
        choice(&format!("\"delta\":{{\"tool_calls\":[{}]}}", call(n % 2, n)), "")
    }),
    chat("role", "role in each chunk", |n| {
        choice(&format!("\"delta\":{{\"role\":\"assistant\",{}}}", text("content", n)), "")
    }),
    chat("reasoning", "reasoning", |n| {
        choice(&format!("\"delta\":{{\"content\":null,{}}}", text("reasoning_content", n)), "")
    }),
    chat("reasoning-in-turn", "reasoning and text in turn", |n| {
        let name = if n % 8 < 4 { "reasoning_content" } else { "content" };
        choice(&format!("\"delta\":{{{}}}", text(name, n)), "")
    }),
    chat(
        "openrouter",
        "`provider`, `native_finish_reason`, `reasoning`, `reasoning_details` in each chunk",
        |n| {
            let choice = format!(
                "\"delta\":{{\"role\":\"assistant\",{},\"reasoning\":null,\"reasoning_details\":[]}},\"finish_reason\":null,\
             \"native_finish_reason\":null,\"logprobs\":null",
                text("content", n)
            );
            format!(
                "{{\"id\":\"gen-1763812345-aZ4n2mXf8sT0vLk6RzYw\",\"provider\":\"DeepInfra\",\"model\":\"deepseek/deepseek-chat\",\
             \"object\":\"chat.completion.chunk\",\"created\":1763812345,\"choices\":[{{\"index\":0,{choice}}}]}}"
            )
        },
    ),
    chat("choices-in-turn", "`n: 2`, choices in turn", |n| {
        chunk(ID, &format!("\"index\":{},{}", n % 2, &content(n)["\"index\":0,".len()..]), "")
    }),
    chat("both-choices", "`n: 2`, both choices in each chunk", |n| {
        let second = content(n + 1).replacen("\"index\":0", "\"index\":1", 1);
        chunk(ID, &format!("{},{DELTA_END}}},{{{second},{DELTA_END}", content(n)), "")
    }),
    chat("own-ids", "an id of its own for each chunk", |n| {
        chunk(&format!("chatcmpl-{:032x}", hash(n)), &format!("{},{DELTA_END}", content(n)), "")
    }),
    chat("ids-of-other-lengths", "an id of its own, of another length", |n| {
        chunk(&format!("c-{:x}", hash(n) >> (n % 60)), &format!("{},{DELTA_END}", content(n)), "")
    }),
    chat("usage", "running usage in each chunk", |n| {
        let usage = format!(
            ",\"usage\":{{\"prompt_tokens\":25,\"total_tokens\":{},\"completion_tokens\":{n},\"prompt_tokens_details\":null}}",
            25 + n
        );
        choice(&format!("\"delta\":{{{}}}", text("content", n)), &usage)
    }),
    chat("usage-details", "running usage with details and a cost", |n| {
        let usage = format!(
            ",\"usage\":{{\"prompt_tokens\":25,\"completion_tokens\":{n},\"total_tokens\":{},\"prompt_tokens_details\":\
             {{\"cached_tokens\":0,\"audio_tokens\":0}},\"completion_tokens_details\":{{\"reasoning_tokens\":{},\
             \"audio_tokens\":0}},\"cost\":{{\"output_tokens_cost\":{}.5e-5,\"total_cost\":{}.25e-4}}}}",
            25 + n,
            n / 2,
            n + 1,
            n + 7
        );
        choice(&format!("\"delta\":{{{}}}", text("content", n)), &usage)
    }),
    chat("logprobs", "`logprobs`", |n| {
        choice(
            &format!(
                "\"delta\":{{{}}},\"logprobs\":{{\"content\":[{}],\"refusal\":null}}",
                text("content", n),
                token(n, 0)
            ),
            "",
        )
    }),
    chat("top-logprobs", "`logprobs` with five of `top_logprobs`", |n| {
        choice(
            &format!(
                "\"delta\":{{{}}},\"logprobs\":{{\"content\":[{}],\"refusal\":null}}",
                text("content", n),
                token(n, 5)
            ),
            "",
        )
    }),
    chat("timings", "llama.cpp's `timings` in each chunk", |n| {
        let timings = format!(
            ",\"timings\":{{\"cache_n\":236,\"prompt_n\":1,\"prompt_ms\":30.958,\"prompt_per_token_ms\":30.958,\
             \"prompt_per_second\":32.301828283480845,\"predicted_n\":{n},\"predicted_ms\":{}.064,\
             \"predicted_per_token_ms\":{}.5177142857142858,\"predicted_per_second\":{}.74084354543887}}",
            661 + n * 18,
            18 + n % 3,
            52 - n % 4
        );
        choice(&format!("\"delta\":{{{}}}", text("content", n)), &timings)
    }),
    chat("created", "`created` changes with each chunk", |n| {
        chunk(ID, &format!("{},{DELTA_END}", content(n)), "").replacen(
            "1763812345",
            &(1_763_812_345 + n).to_string(),
            1,
        )
    }),
    chat("fingerprint", "`system_fingerprint` is null in every other chunk", |n| {
        let chunk = chunk(ID, &format!("{},{DELTA_END}", content(n)), "");
        if n.is_multiple_of(2) { chunk } else { chunk.replacen("\"fp_560af6e559\"", "null", 1) }
    }),
    chat("come-and-go", "fields that come and go", |n| {
        let tier = if n.is_multiple_of(3) { "" } else { ",\"service_tier\":\"default\"" };
        let refusal = if n.is_multiple_of(2) { "" } else { ",\"refusal\":null" };
        choice(&format!("\"delta\":{{{}{refusal}}}", text("content", n)), tier)
    }),
    chat("annotations", "`annotations` that grow", |n| {
        let one = "{\"type\":\"url_citation\",\"url_citation\":{\"url\":\"https://example.com/a\",\"title\":\"A\"}}";
        let all = vec![one; n % 4].join(",");
        choice(&format!("\"delta\":{{{}}}", text("content", n)), &format!(",\"citations\":[{all}]"))
    }),
    chat("nested", "an unknown object whose texts and numbers change", |n| {
        let nested = format!(
            ",\"x_meta\":{{\"trace\":{{\"span\":\"{:016x}\",\"depth\":{}}},\"queue\":{{\"ms\":{}.5,\"name\":\"q{}\"}}}}",
            hash(n),
            n % 7,
            n,
            n % 3
        );
        choice(&format!("\"delta\":{{{}}}", text("content", n)), &nested)
    }),
    Shape {
        name: "completions",
        title: "text completions",
        api: Api::Completions,
        payload: |n| {
            format!(
                "{{\"id\":\"cmpl-CbQ4n2mXf8sT0vLk6RzYw1HdJp3Ea\",\"object\":\"text_completion\",\"created\":1763812345,\
                 \"model\":\"gpt-3.5-turbo-instruct\",\"choices\":[{{\"index\":0,{},\"logprobs\":null,\
                 \"finish_reason\":null}}]}}",
                text("text", n)
            )
        },
    },
    chat("never", "never the same fields twice", |n| {
        let hash = hash(n);
        let fields = [
            format!("\"x_request\":{}", hash % 1000),
            format!("\"x_queue\":[{},\"{}\"]", hash % 97, word(n)),
            format!("\"x_meta\":{{\"a\":{},\"b\":null}}", hash % 7),
            format!(
                "\"usage\":{{\"prompt_tokens\":25,\"completion_tokens\":{n},\"total_tokens\":{}}}",
                n + 25
            ),
            "\"provider\":\"p\"".to_owned(),
        ];
        let first = (hash >> 20) as usize;
        let some =
            (0..fields.len()).map(|at| (at + first) % fields.len()).filter(|at| hash >> (30 + at) & 1 == 0);
        let rest: String = some.map(|at| format!(",{}", fields[at])).collect();
        let end = if hash & 1 == 0 { DELTA_END } else { "\"finish_reason\":null" };
        let delta = if hash & 2 == 0 { "" } else { ",\"refusal\":null" };
        chunk(ID, &format!("\"index\":0,\"delta\":{{{}{delta}}},{end}", text("content", n)), &rest)
    }),
    chat("other-order", "the fields in another order each time", |n| {
        let hash = hash(n);
        let mut fields = [
            format!("\"id\":\"{ID}\""),
            "\"object\":\"chat.completion.chunk\"".to_owned(),
            "\"created\":1763812345".to_owned(),
            "\"model\":\"gpt-4o-mini-2024-07-18\"".to_owned(),
            "\"service_tier\":\"default\"".to_owned(),
            "\"system_fingerprint\":\"fp_560af6e559\"".to_owned(),
            format!("\"choices\":[{{{},{DELTA_END}}}]", content(n)),
        ];
        for at in (1..fields.len()).rev() {
            let other = (hash >> (at * 5)) as usize % (at + 1);
            fields.swap(at, other);
        }
        format!("{{{}}}", fields.join(","))
    }),
];

/// The shape of this name.
pub fn named(name: &str) -> Option<&'static Shape> {
    ALL.iter().find(|shape| shape.name == name)
}

const ID: &str = "chatcmpl-CbQ4n2mXf8sT0vLk6RzYw1HdJp3Ea";
/// What follows the delta of a choice.
const DELTA_END: &str = "\"logprobs\":null,\"finish_reason\":null";

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

fn word(number: usize) -> &'static str {
    WORDS[number % WORDS.len()]
}

fn noise(number: usize) -> &'static str {
    &"qW3eR5tY7uI9oP1aS2dF4gH6jK8lZ0xC"[..16 - word(number).len().min(12)]
}

/// Bits that seem random.
fn hash(number: usize) -> u64 {
    let mut bits = (number as u64).wrapping_add(0x9E37_79B9_7F4A_7C15).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits ^= bits >> 27;
    bits = bits.wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

fn text(name: &str, number: usize) -> String {
    format!("\"{name}\":\"{}\"", word(number))
}

fn content(number: usize) -> String {
    format!("\"index\":0,\"delta\":{{{}}}", text("content", number))
}

/// A chunk as OpenAI writes it, with the fields of its choice, and what stands behind the choices.
fn chunk(id: &str, choice: &str, rest: &str) -> String {
    format!(
        "{{\"id\":\"{id}\",\"object\":\"chat.completion.chunk\",\"created\":1763812345,\"model\":\"gpt-4o-mini-2024-07-18\",\
         \"service_tier\":\"default\",\"system_fingerprint\":\"fp_560af6e559\",\"choices\":[{{{choice}}}]{rest}}}"
    )
}

/// A chunk with one choice as other servers write it.
fn choice(fields: &str, rest: &str) -> String {
    format!(
        "{{\"id\":\"{ID}\",\"object\":\"chat.completion.chunk\",\"created\":1763812345,\"model\":\"qwen3-8b\",\
         \"choices\":[{{\"index\":0,{fields},\"finish_reason\":null}}]{rest}}}"
    )
}

fn call(index: usize, number: usize) -> String {
    format!("{{\"index\":{index},\"function\":{{{}}}}}", text("arguments", number))
}

/// The log probability of a token, with so many likely ones.
fn token(number: usize, top: usize) -> String {
    let one = |number: usize| {
        let word = word(number);
        let bytes: Vec<String> = word.bytes().map(|byte| byte.to_string()).collect();
        format!(
            "\"token\":\"{word}\",\"logprob\":-{}.{},\"bytes\":[{}]",
            number % 9,
            hash(number) % 100_000,
            bytes.join(",")
        )
    };
    let top: Vec<String> = (0..top).map(|rank| format!("{{{}}}", one(number * 7 + rank))).collect();
    format!("{{{},\"top_logprobs\":[{}]}}", one(number), top.join(","))
}

/// A delta of a response as OpenAI writes it.
fn delta_event(kind: &str, number: usize, rest: &str) -> String {
    format!(
        "{{\"type\":\"response.{kind}.delta\",\"sequence_number\":{},\"item_id\":\"msg_68e8d1a4b2c88193a5f0d7e6c3b9a201\",\
         \"output_index\":0{rest},{},\"obfuscation\":\"{}\"}}",
        number + 4,
        text("delta", number),
        noise(number)
    )
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn every_payload_is_a_json_object_with_a_name_of_its_own() {
        for (at, shape) in ALL.iter().enumerate() {
            for number in 0..400 {
                let payload = (shape.payload)(number);
                let json: Value =
                    serde_json::from_str(&payload).unwrap_or_else(|error| panic!("{error}: {payload}"));
                assert!(json.is_object(), "{payload}");
            }
            assert!(ALL[..at].iter().all(|other| other.name != shape.name), "{}", shape.name);
            assert!(named(shape.name).is_some());
        }
    }
}
