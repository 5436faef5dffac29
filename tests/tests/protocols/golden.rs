//! The encodings of each scene and of some recorded responses, as readable files in `fixtures/protocols`. `BLESS=1`
//! rewrites them.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use crate::sent::send_all;
use crate::{PROTOCOLS, recorded, scenes};

/// The recorded responses with golden files.
const RECORDED: &[&str] =
    &["aimock-chat-usage", "aimock-chat-tools", "aimock-responses-reasoning", "aimock-chat-disconnect"];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/protocols")
}

#[test]
fn what_is_sent_is_what_was_read_and_found_good() {
    let bless = std::env::var_os("BLESS").is_some();
    let scenes = scenes::all().into_iter().map(|scene| (scene.name.to_owned(), scene.api, scene.log));
    let recorded = recorded::all().into_iter().filter(|(name, ..)| RECORDED.contains(&name.as_str()));
    let mut files = Vec::new();
    let mut differ = Vec::new();
    for (name, api, log) in scenes.chain(recorded) {
        let mut sent = String::new();
        for protocol in PROTOCOLS {
            let text = String::from_utf8(send_all(protocol, api, &log)).unwrap();
            writeln!(sent, "==== {protocol:?}\n{}", text.trim_end()).unwrap();
        }
        let path = folder().join(format!("{name}.txt"));
        files.push(format!("{name}.txt"));
        if bless {
            fs::write(&path, &sent).unwrap();
        } else if fs::read_to_string(&path).unwrap_or_default() != sent {
            differ.push(format!("{name}:\n{sent}"));
        }
    }
    assert!(differ.is_empty(), "{}\nBLESS=1 writes what is sent now", differ.join("\n"));
    files.sort();
    let mut there: Vec<String> = fs::read_dir(folder())
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    there.sort();
    assert_eq!(there, files, "files that no test writes");
}
