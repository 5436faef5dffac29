//! One end, and nothing after it.

use actorstream_test::Recorder;

use std::panic::{AssertUnwindSafe, catch_unwind};

fn complaint(events: &[&'static str]) -> Option<String> {
    let recorder = Recorder::new(|event: &&str| event.starts_with("end"));
    events.iter().for_each(|event| recorder.push(*event));
    let caught = catch_unwind(AssertUnwindSafe(|| recorder.assert_one_end()));
    caught.err().map(|panic| *panic.downcast::<String>().unwrap())
}

#[test]
fn one_end_is_asserted() {
    assert_eq!(complaint(&["a", "b", "end"]), None);
    assert_eq!(complaint(&["end"]), None);
    let none = complaint(&["a", "b"]).unwrap();
    assert!(none.contains("did not end; 2 event(s), the last one was Some(\n    \"b\""), "{none}");
    let more = complaint(&["a", "end", "b"]).unwrap();
    assert!(more.contains("1 end(s) and 1 event(s) behind the first one, which was number 1"), "{more}");
    let two = complaint(&["end", "end again"]).unwrap();
    assert!(two.contains("2 end(s)") && two.contains("end again"), "{two}");
}

#[tokio::test]
async fn a_sink_on_another_thread() {
    let recorder = Recorder::new(|event: &u32| *event == 9);
    assert!(recorder.is_empty());
    let mut sink = recorder.clone().sink();
    let thread = std::thread::spawn(move || (0..10).for_each(&mut sink));
    recorder.reached(3).await;
    recorder.ended().await;
    thread.join().unwrap();
    assert_eq!(recorder.len(), 10);
    assert_eq!(recorder.with(|events| events[4]), 4);
    recorder.assert_one_end();
}
