//! What tests share: the behaviour suite that every driver must pass, a data folder with the real program working on
//! it, seeded chance. Used by tests only.

pub mod dockerd;
pub mod driver_suite;
pub mod home;
pub mod process;
pub mod random;
