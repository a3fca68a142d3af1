//! Records of a run directory and of `/proc`, which may be half written or made by someone else.
#![no_main]

use libfuzzer_sys::fuzz_target;
use outhaul_host::run_dir::{
    is_zombie, parse_exit, parse_process, parse_start_ticks, parse_supervisor, parse_uptime,
};

fuzz_target!(|text: &str| {
    if let Some(identity) = parse_supervisor(text) {
        assert!(
            identity.pid > 1,
            "a signal to {} would reach others",
            identity.pid
        );
    }
    if let Some(process) = parse_process(text) {
        assert!(
            process.identity.pid > 1,
            "a signal to {} would reach others",
            process.identity.pid
        );
    }
    let _ = (
        parse_exit(text),
        parse_start_ticks(text),
        parse_uptime(text),
        is_zombie(text),
    );
});
