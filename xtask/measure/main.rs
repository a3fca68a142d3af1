//! What the benchmarks need of Outhaul's own crates: `measure fill DATABASE COUNT` and
//! `measure snapshot FOLDER SCRATCH`. Started by `cargo xtask bench`, never by a person.
#![expect(clippy::print_stdout, reason = "it answers on its standard output")]

mod fill;
mod snapshot;

use anyhow::{Result, bail};

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["fill", database, count] => fill::fill(database.as_ref(), count.parse()?),
        ["snapshot", folder, scratch] => snapshot::serve(folder.as_ref(), scratch.as_ref()),
        _ => bail!("usage: measure fill DATABASE COUNT | measure snapshot FOLDER SCRATCH"),
    }
}
