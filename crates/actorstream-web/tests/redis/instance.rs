//! An instance of a service: a separate process, which can be killed.
//!
//! It is this test program, started again: the test [`instance`] serves if the environment asks for it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use actix_web::{App, HttpRequest, HttpServer, web};
use actorstream::{OpenAi, RetryPolicy};
use actorstream_web::store::RedisStore;
use actorstream_web::{Relay, Takeover};
use tokio::signal::unix::{SignalKind, signal};

/// The variable with the configuration of an instance: Redis, upstream, the lease in milliseconds, the policy.
const VARIABLE: &str = "ACTORSTREAM_TEST_INSTANCE";

/// A running instance, which is killed on drop.
pub(crate) struct Instance {
    child: Child,
    /// The URL of its routes.
    pub(crate) url: String,
}

impl Instance {
    pub(crate) fn start(redis: &str, upstream: &str, lease: Duration, takeover: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "instance::instance", "--ignored", "--nocapture"])
            .env(VARIABLE, format!("{redis} {upstream} {} {takeover}", lease.as_millis()))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let port = lines.find_map(|line| line.strip_prefix("listening on ").map(str::to_owned));
        // Read its further output, so that it never blocks.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, url: format!("http://127.0.0.1:{}/api", port.expect("the instance serves")) }
    }

    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    /// Waits until it has exited.
    pub(crate) async fn ended(&mut self) {
        crate::work::eventually(async || self.child.try_wait().unwrap().map(drop)).await;
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
#[ignore = "the takeover tests start it as a separate process"]
fn instance() {
    let Ok(settings) = std::env::var(VARIABLE) else { return };
    let settings: Vec<String> = settings.split(' ').map(str::to_owned).collect();
    actix_rt::System::new().block_on(serve(settings));
}

async fn user(request: HttpRequest) -> actix_web::Result<String> {
    let user = request.headers().get("x-user").and_then(|user| user.to_str().ok());
    user.map(str::to_owned).ok_or_else(|| actix_web::error::ErrorUnauthorized("who are you?"))
}

async fn serve(settings: Vec<String>) {
    let [redis, upstream, lease, takeover] = &settings[..] else { panic!("{settings:?}") };
    let openai =
        OpenAi::builder().base_url(upstream).api_key("k").retry(RetryPolicy::none()).build().unwrap();
    let store = RedisStore::connect(redis).await.unwrap();
    let relay = Relay::builder(openai, store, user)
        .model("m")
        .lease(Duration::from_millis(lease.parse().unwrap()))
        .takeover(match takeover.as_str() {
            "resume" => Takeover::Resume,
            "restart" => Takeover::Restart,
            _ => Takeover::Fail,
        })
        .build();
    let mounted = relay.clone();
    let server = HttpServer::new(move || {
        let relay = mounted.clone();
        App::new().service(web::scope("/api").configure(move |config| relay.configure(config)))
    })
    .workers(1)
    .h1_allow_half_closed(false)
    .disable_signals()
    .bind(("127.0.0.1", 0))
    .unwrap();
    println!("\nlistening on {}", server.addrs()[0].port());
    let server = server.run();
    let handle = server.handle();
    actix_rt::spawn(async move {
        signal(SignalKind::terminate()).unwrap().recv().await;
        relay.shutdown(Duration::from_secs(10)).await;
        handle.stop(true).await;
    });
    server.await.unwrap();
}
