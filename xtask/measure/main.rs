//! What the benchmarks need of Outhaul's own crates or of an asynchronous runtime. Started by `cargo xtask bench`, never by
//! a person.
#![expect(clippy::print_stdout, reason = "it answers on its standard output")]

mod fill;
mod load;
mod snapshot;
mod tracked;

use anyhow::{Result, bail};

const USAGE: &str = "usage: measure fill DATABASE COUNT | measure fill-tracked DATABASE EXPERIMENT COUNT | \
                     measure snapshot FOLDER SCRATCH | measure load ADDRESS PATH BODY EXPECTED CONNECTIONS SECONDS";

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["fill", database, count] => fill::fill(database.as_ref(), count.parse()?),
        ["fill-tracked", database, experiment, count] => {
            tracked::fill(database.as_ref(), experiment, count.parse()?)
        }
        ["snapshot", folder, scratch] => snapshot::serve(folder.as_ref(), scratch.as_ref()),
        ["load", address, path, body, expected, connections, seconds] => {
            let asked = load::Asked {
                address: address.parse()?,
                path,
                body,
                expected,
            };
            println!("{}", load::run(&asked, connections.parse()?, seconds.parse()?)?);
            Ok(())
        }
        _ => bail!("{USAGE}"),
    }
}
