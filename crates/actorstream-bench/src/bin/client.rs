//! `client NAME BASE-URL [STREAMS]` runs streams to their ends and prints what they took; `client hold NAME BASE-URL
//! STREAMS` opens them, keeps them and prints what they hold; `client delays NAME BASE-URL STREAMS SECONDS` prints how long
//! their events are under way, which the server must stamp (`relay upstream`). One line on stdout, `name value` pairs.

use std::env;
use std::time::Duration;

use actorstream_bench::client::{CLIENTS, Client, Delays, Held};
use actorstream_bench::{Error, usage};

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["hold", name, url, streams] => {
            let streams = streams.parse()?;
            let held = (find(name)?.hold)(url, streams)?;
            let Held { before, after, idle } = held;
            println!("streams {streams} before_kib {before} after_kib {after} idle_us {idle}");
        }
        ["delays", name, url, streams, seconds] => {
            let delays = find(name)?.delays.ok_or_else(|| format!("{name} reads no stamps"))?;
            let time = Duration::from_secs(seconds.parse()?);
            let Delays { events, p50, p99, max, cpu } = delays(url, streams.parse()?, time)?;
            println!("events {events} p50_ns {p50} p99_ns {p99} max_ns {max} cpu_us {}", cpu.as_micros());
        }
        [name, url] => run(find(name)?, url, 1)?,
        [name, url, streams] => run(find(name)?, url, streams.parse()?)?,
        _ => return Err("usage: client [hold | delays] NAME BASE-URL [STREAMS [SECONDS]]".into()),
    }
    Ok(())
}

fn find(name: &str) -> Result<Client, Error> {
    let client = CLIENTS.iter().copied().find(|client| client.name == name);
    client.ok_or_else(|| format!("no client {name}").into())
}

fn run(client: Client, url: &str, streams: usize) -> Result<(), Error> {
    let before = usage::cpu()?;
    let seen = (client.run)(url, streams)?;
    let after = usage::cpu()?;
    let total = (after.total - before.total).as_micros();
    let user = (after.user - before.user).as_micros();
    println!("events {} bytes {} cpu_us {total} user_us {user}", seen.events, seen.bytes);
    Ok(())
}
