//! The remote harness: the real program, a real SSH server, and a link between them that breaks on demand. No run is
//! lost, started twice, or left with a gap. `cargo test -p outhaul-cli --test remote`; `OUTHAUL_TEST_FULL=1` asks for the
//! long form. Where there is no `sshd`, each test says so and passes.
#![expect(clippy::unwrap_used, reason = "tests fail by a panic")]

mod bad_hosts;
mod failpoints;
mod far;
mod faults;
mod many;
mod network;
mod reboot;
mod secrets;
mod services;
mod support;
mod two_servers;
mod whole;
