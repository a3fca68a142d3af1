//! Packets that get lost on a wire: by the kernel's `netem` where it has that, else by a rule at each end that drops a
//! share of what arrives.

use super::wire::{INNER, Wire, run};

/// Begins to lose so many of a hundred packets, or another share than before.
pub(super) fn begin(wire: &Wire, percent: u8) -> Result<(), String> {
    end(wire);
    let begun = by_netem(wire, percent).or_else(|first| {
        by_rules(wire, percent)
            .map_err(|second| format!("neither netem nor a rule can do it: {first}; {second}"))
    });
    if begun.is_err() {
        end(wire);
    }
    begun
}

/// Loses nothing any more.
pub(super) fn end(wire: &Wire) {
    let _ = run("tc", &["qdisc", "delete", "dev", &wire.outer(), "root"]);
    let _ = run(
        "tc",
        &["-n", wire.namespace(), "qdisc", "delete", "dev", INNER, "root"],
    );
    remove_rules(&wire.outer());
    let _ = inside(wire, &["-F", "INPUT"]);
}

fn by_netem(wire: &Wire, percent: u8) -> Result<(), String> {
    let share = format!("{percent}%");
    let what = ["root", "netem", "loss", &share];
    run(
        "tc",
        &[&["qdisc", "add", "dev", &wire.outer()], &what[..]].concat(),
    )?;
    let there = ["-n", wire.namespace(), "qdisc", "add", "dev", INNER];
    run("tc", &[&there[..], &what[..]].concat()).map(drop)
}

/// What arrives is dropped, not what is sent: the sender of a packet that may not leave is told, and tries again.
fn by_rules(wire: &Wire, percent: u8) -> Result<(), String> {
    let share = format!("{:.2}", f64::from(percent) / 100.0);
    let drops = [
        "-m",
        "statistic",
        "--mode",
        "random",
        "--probability",
        &share,
        "-j",
        "DROP",
    ];
    inside(wire, &[&["-A", "INPUT"], &drops[..]].concat())?;
    // Outside, the rule stands in a chain of its own, whose name says later what has to go.
    let outer = wire.outer();
    outside(&["-N", &outer])?;
    outside(&[&["-A", &outer], &drops[..]].concat())?;
    outside(&["-I", "INPUT", "-i", &outer, "-j", &outer])
}

/// Removes the rules outside for an interface, if there are any.
pub(super) fn remove_rules(outer: &str) {
    if outside(&["-F", outer]).is_ok() {
        let _ = outside(&["-D", "INPUT", "-i", outer, "-j", outer]);
        let _ = outside(&["-X", outer]);
    }
}

fn outside(arguments: &[&str]) -> Result<(), String> {
    // It waits for others that change rules.
    run("iptables", &[&["-w"], arguments].concat()).map(drop)
}

fn inside(wire: &Wire, arguments: &[&str]) -> Result<(), String> {
    let there = ["netns", "exec", wire.namespace(), "iptables", "-w"];
    run("ip", &[&there[..], arguments].concat()).map(drop)
}
