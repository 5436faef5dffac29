//! `Link`: a connection that is re-established whenever it is lost.

use std::time::Duration;

use redis::aio::ConnectionLike;
use redis::{AsyncConnectionConfig, Cmd, Pipeline, RedisError, RedisResult, Script, ServerErrorKind, Value};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout_at};

use super::fault::{Remedy, Words, remedy};
use super::scripts::Call;
use super::source::{Connection, Source};
use crate::store::StoreError;

/// The first and the longest pause between attempts to connect.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(500));
/// How often a connection is checked, since a vanished peer is not reported.
const PING: Duration = Duration::from_secs(2);
/// The maximum number of commands queued for writing; further ones wait.
const QUEUE: usize = 1024;

/// The timeouts.
#[derive(Debug, Clone, Copy)]
pub(super) struct RedisTimeouts {
    /// For a connection, and for the reply to a command.
    pub(super) answer: Duration,
    /// For an operation, over all attempts.
    pub(super) operation: Duration,
}

/// The connection for commands. This is a handle for all threads; [`keep`] maintains the connection itself on one
/// thread.
#[derive(Clone)]
pub(super) struct Link {
    state: watch::Receiver<State>,
    /// The number of the last connection that was found broken.
    broken: watch::Sender<u64>,
    timeouts: RedisTimeouts,
    words: Words,
}

#[derive(Clone)]
enum State {
    Down { since: Instant, why: Option<RedisError> },
    Up { connection: Connection, number: u64 },
}

/// The state of [`keep`].
pub(super) struct Reconnector {
    source: Source,
    state: watch::Sender<State>,
    broken: watch::Receiver<u64>,
    timeouts: RedisTimeouts,
    words: Words,
}

/// Creates a link, and its reconnector.
pub(super) fn link(source: Source, timeouts: RedisTimeouts) -> (Link, Reconnector) {
    let (state, state_of_link) = watch::channel(State::Down { since: Instant::now(), why: None });
    let (broken, broken_of_keeper) = watch::channel(0);
    let words = Words::of(source.info());
    let reconnector = Reconnector { source, state, broken: broken_of_keeper, timeouts, words: words.clone() };
    (Link { state: state_of_link, broken, timeouts, words }, reconnector)
}

