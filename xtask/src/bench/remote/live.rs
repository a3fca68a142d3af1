//! What a server needs that follows many runs on one machine.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};

use super::bed::Bed;
use crate::bench::idle::memory;
use crate::bench::machine::Machine;
use crate::bench::sample::Samples;
use crate::bench::table::Row;
use crate::shell;

/// How long all runs may take to be there.
const PATIENCE: Duration = Duration::from_secs(300);

/// Measures it.
pub fn measure(machine: &Machine) -> Result<Vec<Row>> {
    let count: u32 = if machine.quick { 20 } else { 200 };
    let bed = Bed::new(machine, count)?;
    let source = bed.scratch().join("source");
    std::fs::create_dir(&source)?;
    std::fs::write(source.join("hi.py"), "print(\"hi\")\n")?;
    shell::output(&mut bed.run(&source, &["true"]))?;
    let rest = Duration::from_secs(if machine.quick { 2 } else { 12 });
    std::thread::sleep(rest);
    let pid = bed.outhaul.start()?;
    let before = memory(pid, "VmRSS:")?;

    let mut ids = Vec::new();
    let measured = follow(&bed, &source, count, &mut ids).and_then(|()| {
        std::thread::sleep(rest);
        let connections = connections(bed.sshd.port)?;
        ensure!(
            connections == 1,
            "{connections} connections to the machine are open, not one"
        );
        Ok((memory(pid, "VmRSS:")?, memory(pid, "VmHWM:")?))
    });
    // Also after an error: nothing may go on when this has ended.
    end(&bed, &ids);
    let (with_runs, peak) = measured?;
    let row = |what: String, value: f64| {
        let mut samples = Samples::default();
        samples.add(value);
        let mut row = Row::time(what, samples);
        row.unit = Some("MB");
        row
    };
    Ok(vec![
        row(
            "memory of a server with a machine attached, no run".into(),
            before,
        ),
        row(format!("memory with {count} live runs on the machine"), with_runs)
            .note("one connection; each run is `sleep`"),
        row(
            format!("the most it ever was, until then, with {count} live runs"),
            peak,
        ),
    ])
}

/// Starts so many runs and waits until all of them run.
fn follow(bed: &Bed, source: &std::path::Path, count: u32, ids: &mut Vec<String>) -> Result<()> {
    for _ in 0..count {
        let mut run = bed
            .outhaul
            .command(&["run", "-q", "--detach", "--target", Bed::TARGET, "--source"]);
        run.arg(source).args(["--", "sleep", "1200"]);
        ids.push(shell::output(&mut run)?.trim().to_owned());
    }
    let start = Instant::now();
    loop {
        let list = bed
            .outhaul
            .answer(&["runs", "list", "--limit", "0", "--state", "Running"])?;
        let running = list.as_array().map_or(0, Vec::len);
        if running == ids.len() {
            return Ok(());
        }
        if start.elapsed() > PATIENCE {
            bail!(
                "{running} of {count} runs were running after {} s",
                PATIENCE.as_secs()
            );
        }
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// Ends the runs, and waits for that.
fn end(bed: &Bed, ids: &[String]) {
    for what in ["cancel", "wait"] {
        for some in ids.chunks(50) {
            let mut words = vec!["runs", what];
            words.extend(some.iter().map(String::as_str));
            // `wait` answers with the code of a run that was canceled.
            let command: &mut Command = &mut bed.outhaul.command(&words);
            shell::succeeds(command);
        }
    }
}

/// How many connections are open to a port of this machine, counted at the end that opened them.
fn connections(port: u16) -> Result<usize> {
    let all = std::fs::read_to_string("/proc/net/tcp")?;
    Ok(count(&all, port))
}

fn count(table: &str, port: u16) -> usize {
    let wanted = format!(":{port:04X}");
    let open = |line: &&str| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        matches!(columns.as_slice(), [_, _, to, "01", ..] if to.ends_with(&wanted))
    };
    table.lines().filter(open).count()
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn open_connections_are_counted_at_one_end() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue\n   \
             0: 0100007F:1F90 00000000:0000 0A 00000000:00000000\n   \
             1: 0100007F:C350 0100007F:1F90 01 00000000:00000000\n   \
             2: 0100007F:1F90 0100007F:C350 01 00000000:00000000\n   \
             3: 0100007F:C351 0100007F:1F90 06 00000000:00000000\n";
        assert_eq!(count(table, 8080), 1);
        assert_eq!(count(table, 8081), 0);
    }
}
