//! The placements in which runs are played: each plays a batch concurrently, and ends.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use actix::{Arbiter, System};
use actix_web::{App, HttpServer, web};
use futures_util::future::join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::leftovers::open_files;
use crate::play::{Stage, play};
use crate::scenario::{Placement, Scenario};
use crate::trace::Trace;

/// The traces of a batch, and the resources that the batch leaked.
pub(crate) type Played = (Vec<(Scenario, Trace)>, Vec<String>);

/// Plays scenarios of one placement.
pub(crate) fn stage(placement: Placement, scenarios: Vec<Scenario>) -> Played {
    match placement {
        Placement::System => system(scenarios),
        Placement::Arbiter => (backstage(scenarios, from_an_arbiter), Vec::new()),
        Placement::Tokio => (backstage(scenarios, from_plain_tokio), Vec::new()),
        Placement::Worker => (backstage(scenarios, from_a_worker), Vec::new()),
    }
}

/// How far the clock advances while nothing happens. It also advances while data is on its way through the kernel,
/// so timeouts must be many times as long.
const TICK: Duration = Duration::from_millis(10);

/// Long enough for pooled connections to expire.
const KEPT: Duration = Duration::from_secs(60);

/// Plays on one thread with its upstreams, on a paused clock.
fn system(scenarios: Vec<Scenario>) -> Played {
    System::new().block_on(async {
        tokio::time::pause();
        let ticking = actix_rt::spawn(async {
            loop {
                tokio::time::sleep(TICK).await;
            }
        });
        let runtime = tokio::runtime::Handle::current();
        let before = (open_files(), runtime.metrics().num_alive_tasks());
        let stage = Stage { upstreams: runtime.clone(), actors: None, paused: true };
        let runs = scenarios.into_iter().map(|scenario| {
            let run = actix_rt::spawn(play(scenario, stage.clone()));
            async move { (scenario, run.await.unwrap()) }
        });
        let played = join_all(runs).await;
        tokio::time::sleep(KEPT).await;
        let after = (open_files(), runtime.metrics().num_alive_tasks());
        ticking.abort();
        let mut left = Vec::new();
        if before != after {
            left.push(format!("(files, tasks) were {before:?} and are {after:?}"));
        }
        (played, left)
    })
}

/// Runs `stage` with an arbiter for actors and a runtime for upstreams.
fn backstage<F: Future<Output = Vec<(Scenario, Trace)>>>(
    scenarios: Vec<Scenario>,
    on: impl FnOnce(Vec<Scenario>, Stage) -> F,
) -> Vec<(Scenario, Trace)> {
    let upstreams =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let played = System::new().block_on(async {
        let actors = Arbiter::new();
        let stage =
            Stage { upstreams: upstreams.handle().clone(), actors: Some(actors.handle()), paused: false };
        let played = on(scenarios, stage).await;
        actors.stop();
        actors.join().unwrap();
        played
    });
    upstreams.shutdown_timeout(Duration::from_secs(10));
    played
}

async fn from_an_arbiter(scenarios: Vec<Scenario>, stage: Stage) -> Vec<(Scenario, Trace)> {
    let arbiter = Arbiter::new();
    let (sender, mut receiver) = unbounded_channel();
    for scenario in scenarios {
        let (stage, sender) = (stage.clone(), sender.clone());
        arbiter.spawn(async move {
            let trace = play(scenario, stage).await;
            let _ = sender.send((scenario, trace));
        });
    }
    drop(sender);
    let mut played = Vec::new();
    while let Some(run) = receiver.recv().await {
        played.push(run);
    }
    arbiter.stop();
    arbiter.join().unwrap();
    played
}

async fn from_plain_tokio(scenarios: Vec<Scenario>, stage: Stage) -> Vec<(Scenario, Trace)> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let runs = scenarios.into_iter().map(|scenario| {
        let run = runtime.spawn(play(scenario, stage.clone()));
        async move { (scenario, run.await.unwrap()) }
    });
    let played = join_all(runs).await;
    runtime.shutdown_background();
    played
}

/// The input of a server's workers: the scenarios, and the channel for the traces.
struct Jobs {
    scenarios: Vec<Scenario>,
    stage: Stage,
    played: UnboundedSender<(Scenario, Trace)>,
}

async fn run(number: web::Path<usize>, jobs: web::Data<Jobs>) -> &'static str {
    let scenario = jobs.scenarios[*number];
    let trace = play(scenario, jobs.stage.clone()).await;
    let _ = jobs.played.send((scenario, trace));
    "played"
}

async fn from_a_worker(scenarios: Vec<Scenario>, stage: Stage) -> Vec<(Scenario, Trace)> {
    let count = scenarios.len();
    let (sender, mut receiver) = unbounded_channel();
    let jobs = web::Data::from(Arc::new(Jobs { scenarios, stage, played: sender }));
    let server =
        HttpServer::new(move || App::new().app_data(jobs.clone()).route("/{number}", web::get().to(run)))
            .workers(1)
            // The machine may be busy.
            .client_request_timeout(Duration::ZERO)
            .disable_signals()
            .bind("127.0.0.1:0")
            .unwrap();
    let address = server.addrs()[0];
    let server = server.run();
    let handle = server.handle();
    let server = actix_rt::spawn(server);
    join_all((0..count).map(|number| async move {
        let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = format!("GET /{number} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("played"), "{answer}");
    }))
    .await;
    handle.stop(false).await;
    server.await.unwrap().unwrap();
    let mut played = Vec::new();
    while let Some(run) = receiver.recv().await {
        played.push(run);
    }
    played
}
