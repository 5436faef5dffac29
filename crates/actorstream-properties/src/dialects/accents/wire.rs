//! Lines and bytes: how the events are put into an event stream.

use fastrand::Rng;

use super::super::json::Style;
use super::super::plain::Endpoint;
use super::super::stream::{Event, Kind, Stream};
use super::ends::is_done;

/// The stream ends without `[DONE]`: every choice has its finish reason.
pub(super) fn no_done(stream: &mut Stream, _: &mut Rng) -> bool {
    if !stream.is_complete() || !stream.claim("[DONE]") {
        return false;
    }
    let before = stream.events.len();
    stream.events.retain(|event| !is_done(event));
    stream.events.len() < before
}

/// `[DONE]` is written otherwise, comes twice, or comes at all.
pub(super) fn done(stream: &mut Stream, random: &mut Rng) -> bool {
    let forms = [
        "data: [DONE]\n\n",
        "data:[DONE]\n\n",
        "data:  [DONE] \n\n",
        "data: [done]\n\n",
        "data: \"[DONE]\"\n\n",
        "event: done\ndata: [DONE]\n\n",
        "id: 7\ndata: [DONE]\n\n",
    ];
    let form = Event { kind: Kind::Last, ..Event::lines(forms[random.usize(..forms.len())]) };
    if !stream.is_complete() {
        return false;
    }
    match stream.events.iter_mut().find(|event| is_done(event)) {
        Some(done) if random.bool() => *done = form,
        Some(_) => stream.events.push(form),
        None if stream.answer.endpoint == Endpoint::Responses => stream.events.push(form),
        None => return false,
    }
    true
}

/// Events have other names, or none, or those of others.
pub(super) fn names(stream: &mut Stream, random: &mut Rng) -> bool {
    if stream.is_claimed("names of events") {
        return false;
    }
    let names = [
        None,
        Some("message"),
        Some("chunk"),
        Some("data"),
        Some("completion"),
        Some("chat.completion.chunk"),
        Some("response.unknown"),
        Some("response.created"),
        Some("response.output_text.delta"),
        Some("response.completed"),
    ];
    // Where the data have a type, that counts.
    let known = if stream.answer.endpoint == Endpoint::Responses { names.len() } else { 6 };
    let name = names[random.usize(..known)];
    for event in stream.data() {
        event.name = name.map(str::to_owned);
    }
    true
}

/// The type of an event stands in its name alone.
pub(super) fn types_in_names(stream: &mut Stream, random: &mut Rng) -> bool {
    if !stream.claim("names of events") {
        return false;
    }
    for event in stream.data() {
        let r#type = event.r#type().to_owned();
        if !r#type.is_empty() && random.u8(..4) > 0 {
            event.name = Some(r#type);
            if let Some(json) = event.json.as_object_mut() {
                json.shift_remove("type");
            }
        }
    }
    true
}

/// Comments and pings stand between the events.
pub(super) fn pings(stream: &mut Stream, random: &mut Rng) -> bool {
    let all = [
        ": OPENROUTER PROCESSING\n\n",
        ":\n\n",
        ":\n",
        ": keep-alive\n",
        "\n",
        "\n\n\n",
        "data: : keepalive\n\n",
        "data:\n\n",
        "event: ping\ndata: {\"type\":\"ping\"}\n\n",
        "event: ping\n\n",
        "data: ping\n\n",
        "event: heartbeat\ndata: alive\n\n",
        "data: {\"type\":\"ping\"}\n\n",
        "event: keepalive\ndata: {}\n\n",
        "data: {\"type\":\"keepalive\",\"sequence_number\":3}\n\n",
        "event: keep-alive\ndata: {\"time\":1}\n\n",
        "data:   \n\n",
    ];
    for _ in 0..random.usize(1..4) {
        let place = stream.place(random);
        stream.events.insert(place, Event::lines(all[random.usize(..all.len())]));
    }
    true
}

/// Events have ids, times to wait, and fields that nobody knows.
pub(super) fn fields(stream: &mut Stream, random: &mut Rng) -> bool {
    let all = ["id: 1\n", "retry: 3000\n", "x: 1\n", "x-request-id: abc\n", "id\n", "meta:\n", ": hi\n"];
    let mut at = 0;
    while at < stream.events.len() {
        if random.u8(..3) == 0 {
            stream.events.insert(at, Event::lines(all[random.usize(..all.len())]));
            at += 1;
        }
        at += 1;
    }
    true
}

/// Lines end in CR, or in CR and LF, or in any of them.
pub(super) fn newlines(stream: &mut Stream, random: &mut Rng) -> bool {
    stream.wire.newline = random.u8(1..4);
    true
}

/// No space stands behind a colon, or now and then.
pub(super) fn spaces(stream: &mut Stream, random: &mut Rng) -> bool {
    stream.wire.space = random.u8(1..3);
    true
}

/// A byte order mark stands first.
pub(super) fn bom(stream: &mut Stream, _: &mut Rng) -> bool {
    stream.wire.bom = true;
    true
}

/// The body ends without the last blank line.
pub(super) fn open_end(stream: &mut Stream, _: &mut Rng) -> bool {
    stream.wire.open_end = true;
    true
}

/// No blank line stands between an event and the next, where the data of both are JSON on one line.
pub(super) fn single_newlines(stream: &mut Stream, random: &mut Rng) -> bool {
    if stream.wire.json.lines {
        return false;
    }
    let style = stream.wire.json;
    let bare = |event: &Event| event.lines.is_none() && event.name.is_none();
    let mut changed = false;
    for at in 1..stream.events.len() {
        if bare(&stream.events[at - 1]) && bare(&stream.events[at]) && random.u8(..4) > 0 {
            let json = style.write(&stream.events[at - 1].json, random);
            stream.events[at - 1].lines = Some(format!("data: {json}\n"));
            changed = true;
        }
    }
    changed
}

/// JSON is escaped, spaced, in another order, on several lines, with fields that are there twice.
pub(super) fn json(stream: &mut Stream, random: &mut Rng) -> bool {
    stream.wire.json = Style {
        ascii: random.bool(),
        spaces: random.bool(),
        lines: random.u8(..4) == 0,
        shuffled: random.bool(),
        repeated: random.u8(..4) == 0,
    };
    true
}

/// The content type is another one, or none.
pub(super) fn content_type(stream: &mut Stream, random: &mut Rng) -> bool {
    let all = [
        "text/event-stream; charset=utf-8",
        "application/json",
        "text/plain",
        "application/octet-stream",
        "text/html",
        "",
    ];
    stream.content_type = all[random.usize(..all.len())];
    true
}
