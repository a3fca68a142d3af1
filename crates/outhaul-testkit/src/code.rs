//! Code for runs of tests, and a package for it.

use std::path::Path;

use outhaul_snapshot::{BlobStore, TakeOptions, silent, take};

/// Puts files into a blob store, and gives the id of their tree. `folder` is for files on their way.
///
/// # Panics
/// When they cannot be written.
#[must_use]
pub fn tree_of(folder: &Path, blobs: &BlobStore, files: &[(&str, &str)]) -> String {
    let source = tempfile::tempdir_in(folder).expect("a folder is made");
    for (path, text) in files {
        let path = source.path().join(path);
        std::fs::create_dir_all(path.parent().expect("it lies in a folder")).expect("a folder is made");
        std::fs::write(path, text).expect("a file is written");
    }
    let index = source.path().with_extension("index");
    let taken = take(source.path(), blobs, &index, &TakeOptions::default(), &silent);
    taken.expect("a snapshot is taken").tree_id.to_hex()
}

/// Puts a package `addition` 1.2 for pip into a folder: one module with a function `add`.
///
/// # Panics
/// When it cannot be written.
pub fn wheel(folder: &Path) {
    let code = "import sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w') as z:
    z.writestr('addition.py', 'def add(a, b): return a + b\\n')
    z.writestr('addition-1.2.dist-info/METADATA', 'Metadata-Version: 2.1\\nName: addition\\nVersion: 1.2\\n')
    z.writestr('addition-1.2.dist-info/WHEEL', 'Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    z.writestr('addition-1.2.dist-info/RECORD', '')
";
    std::fs::create_dir_all(folder).expect("a folder is made");
    let path = folder.join("addition-1.2-py3-none-any.whl");
    let done = std::process::Command::new("python3")
        .args(["-c", code])
        .arg(&path)
        .status()
        .expect("python3 starts");
    assert!(done.success(), "the package is written");
}
