//! The generated files that are checked in are those that the generator writes.
#![allow(clippy::unwrap_used)]

#[test]
fn the_generated_files_are_up_to_date() {
    let wrong = actorstream_xtask::check().unwrap();
    assert!(wrong.is_empty(), "run `cargo run -p actorstream-xtask -- generate`: {wrong:#?}");
}

/// An entry of the table that no schema needs any more would name the next one of that name.
#[test]
fn every_entry_of_the_table_of_names_is_used() {
    let unused = actorstream_xtask::unused_names().unwrap();
    assert!(unused.is_empty(), "take these out of src/type_names.rs: {unused:#?}");
}
