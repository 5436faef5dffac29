//! What servers do otherwise than OpenAI, one function each. An accent looks at whether it applies, and keeps the meaning.

mod calls;
mod ends;
mod errors;
mod fields;
mod items;
mod numbers;
mod snapshots;
mod terminal;
mod texts;
mod unknown;
mod usage;
mod whole;
mod wire;

use fastrand::Rng;

use super::plain::Endpoint;
use super::stream::Stream;

/// One thing that servers do.
#[derive(Debug)]
pub struct Accent {
    /// What it does, in a few words.
    pub name: &'static str,
    /// Accents of a lower layer are put on first: they find the stream as it was written.
    pub layer: u8,
    /// Who speaks so.
    pub endpoints: &'static [Endpoint],
    /// Changes the stream; `false` if there was nothing to change.
    pub apply: fn(&mut Stream, &mut Rng) -> bool,
}

const CHAT: &[Endpoint] = &[Endpoint::Chat];
const CHUNKS: &[Endpoint] = &[Endpoint::Chat, Endpoint::Completions];
const RESPONSES: &[Endpoint] = &[Endpoint::Responses];
const EVERYWHERE: &[Endpoint] = &[Endpoint::Chat, Endpoint::Completions, Endpoint::Responses];

const fn accent(
    name: &'static str,
    layer: u8,
    endpoints: &'static [Endpoint],
    apply: fn(&mut Stream, &mut Rng) -> bool,
) -> Accent {
    Accent { name, layer, endpoints, apply }
}

/// All of them.
pub const ALL: &[Accent] = &[
    // What comes when.
    accent("texts in smaller pieces", 0, EVERYWHERE, texts::split),
    accent("texts in larger pieces", 0, EVERYWHERE, texts::join),
    accent("empty pieces", 0, EVERYWHERE, texts::empty),
    accent("choices mixed", 0, CHUNKS, texts::mix),
    accent("calls whole", 0, CHAT, calls::whole),
    accent("empty arguments first", 0, CHAT, calls::braces_first),
    accent("arguments repeated", 0, CHAT, calls::repeat),
    accent("the name in pieces", 0, CHAT, calls::name_in_pieces),
    accent("an empty piece behind a call", 0, CHAT, calls::empty_piece),
    accent("calls mixed", 0, CHAT, calls::mix),
    accent("items mixed", 0, RESPONSES, items::mix),
    accent("items whole alone", 0, RESPONSES, items::lose),
    accent("items whole alone", 0, RESPONSES, items::lose),
    accent("events twice", 0, RESPONSES, items::twice),
    accent("reasoning as text", 0, RESPONSES, items::reasoning_text),
    accent("reasoning in counted parts", 0, RESPONSES, items::counted),
    accent("finish reason in every chunk", 1, CHUNKS, ends::early),
    accent("finish reason with the last piece", 1, CHUNKS, ends::with_last),
    accent("finish reason twice", 1, CHUNKS, ends::twice),
    accent("finish reason late", 1, CHUNKS, ends::late),
    accent("stop behind the reason", 1, CHUNKS, ends::stop_behind),
    accent("no finish reason but [DONE]", 1, CHUNKS, ends::none),
    accent("usage in the chunk that ends", 1, CHUNKS, usage::with_end),
    accent("usage elsewhere", 1, CHUNKS, usage::elsewhere),
    accent("usage early", 1, CHUNKS, usage::early),
    accent("usage running", 1, CHUNKS, usage::running),
    accent("usage with a choice", 1, CHUNKS, usage::with_choice),
    accent("usage told before", 1, RESPONSES, terminal::usage_before),
    accent("usage told as it runs", 1, RESPONSES, terminal::usage_running),
    accent("a hollow last event", 1, RESPONSES, terminal::hollow),
    accent("another last event", 1, RESPONSES, terminal::named),
    accent("more in the last event", 1, RESPONSES, terminal::fuller),
    accent("the error elsewhere", 0, EVERYWHERE, errors::early),
    // The message so far needs to be reckoned from what is plain.
    accent("the message beside", 2, CHAT, snapshots::beside),
    accent("the message at the end", 2, CHAT, snapshots::at_end),
    accent("more in the message at the end", 2, CHAT, snapshots::fuller),
    accent("the message instead", 2, CHAT, snapshots::instead),
    accent("a whole answer", 2, EVERYWHERE, whole::json),
    accent("a whole answer in an event", 2, CHUNKS, whole::event),
    accent("chunks merged", 3, CHUNKS, texts::merge),
    // How it is said.
    accent("calls otherwise told", 4, CHAT, calls::address),
    accent("calls named in every chunk", 4, CHAT, calls::repeat_names),
    accent("arguments as objects", 4, CHAT, calls::objects),
    accent("what calls leave out", 4, CHAT, calls::bare),
    accent("the reasoning otherwise called", 4, CHAT, texts::reasoning_names),
    accent("characters in halves", 4, EVERYWHERE, texts::halves),
    accent("content in parts", 5, CHAT, texts::parts),
    accent("items otherwise told", 4, RESPONSES, items::address),
    accent("hollow items", 0, RESPONSES, items::hollow),
    accent("other ids at the end", 4, RESPONSES, terminal::other_ids),
    // What stands beside it.
    accent("fields left out", 6, EVERYWHERE, fields::leave_out),
    accent("fields that are null", 6, EVERYWHERE, fields::null),
    accent("fields that are empty", 6, EVERYWHERE, fields::empty),
    accent("a role in every chunk", 6, CHAT, fields::role),
    accent("changing ids", 6, EVERYWHERE, fields::ids),
    accent("a hollow finish reason", 6, CHUNKS, ends::hollow),
    accent("hollow usage", 6, EVERYWHERE, usage::hollow),
    accent("hollow errors", 6, EVERYWHERE, errors::hollow),
    accent("numbers otherwise written", 6, EVERYWHERE, numbers::otherwise),
    accent("no index", 6, CHUNKS, numbers::no_index),
    accent("no numbers", 6, RESPONSES, numbers::no_sequence),
    accent("unknown fields", 7, EVERYWHERE, unknown::fields),
    accent("an unknown field in every object", 7, EVERYWHERE, unknown::everywhere),
    accent("words of success", 7, CHUNKS, unknown::success),
    accent("chunks without choices", 7, CHUNKS, unknown::no_choices),
    accent("unknown events", 7, RESPONSES, unknown::events),
    // How it is written.
    accent("the error otherwise", 8, EVERYWHERE, errors::shape),
    accent("the error as the body", 8, EVERYWHERE, errors::body),
    accent("more behind the error", 8, EVERYWHERE, errors::behind),
    accent("no [DONE]", 8, CHUNKS, wire::no_done),
    accent("[DONE] otherwise", 8, EVERYWHERE, wire::done),
    accent("names of events", 8, EVERYWHERE, wire::names),
    accent("types in names", 8, RESPONSES, wire::types_in_names),
    accent("comments and pings", 8, EVERYWHERE, wire::pings),
    accent("comments and pings", 8, EVERYWHERE, wire::pings),
    accent("other fields of events", 8, EVERYWHERE, wire::fields),
    accent("line ends", 8, EVERYWHERE, wire::newlines),
    accent("no spaces", 8, EVERYWHERE, wire::spaces),
    accent("a byte order mark", 8, EVERYWHERE, wire::bom),
    accent("no last blank line", 8, EVERYWHERE, wire::open_end),
    accent("no blank lines", 9, EVERYWHERE, wire::single_newlines),
    accent("JSON otherwise written", 8, EVERYWHERE, wire::json),
    accent("another content type", 8, EVERYWHERE, wire::content_type),
];
