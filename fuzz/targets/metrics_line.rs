//! Lines of a run's metrics file, which the run's own code writes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use outhaul_types::metric::parse_line;

fuzz_target!(|bytes: &[u8]| {
    for line in bytes.split(|byte| *byte == b'\n') {
        let _ = parse_line(line);
    }
});
