//! What holds of the protocol core whatever bytes come.
//!
//! Each [`Property`] is a function of bytes that panics where it does not hold. `tests/fuzz` hands it what libFuzzer finds;
//! `tests/tests/properties.rs` what [`mutate::Generator`] makes of real captures from a seed. The first bytes of an input
//! choose how it is played ([`input::Input`]), so that a fuzzer can change that too; the rest is what a server sends.
#![allow(clippy::unwrap_used)]

pub mod accumulators;
pub mod dialects;
pub mod forms;
pub mod input;
pub mod multipart;
pub mod mutate;
pub mod partial_json;
pub mod seeds;
pub mod session;
pub mod shapes;
pub mod sse;
pub mod template;

/// What holds whatever bytes come.
#[derive(Debug, Clone, Copy)]
pub struct Property {
    /// Its name, which is that of the fuzz target.
    pub name: &'static str,
    /// Panics where it does not hold.
    pub check: fn(&[u8]),
    /// Inputs to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All of them.
pub const ALL: [Property; 8] = [
    Property { name: "sse_decoder", check: sse::check, seeds: seeds::bodies },
    Property { name: "session", check: session::check, seeds: seeds::sessions },
    Property { name: "template", check: template::check, seeds: seeds::events },
    Property { name: "forms", check: forms::check, seeds: forms::seeds },
    Property { name: "dialects", check: dialects::check, seeds: dialects::seeds },
    Property { name: "accumulators", check: accumulators::check, seeds: seeds::events },
    Property { name: "partial_json", check: partial_json::check, seeds: seeds::json },
    Property { name: "multipart", check: multipart::check, seeds: seeds::forms },
];

/// The property of this name.
///
/// # Panics
/// When there is none.
pub fn named(name: &str) -> Property {
    let found = ALL.into_iter().find(|property| property.name == name);
    found.unwrap_or_else(|| panic!("there is no property {name}"))
}
