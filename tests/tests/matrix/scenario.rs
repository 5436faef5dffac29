//! `Scenario`: what a run plays, drawn from its seed and told in words.

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
    /// Where in the life of a stream the fault comes.
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
    /// What the server does then.
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
    /// What the target does.
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
    /// Where the stream is started.
    Placement {
        System = "a System",
        Arbiter = "an Arbiter",
        Tokio = "plain tokio",
        Worker = "an actix-web worker",
    }
}

/// How many events come at least in a long run, with a [gap](crate::wire::Pace::gap) between any two.
pub(crate) const LONG_RUN: usize = 20;

/// How the body says where it ends.
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

/// What a run plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scenario {
    pub(crate) seed: u64,
    pub(crate) phase: Phase,
    pub(crate) fault: Fault,
    pub(crate) manner: Manner,
    pub(crate) placement: Placement,
    pub(crate) framing: Framing,
    pub(crate) tls: bool,
    /// Another stream has used the connection before.
    pub(crate) warm: bool,
    /// The events of the whole stream; the last one brings the finish reason.
    pub(crate) events: usize,
    /// How many of them come whole before the fault.
    pub(crate) before: usize,
    /// Those come in one piece.
    pub(crate) joined: bool,
    /// A comment comes before the first event.
    pub(crate) comment: bool,
    /// The target acts at its n-th event, counted from 1.
    pub(crate) acts_at: usize,
    /// Which of the fault's flavours it is: 0, 1 or 2.
    pub(crate) flavour: usize,
    /// Where something is cut, to be taken modulo its length.
    pub(crate) cut: usize,
    /// The handle is dropped at once.
    pub(crate) drops_handle: bool,
    /// A fast target is an actor, a closure or a channel: 0, 1 or 2.
    pub(crate) kind: usize,
    /// The target lives on another thread, where the placement allows it.
    pub(crate) elsewhere: bool,
}

impl Scenario {
    /// The scenario of a seed.
    pub(crate) fn draw(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        // Seeds that follow one another give first numbers that do, too.
        rng.u64(..);
        let phase = *rng.choice(Phase::ALL).unwrap();
        let fault = *rng.choice(Fault::ALL).unwrap();
        let manner = *rng.choice(Manner::ALL).unwrap();
        // A System has a clock that stands still, so that its runs cost least.
        let placement = match rng.usize(..10) {
            0..4 => Placement::System,
            4..6 => Placement::Arbiter,
            6..8 => Placement::Tokio,
            _ => Placement::Worker,
        };
        Self::with(seed, phase, fault, manner, placement)
    }

    /// The scenario of a seed, but for what is given.
    pub(crate) fn with(seed: u64, phase: Phase, fault: Fault, manner: Manner, placement: Placement) -> Self {
        let mut rng = Rng::with_seed(!seed);
        rng.u64(..);
        let long = phase == Phase::AfterALongRun;
        let events = if long { LONG_RUN + rng.usize(1..=8) } else { rng.usize(3..=8) };
        let before = match phase {
            Phase::BetweenEvents => rng.usize(1..events),
            Phase::AfterALongRun => rng.usize(LONG_RUN..events),
            Phase::InsideEvent => rng.usize(..events),
            // The last event, of the finish reason, has no such character.
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
            // Silence after the whole body would be no fault.
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

    /// The fault comes on a connection before its request was read.
    pub(crate) fn at_accept(&self) -> bool {
        matches!(self.phase, Phase::Connect | Phase::Tls | Phase::RequestBody)
    }

    /// The fault comes in the middle of an event.
    pub(crate) fn inside(&self) -> bool {
        matches!(self.phase, Phase::InsideEvent | Phase::InsideCharacter)
    }

    /// Nobody listens at all: a RST to the SYN.
    pub(crate) fn refused(&self) -> bool {
        (self.phase, self.fault, self.flavour) == (Phase::Connect, Fault::Reset, 0)
    }

    /// Nobody answers the SYN.
    pub(crate) fn unanswered(&self) -> bool {
        (self.phase, self.fault) == (Phase::Connect, Fault::Silence)
    }

    /// The text of the n-th event of the good stream, from 0.
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
