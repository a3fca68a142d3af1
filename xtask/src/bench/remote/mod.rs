//! Runs on a machine over SSH, against `ssh`, `rsync` and `tar | ssh` to the same server. The machine is this one, by
//! loopback: what is measured is the work, not a network.

pub(super) mod bed;
mod live;
mod noop;
mod ship;
mod sshd;

use anyhow::Result;

use super::machine::Machine;
use super::table::Row;

/// Measures it.
pub fn measure(machine: &Machine) -> Result<Vec<Row>> {
    let mut rows = noop::measure(machine)?;
    rows.extend(ship::many_files(machine)?);
    rows.extend(ship::one_file(machine)?);
    rows.extend(live::measure(machine)?);
    Ok(rows)
}
