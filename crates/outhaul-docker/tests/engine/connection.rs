//! The stream to the engine: refused, broken, not an engine's. And the checks that tell of it.

use std::time::{Duration, Instant};

use outhaul_docker::{Engine, ErrorKind, Options, UnixSocket};
use outhaul_types::{CheckStatus, RunId};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::bench::Bench;

/// An engine that says this to whatever it is asked, and hangs up.
fn saying(answer: &'static str) -> Engine {
    let connector = move || async move {
        let (ours, mut theirs) = tokio::io::duplex(1 << 16);
        tokio::spawn(async move {
            let mut some = [0; 16];
            let _ = theirs.read(&mut some).await;
            let _ = theirs.write_all(answer.as_bytes()).await;
        });
        Ok(ours)
    };
    Engine::connect(connector, Options::new("home")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_breaks_is_an_engine_that_cannot_be_reached() {
    let key = RunId::generate().unwrap().key(1);
    for answer in [
        "",
        "HTTP/1.1 200",
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[{\"Id\":",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n[{\"Id",
        "SSH-2.0-OpenSSH_9.2\r\n",
    ] {
        let engine = saying(answer);
        let error = engine.observe(std::slice::from_ref(&key)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unreachable, "{answer:?}: {error}");
        assert!(error.is_temporary());
        let check = engine.check().await.remove(0);
        assert_eq!(check.status, CheckStatus::Failed);
        assert!(check.fix.is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_says_nothing_is_given_up() {
    let connector = || async {
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        tokio::spawn(async move {
            std::future::pending::<()>().await;
            drop(theirs);
        });
        Ok(ours)
    };
    let options = Options {
        timeout: Duration::from_millis(50),
        ..Options::new("home")
    };
    let begin = Instant::now();
    let error = Engine::connect(connector, options)
        .unwrap()
        .version()
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreachable, "{error}");
    assert!(begin.elapsed() < Duration::from_secs(30));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_is_not_there_is_named() {
    let socket = UnixSocket("/nowhere/docker.sock".into());
    let engine = Engine::connect(socket, Options::new("home")).unwrap();
    let error = engine.version().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreachable);
    assert!(error.message.contains("/nowhere/docker.sock"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_without_the_right_is_told_what_to_do() {
    let Some(bench) = Bench::new() else { return };
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let socket = bench.dockerd.socket().to_owned();
    let connector = move || {
        let socket = socket.clone();
        async move {
            // A thread of its own works as the user nobody in all that concerns files.
            let stream = tokio::task::spawn_blocking(move || {
                std::thread::spawn(move || {
                    nix::unistd::setfsgid(65534.into());
                    nix::unistd::setfsuid(65534.into());
                    std::os::unix::net::UnixStream::connect(socket)
                })
                .join()
                .unwrap()
            })
            .await
            .unwrap()?;
            stream.set_nonblocking(true)?;
            tokio::net::UnixStream::from_std(stream)
        }
    };
    let engine = Engine::connect(connector, Options::new("home")).unwrap();
    let error = engine.version().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied, "{error}");
    assert!(!error.is_temporary());
    let check = engine.check().await.remove(0);
    assert_eq!(check.status, CheckStatus::Failed);
    assert!(check.fix.unwrap().contains("group docker"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_answers_is_checked() {
    let Some(bench) = Bench::new() else { return };
    let checks = bench.engine.check().await;
    let names: Vec<&str> = checks.iter().map(|check| check.name.as_str()).collect();
    assert_eq!(names, ["docker", "docker-gpu", "docker-memory"]);
    assert_eq!(checks[0].status, CheckStatus::Ok);
    let version = bench.engine.version().await.unwrap();
    assert!(checks[0].message.contains(&version.engine));
}