/// Keeps the connection of a link alive forever.
pub(super) async fn keep(mut reconnector: Reconnector) {
    let mut number = 0;
    let mut pause = PAUSES.0;
    let mut is_away = false;
    loop {
        let why = match reconnector.source.connect(reconnector.timeouts).await {
            Ok(connection) => {
                number += 1;
                pause = PAUSES.0;
                if std::mem::take(&mut is_away) {
                    tracing::info!("connected to Redis again");
                }
                reconnector.state.send_replace(State::Up { connection: connection.clone(), number });
                tokio::select! {
                    _ = reconnector.broken.wait_for(|broken| *broken >= number) => None,
                    why = silence(connection) => Some(why),
                    () = moved(&reconnector.source, reconnector.timeouts) => None,
                }
            }
            Err(why) => {
                // The first connect returns the error to its caller instead.
                if number > 0 && !std::mem::replace(&mut is_away, true) {
                    let error = reconnector.words.describe(&why);
                    tracing::warn!(%error, "Redis is unavailable; reconnecting");
                }
                Some(why)
            }
        };
        reconnector.state.send_modify(|state| {
            let since = if let State::Down { since, .. } = state { *since } else { Instant::now() };
            *state = State::Down { since, why };
        });
        sleep(pause.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
        pause = (pause * 2).min(PAUSES.1);
    }
}

/// Returns the configuration of connections, with a timeout for each reply.
pub(super) fn config(timeouts: RedisTimeouts) -> AsyncConnectionConfig {
    AsyncConnectionConfig::new()
        .set_connection_timeout(Some(timeouts.answer))
        .set_response_timeout(Some(timeouts.answer))
        .set_pipeline_buffer_size(QUEUE)
}

/// Waits until the sentinels, if there are any, report another primary.
pub(super) async fn moved(source: &Source, timeouts: RedisTimeouts) {
    let mut before = None;
    while !source.has_moved(timeouts, &mut before).await {
        sleep(PING).await;
    }
}

/// Waits until a connection no longer answers.
pub(super) async fn silence(mut connection: Connection) -> RedisError {
    let ping = redis::cmd("PING");
    loop {
        sleep(PING).await;
        if let Err(error) = ping.query_async::<Value>(&mut connection).await {
            return error;
        }
    }
}

impl Link {
    /// Returns the formatter of its errors.
    pub(super) fn words(&self) -> &Words {
        &self.words
    }

    /// Waits for the first connection.
    ///
    /// # Errors
    /// The reason for the first failure. A timeout is retried until the timeout of an operation expires.
    pub(super) async fn connected(&self) -> Result<(), RedisError> {
        let deadline = Instant::now() + self.timeouts.operation;
        let mut state = self.state.clone();
        loop {
            let is_late = Instant::now() >= deadline;
            match &*state.borrow_and_update() {
                State::Up { .. } => return Ok(()),
                State::Down { why: Some(why), .. } if is_late || !why.is_timeout() => return Err(why.clone()),
                State::Down { .. } => {}
            }
            // Attempts to connect have timeouts, so the state always changes.
            if state.changed().await.is_err() {
                return Ok(());
            }
        }
    }

    /// Calls a script. Retries while the connection or the server is unavailable, until the timeout of an operation
    /// expires.
    pub(super) async fn call(&self, call: &Call) -> Result<Value, StoreError> {
        self.attempts(&call.command, Some(call.script)).await
    }

    /// Sends a command, with the retries of [`call`](Self::call).
    pub(super) async fn command(&self, command: &Cmd) -> Result<Value, StoreError> {
        self.attempts(command, None).await
    }

    /// Sends commands together, once. Returns `None` if there is no connection or no reply.
    pub(super) async fn pipeline(&self, commands: &Pipeline) -> Option<Vec<Value>> {
        let State::Up { mut connection, number } = self.state.borrow().clone() else { return None };
        match connection.req_packed_commands(commands, 0, commands.len()).await {
            Ok(values) => Some(values),
            Err(error) => {
                if remedy(&error) == Remedy::Reconnect {
                    self.give_up(number);
                }
                None
            }
        }
    }

    async fn attempts(&self, command: &Cmd, script: Option<&Script>) -> Result<Value, StoreError> {
        let deadline = Instant::now() + self.timeouts.operation;
        let mut state = self.state.clone();
        let mut tried = 0;
        let mut last = None;
        loop {
            let (mut connection, number) = match self.up(&mut state, tried, deadline).await {
                Ok(up) => up,
                Err(why) => return Err(last.or(why).map_or_else(silent, |why| self.words.store_error(&why))),
            };
            let error = match timeout_at(deadline, attempt(&mut connection, command, script)).await {
                Ok(Ok(value)) => return Ok(value),
                Ok(Err(error)) => error,
                Err(_) => {
                    self.give_up(number);
                    return Err(last.map_or_else(silent, |why| self.words.store_error(&why)));
                }
            };
            match remedy(&error) {
                Remedy::Reconnect => {
                    self.give_up(number);
                    tried = number;
                }
                Remedy::Wait => sleep(PAUSES.1 / 5).await,
                Remedy::None => return Err(self.words.store_error(&error)),
            }
            if Instant::now() >= deadline {
                return Err(self.words.store_error(&error));
            }
            last = Some(error);
        }
    }

    /// Waits for a connection newer than the one tried, at most until the deadline. If Redis has been unavailable
    /// for the timeout of an operation, it does not wait.
    async fn up(
        &self,
        state: &mut watch::Receiver<State>,
        tried: u64,
        deadline: Instant,
    ) -> Result<(Connection, u64), Option<RedisError>> {
        let deadline = match &*state.borrow() {
            State::Down { since, why: Some(_) } => deadline.min(*since + self.timeouts.operation),
            State::Down { .. } | State::Up { .. } => deadline,
        };
        let newer = |state: &State| matches!(state, State::Up { number, .. } if *number > tried);
        if let Ok(Ok(state)) = timeout_at(deadline, state.wait_for(newer)).await
            && let State::Up { connection, number } = &*state
        {
            return Ok((connection.clone(), *number));
        }
        match &*state.borrow() {
            State::Down { why, .. } => Err(why.clone()),
            State::Up { .. } => Err(None),
        }
    }

    fn give_up(&self, number: u64) {
        self.broken.send_if_modified(|broken| {
            let is_new = *broken < number;
            *broken = number.max(*broken);
            is_new
        });
    }
}

/// Sends a command. If the server does not know the script, loads it and sends the command again.
async fn attempt(connection: &mut Connection, command: &Cmd, script: Option<&Script>) -> RedisResult<Value> {
    match (command.query_async(connection).await, script) {
        (Err(error), Some(script)) if error.kind() == ServerErrorKind::NoScript.into() => {
            script.load_async(connection).await?;
            command.query_async(connection).await
        }
        (answer, _) => answer,
    }
}

/// Returns the error if there is neither a reply nor a reason.
fn silent() -> StoreError {
    StoreError::unavailable("Redis does not answer in time")
}

/// Returns the milliseconds for the expiry of a key: at least 1, and at most ten years.
pub(super) fn millis(duration: Duration) -> u64 {
    span(duration).max(1)
}

/// Returns the milliseconds, at most ten years.
pub(super) fn span(duration: Duration) -> u64 {
    const TEN_YEARS: u128 = 10 * 365 * 24 * 3600 * 1000;
    duration.as_millis().min(TEN_YEARS) as u64
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let up = matches!(*self.state.borrow(), State::Up { .. });
        f.debug_struct("Link").field("connected", &up).field("timeouts", &self.timeouts).finish()
    }
}
