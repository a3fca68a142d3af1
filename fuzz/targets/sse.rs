//! Event streams: the same events come out wherever the bytes are cut. The first byte says where.
#![no_main]

use libfuzzer_sys::fuzz_target;
use outhaul_client::{SseEvent, SseParser};

const LONGEST: usize = 1 << 16;

fn events(pieces: &[&[u8]]) -> Option<Vec<SseEvent>> {
    let mut parser = SseParser::new(LONGEST);
    let mut found = Vec::new();
    for piece in pieces {
        parser.push(piece, |event| found.push(event)).ok()?;
    }
    Some(found)
}

fuzz_target!(|bytes: &[u8]| {
    let Some((first, stream)) = bytes.split_first() else {
        return;
    };
    let (one, other) = stream.split_at(usize::from(*first).min(stream.len()));
    assert_eq!(events(&[stream]), events(&[one, other]));
});
