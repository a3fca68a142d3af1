//! Trees as bytes: what decodes is exactly what would be encoded.
#![no_main]

use libfuzzer_sys::fuzz_target;
use outhaul_snapshot::Tree;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(tree) = Tree::decode(bytes) {
        assert_eq!(tree.encode(), bytes);
        for entry in tree.entries() {
            assert!(
                !entry.path.starts_with('/')
                    && !entry.path.split('/').any(|part| part.is_empty() || part == "..")
            );
        }
    }
});
