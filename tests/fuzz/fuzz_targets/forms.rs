//! See `actorstream_properties`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| (actorstream_properties::named("forms").check)(input));
