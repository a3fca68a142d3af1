//! Takes snapshots of a folder when told to, so that other programs can be measured in between.

use std::io::{BufRead as _, Write as _};
use std::path::Path;
use std::time::Instant;

use anyhow::{Result, bail};
use outhaul_snapshot::{BlobStore, TakeOptions, silent, take};

/// Reads lines `take NAME` from standard input; the store and index of that name are made or used again. Answers
/// each with `NANOSECONDS FILES READ`.
pub fn serve(folder: &Path, scratch: &Path) -> Result<()> {
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let Some(name) = line.strip_prefix("take ") else {
            bail!("`{line}` is not `take NAME`")
        };
        let own = scratch.join(name);
        std::fs::create_dir_all(&own)?;
        let start = Instant::now();
        let store = BlobStore::open(own.join("store"))?;
        let taken = take(
            folder,
            &store,
            &own.join("index"),
            &TakeOptions::default(),
            &silent,
        )?;
        println!(
            "{} {} {}",
            start.elapsed().as_nanos(),
            taken.file_count,
            taken.files_read
        );
        std::io::stdout().flush()?;
    }
    Ok(())
}
