//! `Scenario`: the script of a run, drawn from its seed, with a description.

use std::fmt;

use fastrand::Rng;

macro_rules! choices {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $words:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum $name { $($variant,)* }

        impl $name {
            pub(crate) const ALL: &[Self] = &[$(Self::$variant,)*];

            fn words(self) -> &'static str {
                match self { $(Self::$variant => $words,)* }
            }
        }
    };
}

choices! {
    /// The phase of the stream at which the fault occurs.
    Phase {
        Queue = "while the stream waits for a place, to the stream that has it",
        Connect = "in place of an accepted connection",
        Tls = "in place of the TLS handshake",
        RequestBody = "in the middle of the request",
        Head = "in the head",
        BeforeFirstEvent = "before the first event",
        BetweenEvents = "between two events",
        AfterALongRun = "after events have come for longer than any timeout lasts",
        InsideEvent = "inside an event",
        InsideCharacter = "inside a character",
        AfterFinishReason = "between the finish_reason and [DONE]",
        AfterDone = "after [DONE]",
    }
}

choices! {
    /// The server's fault.
    Fault {
        Fin = "FIN",
        Reset = "RST",
        Silence = "silence",
        SlowDrip = "slow drip",
        Garbage = "garbage",
        CutChunkSize = "a cut chunk size",
        WrongLength = "a wrong length",
        ErrorEvent = "an error event",
        DuplicateEnd = "a duplicate end",
        CommentsForever = "keep-alive comments for ever",
    }
}

choices! {
    /// The target's behaviour.
    Manner {
        Fast = "takes what comes",
        Slow = "is a channel that is read slowly",
        Waits = "waits with ctx.wait after each event",
        Stops = "stops",
        Panics = "panics",
        StopsInBatch = "stops in the middle of a batch",
        Cancels = "cancels inside handle_data",
        CallbackPanics = "is a callback that panics",
    }
}

choices! {
    /// The thread on which the stream is started.
    Placement {
        System = "a System",
        Arbiter = "an Arbiter",
        Tokio = "plain tokio",
        Worker = "an actix-web worker",
    }
}

/// The minimum number of events in a long run, with a [gap](crate::wire::Pace::gap) between any two.
pub(crate) const LONG_RUN: usize = 20;

/// The framing of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    Chunked,
    UntilClose,
    Length,
}

impl Framing {
    fn words(self) -> &'static str {
        match self {
            Self::Chunked => "chunked",
            Self::UntilClose => "until the connection closes",
            Self::Length => "with a content-length",
        }
    }
}

/// The script of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scenario {
    pub(crate) seed: u64,
    pub(crate) phase: Phase,
    pub(crate) fault: Fault,
    pub(crate) manner: Manner,
    pub(crate) placement: Placement,
    pub(crate) framing: Framing,
    pub(crate) tls: bool,
    /// Whether another stream has used the connection before.
    pub(crate) warm: bool,
    /// The number of events of the whole stream; the last one has the finish reason.
    pub(crate) events: usize,
    /// The number of complete events before the fault.
    pub(crate) before: usize,
    /// Whether these events arrive in one piece.
    pub(crate) joined: bool,
    /// Whether a comment precedes the first event.
    pub(crate) comment: bool,
    /// The number of the event at which the target acts, from 1.
    pub(crate) acts_at: usize,
    /// The variant of the fault: 0, 1 or 2.
    pub(crate) flavour: usize,
    /// The position of a cut, modulo the length of the data.
    pub(crate) cut: usize,
    /// Whether the handle is dropped at once.
    pub(crate) drops_handle: bool,
    /// The kind of a fast target: 0 is an actor, 1 a closure, 2 a channel.
    pub(crate) kind: usize,
    /// Whether the target lives on another thread, if the placement allows it.
    pub(crate) elsewhere: bool,
}

impl Scenario {
    /// Draws the scenario of a seed.
    pub(crate) fn draw(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        // Skip the first number: those of consecutive seeds are correlated.
        rng.u64(..);
        let phase = *rng.choice(Phase::ALL).unwrap();
        let fault = *rng.choice(Fault::ALL).unwrap();
        let manner = *rng.choice(Manner::ALL).unwrap();
        // A System runs on a paused clock, so its runs are the cheapest.
        let placement = match rng.usize(..10) {
            0..4 => Placement::System,
            4..6 => Placement::Arbiter,
            6..8 => Placement::Tokio,
            _ => Placement::Worker,
        };
        Self::with(seed, phase, fault, manner, placement)
    }

