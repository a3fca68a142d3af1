//! A second host with a network of its own.

use std::thread::sleep;
use std::time::Duration;

use outhaul_testkit::home::Home;
use outhaul_testkit::netns::FarHost;
use outhaul_testkit::sshd::Setup;

use crate::support::{Steps, attach, home, make_marks, prepare};

/// A data folder with a second host.
pub(crate) struct Far {
    pub(crate) home: Home,
    pub(crate) host: FarHost,
}

impl Far {
    /// The host, attached as `box`; `None` where there can be none.
    pub(crate) fn attached() -> Option<Self> {
        let host = FarHost::start(Setup::new())?;
        let sshd = host.sshd();
        make_marks(sshd);
        let home = home();
        prepare(&home, sshd);
        let _ = attach(&home, sshd, sshd.address(), "box", &[]).success();
        Some(Self { home, host })
    }

    pub(crate) fn steps(&self, number: usize) -> Steps {
        Steps::of(self.host.sshd(), number)
    }

    /// Takes the link down, for exactly as long as is asked for, which is what this is about.
    pub(crate) fn without_link(&self, time: Duration) {
        self.host.link_down();
        sleep(time);
        self.host.link_up();
    }
}
