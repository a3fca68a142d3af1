//! A warm run that does nothing, against the least that could be done by hand.

use anyhow::Result;

use super::bed::Bed;
use crate::bench::machine::Machine;
use crate::bench::sample::{alternate, time};
use crate::bench::table::Row;
use crate::{repo, shell};

/// Measures it.
pub fn measure(machine: &Machine) -> Result<Vec<Row>> {
    let bed = Bed::new(machine, 2)?;
    let source = bed.scratch().join("source");
    std::fs::create_dir(&source)?;
    std::fs::write(source.join("hi.py"), "print(\"hi\")\n")?;
    let (_connection, socket) = bed.sshd.share()?;

    let run = || time(&mut bed.run(&source, &["true"]));
    let ssh = || time(&mut bed.sshd.there(Some(&socket), "true"));
    let by_hand = || {
        let shell = bed.sshd.ssh(Some(&socket)).join(" ");
        let line = "rsync -a -e \"$0\" \"$1/\" \"$2:$3/\" && $0 \"$2\" true";
        let mut command = repo::clean("sh");
        command.args(["-c", line, &shell]);
        command
            .arg(&source)
            .arg(bed.sshd.host())
            .arg(bed.scratch().join("synced"));
        time(&mut command)
    };
    // Errors of the first ones are worth reading.
    shell::output(&mut bed.run(&source, &["true"]))?;
    shell::output(&mut bed.sshd.there(Some(&socket), "true"))?;
    for _ in 0..3 {
        run()?;
        by_hand()?;
    }
    let rounds = machine.rounds(41);
    let against_ssh = alternate(rounds, run, ssh)?;
    let against_both = alternate(rounds, run, by_hand)?;
    let what = "warm `outhaul run -q --target T -- true`, one file";
    Ok(vec![
        Row::pair(what, "`ssh` over an open ControlMaster, `true`", against_ssh)
            .note("the run is durable, has its own copy of the code, and is collected"),
        Row::pair(
            what,
            "`rsync -a` of it, unchanged, then `ssh`, both over it",
            against_both,
        ),
    ])
}
