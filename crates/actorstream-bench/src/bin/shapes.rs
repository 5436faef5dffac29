//! `shapes [NAME…]` counts the instructions that an event of each shape takes, in the whole protocol core and with
//! async-openai, and prints a section of Markdown.

use std::env;

use actorstream_bench::callgrind;
use actorstream_bench::corpus::BLOCK;
use actorstream_bench::shape::{ALL, Shape};
use actorstream_bench::{Error, thousands};

fn main() -> Result<(), Error> {
    let wanted: Vec<String> = env::args().skip(1).collect();
    println!(
        "\n## Shapes\n\nInstructions an event, one event a read: the whole protocol core with the response kept, and what \
         async-openai does, eventsource-stream and its type. Made by `crates/actorstream-bench/shapes.sh`; the shapes are \
         in `crates/actorstream-properties/src/shapes.rs`.\n\n| shape | actorstream | async-openai | |\n|---|--:|--:|--:|"
    );
    for shape in ALL.iter().filter(|shape| wanted.is_empty() || wanted.iter().any(|name| name == shape.name))
    {
        let ours = count("actorstream", shape)?;
        let theirs = count("async-openai", shape)?;
        println!("| {} | {} | {} | {:.1}× |", shape.title, thousands(ours), thousands(theirs), theirs / ours);
    }
    Ok(())
}

fn count(who: &str, shape: &Shape) -> Result<f64, Error> {
    let arguments =
        |events: usize| ["shape", who, shape.name, &(events / BLOCK).to_string()].map(str::to_owned).to_vec();
    Ok(callgrind::per_event("decode", BLOCK, arguments)?.instructions)
}
