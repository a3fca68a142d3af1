//! What tests share: the behaviour suite that every driver must pass. Used by tests only.

pub mod driver_suite;
