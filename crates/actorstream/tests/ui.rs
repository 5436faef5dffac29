//! The compiler's messages for common mistakes. The expected output is next to the programs in `tests/ui`.

#[test]
fn compiler_messages() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/*.rs");
}
