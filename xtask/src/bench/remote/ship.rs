//! Bringing much code to a machine, against `rsync` and `tar | ssh`, each over a connection of its own.

use std::path::Path;

use anyhow::Result;

use super::bed::Bed;
use crate::bench::machine::Machine;
use crate::bench::sample::{Samples, alternate};
use crate::bench::snapshot;
use crate::bench::table::Row;
use crate::repo;

const KNOWN: &str = "snapshot taken before; walk, record, sending, unpacking, start, end";
const WHOLE: &str = "reading and hashing all files is in it, too";
const WARM: &str =
    "walk, record, own copy, start, end; the spare copy is made in between, as between two runs of a person";

/// Many small files.
pub fn many_files(machine: &Machine) -> Result<Vec<Row>> {
    let files = if machine.quick { 2_000 } else { 20_000 };
    let what = format!("{files} files, {} MB", files * snapshot::SIZE / 1_000_000);
    let bed = Bed::new(machine, 2)?;
    let source = bed.scratch().join("source");
    let mut seed = 0;
    let mut rows = first(machine, &bed, &source, &what, || {
        seed += 1;
        remove(&source)?;
        snapshot::make(&source, files, seed)
    })?;
    let mut hashed = (Samples::default(), Samples::default());
    for round in 0..machine.rounds(3) {
        remove(&source)?;
        snapshot::make(&source, files, 1_000 + round as u64)?;
        bed.settle()?;
        hashed.0.add(bed.time(&mut bed.run(&source, &["true"]))?);
        bed.settle()?;
        hashed.1.add(rsync_to_new(&bed, &source)?);
    }
    rows.push(Row::pair(format!("{what}, first, snapshot included"), "`rsync -a`", hashed).note(WHOLE));
    rows.push(unchanged(machine, &bed, &source, &what)?);

    let mut changes = 0;
    let mut change = || {
        changes += 1;
        std::fs::write(source.join("7/7.txt"), format!("change {changes}"))
    };
    let mut changed = (Samples::default(), Samples::default());
    for _ in 0..machine.rounds(7).max(2) {
        change()?;
        bed.settle()?;
        changed.0.add(bed.time(&mut bed.run(&source, &["true"]))?);
        bed.settle()?;
        changed.1.add(rsync(&bed, &source, "kept")?);
    }
    rows.push(Row::pair(format!("{what}, one file changed"), "`rsync -a`", changed).note(WARM));
    Ok(rows)
}

/// One large file.
pub fn one_file(machine: &Machine) -> Result<Vec<Row>> {
    let (bytes, what) = if machine.quick {
        ("100000000", "one file of 100 MB")
    } else {
        ("1000000000", "one file of 1 GB")
    };
    let bed = Bed::new(machine, 2)?;
    let source = bed.scratch().join("source");
    let mut rows = first(machine, &bed, &source, what, || {
        remove(&source)?;
        std::fs::create_dir(&source)?;
        let mut fill = repo::clean("sh");
        fill.args(["-c", "head -c \"$0\" /dev/urandom > \"$1\"", bytes]);
        bed.time(fill.arg(source.join("weights.bin"))).map(drop)
    })?;
    rows.push(unchanged(machine, &bed, &source, what)?);
    Ok(rows)
}

/// A folder that the machine knows nothing of, anew each time.
fn first(
    machine: &Machine,
    bed: &Bed,
    source: &Path,
    what: &str,
    mut make: impl FnMut() -> Result<()>,
) -> Result<Vec<Row>> {
    let (mut ours, mut rsync, mut tar) = (Samples::default(), Samples::default(), Samples::default());
    for _ in 0..machine.rounds(3) {
        make()?;
        // Twice: a file that was written just before a snapshot is read once more by the next one.
        for _ in 0..2 {
            bed.time(&mut bed.run_here(source, &["true"]))?;
            bed.settle()?;
        }
        ours.add(bed.time(&mut bed.run(source, &["true"]))?);
        bed.settle()?;
        rsync.add(rsync_to_new(bed, source)?);
        bed.settle()?;
        tar.add(tar_to_new(bed, source)?);
    }
    let name = format!("{what}, first");
    Ok(vec![
        Row::pair(&name, "`rsync -a`", (ours.clone(), rsync)).note(KNOWN),
        Row::pair(&name, "`tar | ssh`", (ours, tar)).note(KNOWN),
    ])
}

/// The same folder once more.
fn unchanged(machine: &Machine, bed: &Bed, source: &Path, what: &str) -> Result<Row> {
    rsync(bed, source, "kept")?;
    bed.time(&mut bed.run(source, &["true"]))?;
    let both = alternate(
        machine.rounds(7).max(2),
        || {
            bed.settle()?;
            bed.time(&mut bed.run(source, &["true"]))
        },
        || {
            bed.settle()?;
            rsync(bed, source, "kept")
        },
    )?;
    Ok(Row::pair(format!("{what}, unchanged"), "`rsync -a`", both).note(WARM))
}

/// How long `rsync` takes into a folder there.
fn rsync(bed: &Bed, source: &Path, to: &str) -> Result<f64> {
    let mut from = source.as_os_str().to_owned();
    from.push("/");
    let mut command = repo::clean("rsync");
    command
        .args(["-a", "-e", &bed.sshd.ssh(None).join(" ")])
        .arg(from);
    command.arg(format!(
        "{}:{}/",
        bed.sshd.host(),
        bed.scratch().join(to).display()
    ));
    bed.time(&mut command)
}

fn rsync_to_new(bed: &Bed, source: &Path) -> Result<f64> {
    let took = rsync(bed, source, "new")?;
    remove(&bed.scratch().join("new"))?;
    Ok(took)
}

fn tar_to_new(bed: &Bed, source: &Path) -> Result<f64> {
    let new = bed.scratch().join("new");
    let mut command = repo::clean("sh");
    let line = "tar -C \"$1\" -cf - . | $0 \"$2\" \"mkdir $3 && tar -C $3 -xf -\"";
    command.args(["-c", line, &bed.sshd.ssh(None).join(" ")]);
    command.arg(source).arg(bed.sshd.host()).arg(&new);
    let took = bed.time(&mut command)?;
    remove(&new)?;
    Ok(took)
}

fn remove(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}
