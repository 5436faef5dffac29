//! Writes the inputs that a fuzzer begins with: `seeds NAME FOLDER`. They are made of the captures in the tests.

use std::path::PathBuf;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let mut arguments = env::args().skip(1);
    let (Some(name), Some(folder)) = (arguments.next(), arguments.next().map(PathBuf::from)) else {
        return Err(io::Error::other("seeds NAME FOLDER"));
    };
    fs::create_dir_all(&folder)?;
    for (number, seed) in (actorstream_properties::named(&name).seeds)().into_iter().enumerate() {
        fs::write(folder.join(format!("seed-{number:03}")), seed)?;
    }
    Ok(())
}
