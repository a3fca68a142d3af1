//! Large code on a machine that is reached by a shell: kept for the runs to come, however soon its run is gone.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use outhaul_driver::{Driver, NativeRequest, Phase};
use outhaul_driver_remote::{RemoteDriver, RemoteDriverConfig, identify};
use outhaul_host::remote::{Installation, Session, Shell};
use outhaul_snapshot::BlobStore;
use outhaul_testkit::code::tree_of;
use outhaul_testkit::local_shell::LocalShell;
use outhaul_testkit::process::until;
use outhaul_types::RunId;

/// Runs a command of no length in this code, and forgets the run as soon as it has ended.
async fn run_and_release(driver: &RemoteDriver, tree: &str) {
    let request = NativeRequest {
        run_key: RunId::generate().unwrap().key(1),
        tree: tree.to_owned(),
        command: vec!["true".into()],
        script: "cd code && exec true\n".to_owned(),
        container: None,
        batch: None,
        array: None,
        secrets: Vec::new(),
    };
    let id = driver.submit(&request).await.unwrap();
    loop {
        let seen = driver.observe(std::slice::from_ref(&id)).await.unwrap();
        if matches!(seen[0].phase, Phase::Ended { .. }) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    driver.release(&id).await.unwrap();
}

fn is_kept(home: &Path, tree: &str) -> bool {
    home.join(".outhaul/suite/trees").join(tree).is_dir()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_tree_is_kept_though_its_run_is_gone_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    std::fs::create_dir(&home).unwrap();
    let blobs = BlobStore::open(folder.path().join("blobs")).unwrap();
    let shell: Arc<dyn Shell> = Arc::new(LocalShell::new(home.clone()));
    let installation = Installation::new("suite", None, &[]).unwrap();
    let session = Session::new(Arc::clone(&shell), installation.clone());
    let (facts, _, _) = identify(&session, false).await.unwrap();
    let driver = RemoteDriver::new(RemoteDriverConfig {
        shell,
        installation,
        blobs: blobs.clone(),
        incoming: folder.path().join("incoming"),
        facts,
        build_environment: Vec::new(),
        packages: Default::default(),
        server: Default::default(),
        slots: 2,
    });
    // More files than are kept before the run starts.
    let names: Vec<String> = (0..400).map(|number| format!("{number}.txt")).collect();
    for round in 0..4 {
        let changed = format!("round {round}");
        let mut files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "same")).collect();
        files[7].1 = &changed;
        let tree = tree_of(folder.path(), &blobs, &files);
        run_and_release(&driver, &tree).await;
        until("the tree is kept", || is_kept(&home, &tree));
    }
}
