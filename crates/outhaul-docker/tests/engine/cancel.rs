//! Ending a run: politely, by force, before it was started.

use std::io::Write;
use std::time::Duration;

use outhaul_docker::{Cancelled, ContainerState};
use outhaul_testkit::dockerd::Image;
use outhaul_types::RunId;

use crate::bench::Bench;
use crate::life::make_only;

const LONG: Duration = Duration::from_secs(600);

#[tokio::test(flavor = "multi_thread")]
async fn a_polite_end_lets_the_script_finish() {
    let Some(bench) = Bench::new() else { return };
    let shell = "trap 'echo bye; exit 9' TERM; echo ready; while :; do sleep 0.05; done";
    for image in [Image::Debian, Image::Busybox] {
        let request = bench.stage(image, shell, &[]);
        let key = &request.run_key;
        bench.engine.start(&request).await.unwrap();
        bench.until_holds(key, "stdout", "ready").await;
        assert_eq!(bench.engine.cancel(key, LONG).await.unwrap(), Cancelled::Asked);
        assert_eq!(bench.ended(key).await, (9, false));
        assert_eq!(
            bench.read(key, "stdout"),
            "ready\nbye\n",
            "told once, though the engine asks twice"
        );
        assert_eq!(bench.record(key), Some(9));
        assert_eq!(
            bench.engine.cancel(key, LONG).await.unwrap(),
            Cancelled::NothingRuns
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_that_does_not_listen_ends_by_its_signal() {
    let Some(bench) = Bench::new() else { return };
    let request = bench.stage(
        Image::Debian,
        "echo ready; exec python3 -c 'import time; time.sleep(1e6)'",
        &[],
    );
    let key = &request.run_key;
    bench.engine.start(&request).await.unwrap();
    bench.until_holds(key, "stdout", "ready").await;
    bench.engine.cancel(key, LONG).await.unwrap();
    assert_eq!(
        (bench.ended(key).await, bench.record(key)),
        ((143, false), Some(143))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_refuses_to_end_is_ended_by_force() {
    let Some(bench) = Bench::new() else { return };
    let shell = "trap '' TERM; echo ready; while :; do sleep 0.05; done";
    let request = bench.stage(Image::Debian, shell, &[]);
    let key = &request.run_key;
    bench.engine.start(&request).await.unwrap();
    bench.until_holds(key, "stdout", "ready").await;
    let asked = bench.engine.cancel(key, Duration::from_secs(1)).await.unwrap();
    assert_eq!(asked, Cancelled::Asked);
    assert_eq!(
        bench.state(key).await,
        ContainerState::Running,
        "the call does not wait"
    );
    assert_eq!(bench.ended(key).await, (137, false));
    assert_eq!(bench.record(key), None, "the engine's state is the evidence");
    // Started again by hand, it runs nothing.
    bench.engine.remove(key).await.unwrap();
    bench.engine.start(&request).await.unwrap();
    assert_eq!(bench.ended(key).await, (137, false));
    assert_eq!(bench.read(key, "stdout"), "ready\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_engine_sees_a_stop_through_without_its_caller() {
    let Some(bench) = Bench::new() else { return };
    let request = bench.stage(
        Image::Busybox,
        "trap '' TERM; echo ready; while :; do sleep 0.05; done",
        &[],
    );
    let key = &request.run_key;
    let name = bench.engine.start(&request).await.unwrap();
    bench.until_holds(key, "stdout", "ready").await;
    let mut stream = std::os::unix::net::UnixStream::connect(bench.dockerd.socket()).unwrap();
    let stop =
        format!("POST /containers/{name}/stop?t=1 HTTP/1.1\r\nHost: engine\r\nContent-Length: 0\r\n\r\n");
    stream.write_all(stop.as_bytes()).unwrap();
    drop(stream);
    assert_eq!(bench.ended(key).await, (137, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_started_is_kept_from_starting() {
    let Some(bench) = Bench::new() else { return };
    let request = bench.stage(Image::Busybox, "echo never", &[]);
    let key = &request.run_key;
    assert!(!bench.engine.prevent(key).await.unwrap());
    make_only(&bench, &request).await;
    assert!(bench.engine.prevent(key).await.unwrap());
    assert_eq!(bench.state(key).await, ContainerState::Missing);
    make_only(&bench, &request).await;
    assert_eq!(
        bench.engine.cancel(key, LONG).await.unwrap(),
        Cancelled::NeverStarted
    );
    assert_eq!(bench.state(key).await, ContainerState::Missing);
    // A caller that comes late starts nothing, by the mark in the run directory.
    std::fs::write(bench.dir(key).join("cancel"), "").unwrap();
    bench.engine.start(&request).await.unwrap();
    assert_eq!(
        (bench.ended(key).await, bench.record(key)),
        ((143, false), Some(143))
    );
    assert!(
        !bench.engine.prevent(key).await.unwrap(),
        "one that was started is left"
    );
    assert_eq!(bench.read(key, "stdout"), "");
    let other = RunId::generate().unwrap().key(1);
    assert_eq!(
        bench.engine.cancel(&other, LONG).await.unwrap(),
        Cancelled::NothingRuns
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_container_is_removed_by_force() {
    let Some(bench) = Bench::new() else { return };
    let request = bench.stage(
        Image::Busybox,
        "trap '' TERM; echo ready; while :; do sleep 1; done",
        &[],
    );
    bench.engine.start(&request).await.unwrap();
    bench.until_holds(&request.run_key, "stdout", "ready").await;
    assert!(!bench.engine.prevent(&request.run_key).await.unwrap());
    bench.engine.remove(&request.run_key).await.unwrap();
    assert_eq!(bench.state(&request.run_key).await, ContainerState::Missing);
}
