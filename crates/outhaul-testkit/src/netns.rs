//! A second host for a test: a network namespace with an address of its own, an SSH server in it, and a link to it that
//! goes down and loses packets. Where there is none, the first test of a process that asks for it says so in one line.

mod loss;
mod wire;

use std::io::Write as _;
use std::sync::Once;

use crate::sshd::{Setup, Sshd};

use self::wire::Wire;

/// The host. When it is dropped, its server, its network and all that ran there are gone.
pub struct FarHost {
    // Before the wire: what runs in the namespace ends before the namespace.
    sshd: Sshd,
    wire: Wire,
}

impl FarHost {
    /// Starts the host with a server like this. Where that cannot be done, prints one line and gives `None`.
    ///
    /// # Panics
    ///
    /// If it can be done and the server does not start.
    #[must_use]
    pub fn start(setup: Setup) -> Option<Self> {
        static SAID: Once = Once::new();
        let wire = match Wire::new() {
            Ok(wire) => wire,
            Err(reason) => {
                SAID.call_once(|| say("tests on a second host", &reason));
                return None;
            }
        };
        let sshd = setup.inside(wire.namespace(), wire.far_address()).start()?;
        Some(Self { sshd, wire })
    }

    /// The host's SSH server.
    #[must_use]
    pub const fn sshd(&self) -> &Sshd {
        &self.sshd
    }

    /// The namespace in which the host lives.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.wire.namespace()
    }

    /// Takes the link down: there is no way to the host, and connections hear nothing more.
    ///
    /// # Panics
    ///
    /// If the kernel refuses.
    pub fn link_down(&self) {
        self.wire.set("down").expect("the link goes down");
    }

    /// Brings the link up again; the way to the host comes back with it.
    ///
    /// # Panics
    ///
    /// If the kernel refuses.
    pub fn link_up(&self) {
        self.wire.set("up").expect("the link comes up");
    }

    /// Loses so many of a hundred packets from now on, in both directions. Where that cannot be done, prints one line
    /// and gives `false`.
    #[must_use]
    pub fn lossy(&self, percent: u8) -> bool {
        static SAID: Once = Once::new();
        let begun = loss::begin(&self.wire, percent);
        if let Err(reason) = &begun {
            SAID.call_once(|| say("tests with packet loss", reason));
        }
        begun.is_ok()
    }

    /// Loses no packet from now on.
    pub fn lossless(&self) {
        loss::end(&self.wire);
    }
}

fn say(what: &str, reason: &str) {
    let line = format!("not run: {what}, because {reason}\n");
    let _ = std::io::stdout().lock().write_all(line.as_bytes());
}