    /// Draws the scenario of a seed, except for these parameters.
    pub(crate) fn with(seed: u64, phase: Phase, fault: Fault, manner: Manner, placement: Placement) -> Self {
        let mut rng = Rng::with_seed(!seed);
        rng.u64(..);
        let long = phase == Phase::AfterALongRun;
        let events = if long { LONG_RUN + rng.usize(1..=8) } else { rng.usize(3..=8) };
        let before = match phase {
            Phase::BetweenEvents => rng.usize(1..events),
            Phase::AfterALongRun => rng.usize(LONG_RUN..events),
            Phase::InsideEvent => rng.usize(..events),
            // The last event, with the finish reason, has no such character.
            Phase::InsideCharacter => rng.usize(..events - 1),
            Phase::AfterFinishReason | Phase::AfterDone => events,
            _ => 0,
        };
        let flavour = rng.usize(..3);
        let framing = match (fault, rng.usize(..3)) {
            (Fault::CutChunkSize, _) => Framing::Chunked,
            (Fault::WrongLength, _) if flavour == 2 => Framing::Length,
            (Fault::WrongLength, _) => Framing::Chunked,
            (_, 0) => Framing::UntilClose,
            // Silence after the complete body would not be a fault.
            (Fault::Silence, 1) if phase == Phase::AfterDone => Framing::Chunked,
            (Fault::Fin | Fault::Reset | Fault::Silence | Fault::SlowDrip, 1) => Framing::Length,
            _ => Framing::Chunked,
        };
        let at_accept = matches!(phase, Phase::Connect | Phase::Tls | Phase::RequestBody);
        let tls = phase == Phase::Tls || (!at_accept && rng.usize(..8) == 0);
        Self {
            seed,
            phase,
            fault,
            manner,
            placement,
            framing,
            tls,
            warm: !at_accept && phase != Phase::Queue && rng.usize(..4) == 0,
            events,
            before,
            joined: !long && (manner == Manner::StopsInBatch || rng.bool()),
            comment: rng.bool(),
            acts_at: rng.usize(1..=events),
            flavour,
            cut: rng.usize(..),
            drops_handle: rng.usize(..6) == 0,
            kind: rng.usize(..3),
            elsewhere: rng.bool(),
        }
    }

    /// Returns whether the fault occurs on a connection before its request is read.
    pub(crate) fn at_accept(&self) -> bool {
        matches!(self.phase, Phase::Connect | Phase::Tls | Phase::RequestBody)
    }

    /// Returns whether the fault occurs in the middle of an event.
    pub(crate) fn inside(&self) -> bool {
        matches!(self.phase, Phase::InsideEvent | Phase::InsideCharacter)
    }

    /// Returns whether nothing listens: a RST answers the SYN.
    pub(crate) fn refused(&self) -> bool {
        (self.phase, self.fault, self.flavour) == (Phase::Connect, Fault::Reset, 0)
    }

    /// Returns whether the SYN is not answered.
    pub(crate) fn unanswered(&self) -> bool {
        (self.phase, self.fault) == (Phase::Connect, Fault::Silence)
    }

    /// Returns the text of the n-th event of the intact stream, from 0.
    pub(crate) fn text(&self, n: usize) -> String {
        if n + 1 < self.events { format!("{n}é😀;") } else { String::new() }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tls = if self.tls { " over TLS" } else { "" };
        let warm = if self.warm { ", on a connection used before" } else { "" };
        let joined = if self.joined { " in one piece" } else { "" };
        let comment = if self.comment { ", behind a comment" } else { "" };
        write!(
            f,
            "seed {}: a stream of {} events{tls}, {}{warm}{comment}; {} of them come{joined}, then, {}, {} (flavour {}); ",
            self.seed,
            self.events,
            self.framing.words(),
            self.before,
            self.phase.words(),
            self.fault.words(),
            self.flavour,
        )?;
        write!(
            f,
            "the target {} (at its event {}, kind {}); ",
            self.manner.words(),
            self.acts_at,
            self.kind
        )?;
        let elsewhere = if self.elsewhere { ", the target on another thread" } else { "" };
        let handle = if self.drops_handle { ", the handle dropped" } else { "" };
        write!(f, "started from {}{elsewhere}{handle}", self.placement.words())
    }
}
