//! From the start to the end: records, logs, owners, and starting more than once.

use std::os::unix::fs::MetadataExt;

use outhaul_docker::ContainerState;
use outhaul_testkit::dockerd::Image;
use outhaul_types::{RunId, RunKey};

use crate::bench::Bench;

const PYTHON: &str = r#"exec python3 - <<'PY'
import getpass, os, sys
sys.stdout.buffer.write(bytes(range(256)) * 300)
sys.stderr.write("err\n")
open("outputs/model.txt", "w").write(getpass.getuser())
open(os.environ["OUTHAUL_METRICS_FILE"], "a").write('{"m": 1}\n')
open(os.path.join(os.environ["OUTHAUL_UPLOADS_DIR"], "up.txt"), "w").write("up")
open(os.path.expanduser("~/.cache"), "w").write("home")
sys.exit(3)
PY"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_script_leaves_what_it_leaves_without_a_container() {
    let Some(bench) = Bench::new() else { return };
    let (key, ended) = bench.run(Image::Debian, PYTHON, &[]).await;
    assert_eq!(bench.read(&key, "stderr"), "err\n");
    assert_eq!(ended, (3, false));
    assert_eq!(bench.record(&key), Some(3));
    let stdout = std::fs::read(bench.dir(&key).join("stdout")).unwrap();
    assert_eq!(stdout, (0..=255).collect::<Vec<u8>>().repeat(300));
    assert_eq!(bench.read(&key, "metrics.jsonl"), "{\"m\": 1}\n");
    assert_eq!(bench.read(&key, "uploads/up.txt"), "up");
    assert_eq!(bench.read(&key, "code/outputs/model.txt"), "outhaul");
    assert_eq!(bench.read(&key, "home/.cache"), "home");
    for file in [
        "code/outputs/model.txt",
        "uploads/up.txt",
        "stdout",
        "exit",
        "claim",
        "process",
        "home",
    ] {
        let owner = std::fs::metadata(bench.dir(&key).join(file)).unwrap();
        assert_eq!((owner.uid(), owner.gid()), bench.user, "{file}");
    }
    assert!(bench.read(&key, "process").ends_with(" end\n"));
    assert!(bench.read(&key, "supervisor").ends_with(" end\n"));
    assert_eq!(bench.read(&key, "supervisor.log"), "");
    assert_eq!(
        bench.engine.supervisor_said(&key).await.unwrap().trim(),
        "claimed"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_without_setsid_and_env_does() {
    let Some(bench) = Bench::new() else { return };
    let shell = "[ ! -e /usr/bin/setsid ] && [ ! -e /usr/bin/env ] && echo out; id -u; exit 5";
    let (key, ended) = bench.run(Image::Busybox, shell, &[]).await;
    assert_eq!(bench.read(&key, "stdout"), format!("out\n{}\n", bench.user.0));
    assert_eq!((ended, bench.record(&key)), ((5, false), Some(5)));
    assert_eq!(bench.read(&key, "supervisor.log"), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_gets_signals_and_input_as_without_a_container() {
    let Some(bench) = Bench::new() else { return };
    let shell = "python3 -c \"import signal, sys; \
                 print([signal.getsignal(s) == signal.SIG_IGN for s in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)], \
                 repr(sys.stdin.read()))\"; kill -KILL $$";
    let (key, ended) = bench.run(Image::Debian, shell, &[]).await;
    assert_eq!(
        bench.read(&key, "stdout"),
        "[False, False, False] ''\n",
        "{}",
        bench.read(&key, "stderr")
    );
    assert_eq!((ended, bench.record(&key)), ((137, false), Some(137)));
}

#[tokio::test(flavor = "multi_thread")]
async fn started_many_times_it_starts_once() {
    let Some(bench) = Bench::new() else { return };
    for shell in ["echo once; while [ ! -e go ]; do sleep 0.05; done", "echo once"] {
        let request = bench.stage(Image::Debian, shell, &[]);
        let key = &request.run_key;
        let starts: Vec<_> = (0..8)
            .map(|_| {
                let (engine, request) = (bench.engine.clone(), request.clone());
                tokio::spawn(async move { engine.start(&request).await })
            })
            .collect();
        for start in starts {
            assert_eq!(start.await.unwrap().unwrap(), format!("outhaul-{key}"));
        }
        std::fs::write(bench.dir(key).join("code/go"), "").unwrap();
        assert_eq!(bench.ended(key).await, (0, false));
        bench.engine.start(&request).await.unwrap();
        assert_eq!(bench.ended(key).await, (0, false));
        // Even when the container is gone: the claim is in the run directory.
        bench.engine.remove(key).await.unwrap();
        bench.engine.remove(key).await.unwrap();
        assert_eq!(bench.state(key).await, ContainerState::Missing);
        bench.engine.start(&request).await.unwrap();
        assert_eq!(bench.ended(key).await, (0, false));
        assert_eq!(bench.engine.supervisor_said(key).await.unwrap().trim(), "taken");
        assert_eq!(bench.read(key, "stdout"), "once\n");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_caller_made_is_started_by_the_next() {
    let Some(bench) = Bench::new() else { return };
    let request = bench.stage(Image::Debian, "echo once", &[]);
    let key = &request.run_key;
    make_only(&bench, &request).await;
    assert_eq!(bench.state(key).await, ContainerState::Created);
    assert!(bench.engine.find(key).await.unwrap().is_some());
    bench.engine.start(&request).await.unwrap();
    assert_eq!(bench.ended(key).await, (0, false));
    assert_eq!(bench.read(key, "stdout"), "once\n");
}

/// Makes the container and dies before the start: the streams of all later requests break.
pub async fn make_only(bench: &Bench, request: &outhaul_docker::ContainerRequest) {
    let socket = bench.dockerd.socket().to_owned();
    let opened = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let connector = move || {
        let (socket, opened) = (socket.clone(), std::sync::Arc::clone(&opened));
        async move {
            match opened.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
                0 => tokio::net::UnixStream::connect(socket).await,
                _ => Err(std::io::ErrorKind::BrokenPipe.into()),
            }
        }
    };
    let options = outhaul_docker::Options::new(bench.engine.home());
    let dying = outhaul_docker::Engine::connect(connector, options).unwrap();
    let error = dying.start(request).await.unwrap_err();
    assert_eq!(error.kind, outhaul_docker::ErrorKind::Unreachable, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_running_ends_with_the_process() {
    let Some(bench) = Bench::new() else { return };
    let shell = "(trap 'echo polite; exit' TERM; touch ready; while :; do sleep 0.05; done) & \
                 while [ ! -e ready ]; do sleep 0.05; done; echo end";
    for image in [Image::Debian, Image::Busybox] {
        let (key, ended) = bench.run(image, shell, &[]).await;
        assert_eq!(ended, (0, false));
        assert_eq!(bench.read(&key, "stdout"), "end\npolite\n");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_are_observed_at_once() {
    let Some(bench) = Bench::new() else { return };
    let one = bench.stage(Image::Busybox, "exit 4", &[]);
    let two = bench.stage(Image::Busybox, "while :; do sleep 1; done", &[]);
    let gone: RunKey = RunId::generate().unwrap().key(1);
    for request in [&one, &two] {
        bench.engine.start(request).await.unwrap();
    }
    assert_eq!(bench.ended(&one.run_key).await.0, 4);
    let keys = [one.run_key.clone(), two.run_key.clone(), gone.clone()];
    let states = bench.engine.observe(&keys).await.unwrap();
    assert!(matches!(
        states[&one.run_key],
        ContainerState::Exited { code: 4, .. }
    ));
    assert_eq!(states[&two.run_key], ContainerState::Running);
    assert_eq!(states[&gone], ContainerState::Missing);
    assert!(bench.engine.observe(&[]).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_directory_that_cannot_be_written_is_told() {
    let Some(bench) = Bench::new() else { return };
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let request = bench.stage(Image::Busybox, "echo never", &[]);
    std::os::unix::fs::chown(&request.run_dir, Some(0), Some(0)).unwrap();
    bench.engine.start(&request).await.unwrap();
    assert_eq!(bench.ended(&request.run_key).await, (125, false));
    let error = bench.engine.why_unclaimed(&request.run_key).await.unwrap();
    assert!(error.message.contains("ermission denied"), "{error}");
    assert_eq!(bench.record(&request.run_key), None);
    assert!(!bench.dir(&request.run_key).join("claim").exists());
}
