//! Bytes → frames.

use actorstream_bench::corpus::{BLOCK, Cut, reads};
use actorstream_bench::decode::{actorstream, eventsource_stream, memchr, sse_stream};
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
    peer_eventsource_stream => eventsource_stream,
    peer_sse_stream => sse_stream,
    floor_memchr => memchr,
}
