//! Environment files. The first byte chooses the format.
#![no_main]

use libfuzzer_sys::fuzz_target;

const NAMES: [&str; 4] = [
    "environment.yml",
    "requirements.txt",
    "environment.toml",
    "environment",
];

fuzz_target!(|bytes: &[u8]| {
    let Some((first, text)) = bytes.split_first() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    let name = NAMES[usize::from(*first) % NAMES.len()];
    match outhaul_environment::parse(name, text) {
        Ok(spec) => drop(outhaul_environment::spec_id(&spec)),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
