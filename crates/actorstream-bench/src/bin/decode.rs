//! `decode frames|typed|responses NAME event|BYTES BLOCKS` decodes blocks of events in memory, cut into reads of one
//! event or of so many bytes. `decode json NAME PIECES BLOCKS` parses JSON in pieces; `decode size NAME SIZE EVENTS` decodes typed
//! chat events of one size in one stream; `decode shape NAME SHAPE BLOCKS` events of one shape in one stream. One line on
//! stdout.

use std::env;
use std::hint::black_box;

use actorstream_bench::corpus::{self, Cut};
use actorstream_bench::decode::{DECODERS, Decoder};
use actorstream_bench::shape::named;
use actorstream_bench::typed::{RESPONSES, TYPED};
use actorstream_bench::{Error, json, shapes};

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let [what, name, cut, blocks] = arguments[..] else {
        return Err("usage: decode frames|typed|responses|json|shape NAME event|BYTES|SHAPE BLOCKS".into());
    };
    let blocks: usize = blocks.parse()?;
    if what == "size" {
        let (_, decode) = TYPED.iter().find(|(known, _)| *known == name).ok_or("no such decoder")?;
        println!("seen {}", decode(black_box(&corpus::sized_reads(cut.parse()?, blocks))));
        return Ok(());
    }
    if what == "shape" {
        let shape = named(cut).ok_or("no such shape")?;
        let reads = shapes::reads(shape, blocks * corpus::BLOCK);
        let seen = match name {
            "actorstream" => shapes::actorstream(shape, black_box(&reads)),
            #[cfg(feature = "types")]
            "async-openai" => shapes::async_openai(shape, black_box(&reads)),
            _ => return Err("no such decoder".into()),
        };
        println!("seen {seen}");
        return Ok(());
    }
    if what == "json" {
        let text = json::block();
        let pieces = (0..blocks).map(|_| json::as_it_comes(black_box(&text))).sum::<Result<usize, _>>()?;
        println!("blocks {blocks} pieces {pieces}");
        return Ok(());
    }
    let (all, event): (&[(&str, Decoder)], fn(usize) -> String) = match what {
        "frames" => (DECODERS, corpus::event),
        "typed" => (TYPED, corpus::event),
        "responses" => (RESPONSES, corpus::response_event),
        _ => return Err("no such work".into()),
    };
    let (_, decode) = all.iter().find(|(known, _)| *known == name).ok_or("no such decoder")?;
    let cut = if cut == "event" { Cut::Events } else { Cut::Bytes(cut.parse()?) };
    let reads = corpus::reads_of(event, cut);
    let seen: usize = (0..blocks).map(|_| decode(black_box(&reads))).sum();
    println!("blocks {blocks} seen {seen}");
    Ok(())
}
