//! Many concurrent streams on one thread, each with its own actor.

use actix::prelude::*;
use actorstream::ChatRequest;

use crate::Failure;
use crate::crowd::{Crowd, Report, Times, ask, client};
use crate::process::{Beside, Holds, ensure, settle};

/// No stream may lag by more than this multiple of the median lag, plus one period.
const STARVES: u64 = 20;

pub(crate) fn run(count: usize, events: usize, period: u64) -> Result<(), Failure> {
    System::new().block_on(async {
        let upstream = Beside::start(["upstream"])?;
        let openai = client(&upstream.base_url, count)?;
        // Allocations that are made only once happen before the measurement; the connection is pooled.
        ask(&openai, "whole").await?;
        let before = Holds::now()?;
        println!("before:   {before}");
        let crowd = Crowd::start(count, |_, target| {
            let request = ChatRequest::new(format!("paced {events} {period}")).user("x");
            drop(openai.chat().keep_response(false).stream(request, target));
        });
        let crowd = crowd.await?;
        let during = Holds::now()?;
        println!("with all: {during}");
        // Let the streams continue.
        ask(&openai, "go").await?;
        let reports = crowd.reports(events).await?;
        let memory = (during.memory as f64 - before.memory as f64) / count as f64;
        println!("memory:   {memory:.1} KiB for each stream with its actor");

        // A stream is represented by the median of its events.
        let mut medians: Vec<u64> = reports.into_iter().map(median).collect();
        medians.sort_unstable();
        let (half, p99, slowest) = (medians[count / 2], medians[count * 99 / 100], medians[count - 1]);
        println!("delay:    median stream {half} µs, 99 % {p99} µs, slowest {slowest} µs");
        let bound = half * STARVES + period * 1000;
        ensure(slowest <= bound, || format!("a stream starves: {slowest} µs where {bound} are allowed"))?;

        // The upstream exits, which closes its pooled connections.
        drop(openai);
        drop(upstream);
        let again = settle(before, Holds::now).await?;
        println!("after:    {again}");
        Ok(())
    })
}

/// Returns the median delay of a stream's events, in microseconds.
fn median(report: Report) -> u64 {
    let delay = |times: &Times| times.taken.saturating_sub(times.written) / 1000;
    let mut delays: Vec<_> = report.times.iter().map(delay).collect();
    delays.sort_unstable();
    delays[delays.len() / 2]
}
