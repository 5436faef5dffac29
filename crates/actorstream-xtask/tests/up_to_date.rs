//! The generated files that are checked in are those that the generator writes.
#![allow(clippy::unwrap_used)]

#[test]
fn the_generated_files_are_up_to_date() {
    let wrong = actorstream_xtask::check().unwrap();
    assert!(wrong.is_empty(), "run `cargo run -p actorstream-xtask -- generate`: {wrong:#?}");
}
