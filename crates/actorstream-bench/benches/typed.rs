//! Bytes → typed chat events.

use actorstream_bench::corpus::{BLOCK, Cut, reads};
use actorstream_bench::typed::{actorstream, async_openai, session, session_off, value};
use divan::Bencher;
use divan::counter::ItemsCount;

const CUTS: [Cut; 2] = [Cut::Events, Cut::Bytes(16 << 10)];

fn main() {
    divan::main();
}

macro_rules! benches {
    ($($name:ident => $decoder:path),* $(,)?) => {$(
        #[divan::bench(args = CUTS)]
        fn $name(bencher: Bencher<'_, '_>, cut: &Cut) {
            let reads = reads(*cut);
            bencher.counter(ItemsCount::new(BLOCK)).bench_local(|| $decoder(&reads));
        }
    )*};
}

benches! {
    ours => actorstream,
    ours_session => session,
    ours_session_not_kept => session_off,
    peer_async_openai => async_openai,
    peer_serde_json_value => value,
}
