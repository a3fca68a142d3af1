//! What tests share: the behaviour suite that every driver must pass, a data folder with the real program working on
//! it, seeded chance, conda channels, a real SSH server, a second host and links that break on demand. Used by tests only.

pub mod certificate;
pub mod code;
pub mod conda_channel;
pub mod dockerd;
pub mod driver_suite;
pub mod flaky_proxy;
pub mod home;
pub mod local_shell;
pub mod netns;
pub mod process;
pub mod random;
pub mod slurm;
pub mod spark;
pub mod sshd;
