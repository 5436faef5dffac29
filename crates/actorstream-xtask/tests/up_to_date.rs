//! Checks that the checked-in generated files are those that the generator writes.
#![allow(clippy::unwrap_used)]

#[test]
fn the_generated_files_are_up_to_date() {
    let wrong = actorstream_xtask::check().unwrap();
    assert!(wrong.is_empty(), "run `cargo run -p actorstream-xtask -- generate`: {wrong:#?}");
}

/// A stale entry of the table would name the next schema of that name.
#[test]
fn every_entry_of_the_table_of_names_is_used() {
    let unused = actorstream_xtask::unused_names().unwrap();
    assert!(unused.is_empty(), "take these out of src/type_names.rs: {unused:#?}");
}
