//! Bodies that are sent to the API: any bytes are a submission or an error, and a submission reads back as itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use outhaul_types::api::SubmitRun;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(submitted) = serde_json::from_slice::<SubmitRun>(bytes) {
        let written = serde_json::to_vec(&submitted).expect("a submission can be written");
        let again: SubmitRun = serde_json::from_slice(&written).expect("what was written can be read");
        assert_eq!(submitted, again);
    }
});
