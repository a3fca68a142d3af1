//! Measures a snapshot of a folder: `measure FOLDER SCRATCH [ROUNDS]`. SCRATCH must not exist; the
//! store, the index and the copy go there.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a tool for the people who work on this crate"
)]

use std::path::Path;
use std::time::Instant;

use outhaul_snapshot::{BlobStore, TakeOptions, git_state, materialise, silent, take};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (source, scratch) = (Path::new(&args[0]), Path::new(&args[1]));
    let rounds: u32 = args.get(2).map_or(5, |rounds| rounds.parse().unwrap());
    std::fs::create_dir(scratch).unwrap();
    let index = scratch.join("index");
    for round in 0..rounds {
        let start = Instant::now();
        let store = BlobStore::open(scratch.join("store")).unwrap();
        let taken = take(source, &store, &index, &TakeOptions::default(), &silent).unwrap();
        let took = start.elapsed();
        println!(
            "take {round}: {took:?}, {} files, {} read",
            taken.file_count, taken.files_read
        );
        if round + 1 == rounds {
            let start = Instant::now();
            let verify = TakeOptions {
                verify: true,
                ..TakeOptions::default()
            };
            take(source, &store, &index, &verify, &silent).unwrap();
            println!("take with verify: {:?}", start.elapsed());
            let start = Instant::now();
            materialise(&taken.tree, &store, &scratch.join("copy")).unwrap();
            println!("materialise: {:?}", start.elapsed());
            let start = Instant::now();
            let git = git_state(source);
            println!("git: {:?} {git:?}", start.elapsed());
        }
    }
}
