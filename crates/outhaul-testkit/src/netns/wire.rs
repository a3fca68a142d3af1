//! A namespace and the pair of interfaces that leads to it: made, taken down and up, and removed, also by a later test
//! when the one that made it was killed.

use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use nix::sys::signal::Signal;

use super::loss;
use crate::process::signal;

/// Where namespaces with a name lie.
const NAMESPACES: &str = "/run/netns";
/// What the names of ours begin with.
const PREFIX: &str = "outhaul-";
/// The networks of four addresses from which wires take theirs, 10.192.0.0/10, have numbers below this.
const SLOTS: u32 = 1 << 20;
/// How many of them are tried.
const TRIES: u32 = 50;
/// The name of the interface inside.
pub(super) const INNER: &str = "eth0";
/// Worse than any way that a system chooses by itself.
const LAST_RESORT: &str = "4278198272";

/// A namespace that can be reached by an address. It is gone when this is dropped.
pub(super) struct Wire {
    namespace: String,
    slot: u32,
}

impl Wire {
    /// Makes one, after what dead tests have left is removed.
    pub(super) fn new() -> Result<Self, String> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        if !nix::unistd::geteuid().is_root() {
            return Err("only root can make a network namespace".into());
        }
        sweep()?;
        let pid = std::process::id();
        for _ in 0..TRIES {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            // Far apart, so that processes with neighbouring numbers seldom ask for the same one.
            let slot = pid.wrapping_mul(4099).wrapping_add(number) % SLOTS;
            if !is_free(slot)? || !claim(slot)? {
                continue;
            }
            // From here on it is removed, however far it gets.
            let wire = Self {
                namespace: format!("{PREFIX}{pid}-{slot}"),
                slot,
            };
            wire.build()?;
            return Ok(wire);
        }
        Err(format!("none of {TRIES} networks is free"))
    }

    fn build(&self) -> Result<(), String> {
        let (namespace, outer) = (self.namespace.as_str(), self.outer());
        let near = format!("{}/30", address(self.slot, 1));
        let far = format!("{}/30", address(self.slot, 2));
        ip(&["netns", "add", namespace])?;
        let pair = [
            "link", "add", &outer, "type", "veth", "peer", "name", INNER, "netns",
        ];
        ip(&[&pair[..], &[namespace]].concat())?;
        ip(&["address", "add", &near, "dev", &outer])?;
        ip(&["-n", namespace, "address", "add", &far, "dev", INNER])?;
        ip(&["-n", namespace, "link", "set", "lo", "up"])?;
        ip(&["-n", namespace, "link", "set", INNER, "up"])?;
        self.set("up")
    }

    /// Takes the outer end `up` or `down`. Its address stays, and the way back to it comes with `up`.
    pub(super) fn set(&self, state: &str) -> Result<(), String> {
        ip(&["link", "set", &self.outer(), state]).map(drop)
    }

    pub(super) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The address of the host in the namespace.
    pub(super) fn far_address(&self) -> Ipv4Addr {
        address(self.slot, 2)
    }

    /// The name of the interface outside.
    pub(super) fn outer(&self) -> String {
        outer(self.slot)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        remove(&self.namespace, self.slot);
    }
}

fn outer(slot: u32) -> String {
    format!("oh{slot}")
}

fn address(slot: u32, host: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(Ipv4Addr::new(10, 192, 0, 0).to_bits() + slot * 4 + host)
}

fn network(slot: u32) -> String {
    format!("{}/30", address(slot, 0))
}

/// Whether no other way than the default one leads to or into a network.
fn is_free(slot: u32) -> Result<bool, String> {
    let network = network(slot);
    for relation in ["match", "root"] {
        let ways = ip(&["-4", "route", "show", "table", "all", relation, &network])?;
        if !ways.lines().all(|way| way.starts_with("default")) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Takes a network by a last way that leads nowhere: without it, packets would leave by the default way while the link
/// is down. The kernel accepts it once, so that no two tests have the same network.
fn claim(slot: u32) -> Result<bool, String> {
    match ip(&[
        "route",
        "add",
        "unreachable",
        &network(slot),
        "metric",
        LAST_RESORT,
    ]) {
        Ok(_) => Ok(true),
        Err(reason) if reason.contains("File exists") => Ok(false),
        Err(reason) => Err(reason),
    }
}

/// Removes all of a wire; what is not there is no error.
fn remove(namespace: &str, slot: u32) {
    let inside = ip(&["netns", "pids", namespace]).unwrap_or_default();
    for pid in inside.lines().filter_map(|line| line.trim().parse().ok()) {
        signal(pid, Signal::SIGKILL);
    }
    loss::remove_rules(&outer(slot));
    let _ = ip(&["link", "delete", &outer(slot)]);
    let _ = ip(&["netns", "delete", namespace]);
    // Last: with it goes the claim.
    let _ = ip(&[
        "route",
        "delete",
        "unreachable",
        &network(slot),
        "metric",
        LAST_RESORT,
    ]);
}

/// Removes the wires of processes that are dead.
fn sweep() -> Result<(), String> {
    let entries = std::fs::read_dir(NAMESPACES).into_iter().flatten().flatten();
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        let parts = name.strip_prefix(PREFIX).and_then(|rest| rest.split_once('-'));
        let Some((Ok(pid), Ok(slot))) = parts.map(|(pid, slot)| (pid.parse::<u32>(), slot.parse())) else {
            continue;
        };
        if slot < SLOTS && !Path::new(&format!("/proc/{pid}")).exists() {
            remove(&name, slot);
        }
    }
    // Says in one go whether there is an `ip` at all.
    ip(&["-Version"]).map(drop)
}

fn ip(arguments: &[&str]) -> Result<String, String> {
    run("ip", arguments)
}

/// Runs a program to its end; gives what it said, or why it failed.
pub(super) fn run(program: &str, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("`{program}` cannot be started: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.lines().next().unwrap_or("it says nothing").to_owned();
    Err(format!("`{program} {}`: {said}", arguments.join(" ")))
}
