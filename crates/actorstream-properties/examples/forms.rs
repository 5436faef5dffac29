//! `forms COUNT [SEED]`: plays so many streams whose events nearly repeat, and shows the seeds of those that fail.

use std::panic;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let count: u64 = arguments.next().and_then(|count| count.parse().ok()).unwrap_or(100_000);
    let seed: u64 = arguments.next().and_then(|seed| seed.parse().ok()).unwrap_or(0);
    let mut failed = 0;
    for number in seed..seed + count {
        if panic::catch_unwind(|| actorstream_properties::forms::check(&number.to_le_bytes())).is_err() {
            eprintln!("seed {number}");
            failed += 1;
            if failed == 5 {
                break;
            }
        }
    }
    println!("{count} streams from seed {seed}, {failed} failed");
    assert!(failed == 0);
}
