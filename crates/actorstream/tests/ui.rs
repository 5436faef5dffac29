//! What the compiler says to who forgets something. The expected words are beside the programs in `tests/ui`.

#[test]
fn compiler_messages() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/*.rs");
}
