//! Hosts: places with a shell and files on which runs live. The run directory protocol ([`run_dir`]) is pure and
//! the same for every host; [`this_machine`] carries it out here, [`remote`] on a machine that is reached by a shell.

pub mod environment;
pub mod launcher;
pub mod remote;
pub mod run_dir;
pub mod staging;
pub mod this_machine;
