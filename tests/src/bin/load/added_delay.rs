//! The delay that the relay adds to an event: streams are read alternately from upstream and through the relay.

use actix::prelude::*;
use actorstream::ChatRequest;
use clap::Args;

use crate::Failure;
use crate::crowd::{Crowd, ask, client};
use crate::percentiles::Percentiles;
use crate::process::{Beside, ensure};

/// Streams with and without the relay, alternately.
#[derive(Debug, Args)]
pub(crate) struct Plan {
    /// The number of concurrent streams.
    #[arg(long, default_value_t = 200)]
    streams: usize,
    /// The number of events of each stream before its last one.
    #[arg(long, default_value_t = 50)]
    events: usize,
    /// The time between two events of a stream, in milliseconds.
    #[arg(long, default_value_t = 100)]
    period: u64,
    /// The number of repetitions.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
}

pub(crate) fn run(plan: &Plan) -> Result<(), Failure> {
    ensure(plan.rounds > 0, || "one round is the least".to_owned())?;
    System::new().block_on(async {
        let (mut without, mut with, mut added) = (Vec::new(), Vec::new(), Vec::new());
        for round in 1..=plan.rounds {
            let upstream = Beside::start(["upstream"])?;
            let delays = delays(plan, &upstream, &upstream).await?;
            println!("round {round}, without the relay: {delays}");
            without.push(delays.at(50));

            let upstream = Beside::start(["upstream"])?;
            let relay = Beside::start(["relay", &upstream.base_url])?;
            let delays = self::delays(plan, &upstream, &relay).await?;
            println!("round {round}, through the relay: {delays}");
            with.push(delays.at(50));
            added.push(with[round - 1] - without[round - 1]);
        }
        let [without, with, added] = [without, with, added].map(|mut rounds: Vec<f64>| {
            rounds.sort_unstable_by(f64::total_cmp);
            (rounds[rounds.len() / 2], rounds[0], rounds[rounds.len() - 1])
        });
        println!(
            "50 % in the median round: {:.3} ms without the relay, {:.3} ms through it",
            without.0, with.0
        );
        println!("added: {:.3} ms in the median round, {:.3} ms to {:.3} ms", added.0, added.1, added.2);
        Ok(())
    })
}

/// Measures the delays of events from upstream to this process.
async fn delays(plan: &Plan, upstream: &Beside, here: &Beside) -> Result<Percentiles, Failure> {
    let &Plan { streams, events, period, .. } = plan;
    let openai = client(&here.base_url, streams)?;
    let crowd = Crowd::start(streams, |_, target| {
        let request = ChatRequest::new(format!("paced {events} {period}")).user("x");
        drop(openai.chat().keep_response(false).stream(request, target));
    });
    let crowd = crowd.await?;
    ask(&client(&upstream.base_url, 1)?, "go").await?;
    let reports = crowd.reports(events).await?;
    let times = reports.iter().flat_map(|report| &report.times);
    Ok(times.map(|times| times.taken.saturating_sub(times.written)).collect())
}
