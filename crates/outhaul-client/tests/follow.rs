//! Following across lost connections, against a server that breaks them on purpose.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::cell::Cell;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use outhaul_client::{Client, ClientError, Follow, FollowItem, socket_path};
use outhaul_types::api::LogQuery;
use outhaul_types::{ErrorCode, NewRun, Run, RunEventKind, RunState};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};

/// A run that has ended, as the server writes it.
fn run_json() -> String {
    let new = NewRun {
        id: "k3v9x2m4q7t0b8wz".parse().unwrap(),
        name: "n".into(),
        workspace: "w".into(),
        experiment: "e".into(),
        target: "local".into(),
        tags: [].into(),
        parent: None,
        spec: None,
    };
    let at = "2026-01-01T00:00:00Z".parse().unwrap();
    let (mut run, _) = Run::submitted(new, at);
    run.apply(RunEventKind::Completed, at).unwrap();
    serde_json::to_string(&run).unwrap()
}

fn home() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().to_owned();
    (folder, home)
}

fn listen(home: &Path) -> UnixListener {
    let path = socket_path(home).unwrap();
    let _ = std::fs::remove_file(&path);
    UnixListener::bind(path).unwrap()
}

/// Reads one request and gives its first line.
async fn request(stream: &mut UnixStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |n| n.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(head.lines().next().unwrap().to_owned())
}

async fn events(stream: &mut UnixStream, text: &str) {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nouthaul-build: b1\r\nconnection: close\r\n\r\n";
    stream
        .write_all(format!("{head}{text}").as_bytes())
        .await
        .unwrap();
}

async fn json(stream: &mut UnixStream, status: &str, text: &str) {
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        text.len()
    );
    stream
        .write_all(format!("{head}{text}").as_bytes())
        .await
        .unwrap();
}

fn frame(log: &[u8], begin: usize, end: usize) -> String {
    let data = base64::engine::general_purpose::STANDARD.encode(&log[begin..end]);
    format!(
        "id: {end}\nevent: log\ndata: {{\"stream\":\"stdout\",\"offset\":{begin},\"next\":{end},\"data\":\"{data}\"}}\n\n"
    )
}

fn offset(request: &str) -> usize {
    let (_, rest) = request.split_once("offset=").unwrap();
    rest.split(['&', ' ']).next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_log_arrives_once_however_often_the_connection_breaks() {
    let (_folder, home) = home();
    let log: Vec<u8> = (0..5_000u32).flat_map(u32::to_le_bytes).collect();
    let listener = listen(&home);
    let sent = log.clone();
    let server = tokio::spawn(async move {
        let mut connections = 0;
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let Some(request) = request(&mut stream).await else {
                continue;
            };
            assert!(request.starts_with("GET /api/v1/runs/k3v9/logs?"), "{request}");
            connections += 1;
            let begin = offset(&request);
            let whole = (begin + 3_000).min(sent.len());
            if whole == sent.len() {
                let end = format!(
                    "{}event: end\ndata: {}\n\n",
                    frame(&sent, begin, whole),
                    run_json()
                );
                events(&mut stream, &end).await;
                return connections;
            }
            // A frame, its repetition, and half of one more before the connection breaks.
            let next = frame(&sent, whole, (whole + 100).min(sent.len()));
            let text = format!(
                "{0}: heartbeat\n\n{0}{1}",
                frame(&sent, begin, whole),
                &next[..next.len() / 2]
            );
            events(&mut stream, &text).await;
        }
    });
    let client = Client::connect(&home).await.unwrap();
    let query = LogQuery {
        follow: Some(true),
        ..LogQuery::default()
    };
    let mut follow = Follow::log(&client, "k3v9", query);
    let (mut arrived, mut lost, mut end) = (Vec::new(), 0, None);
    while let Some(item) = follow.next().await.unwrap() {
        match item {
            FollowItem::Log(piece) => {
                assert_eq!(piece.offset, arrived.len() as u64);
                arrived.extend(piece.bytes);
            }
            FollowItem::Lost(_) => lost += 1,
            FollowItem::End(run) => end = run,
            other => panic!("{other:?}"),
        }
    }
    assert!(arrived == log, "{} of {} bytes", arrived.len(), log.len());
    assert_eq!((server.await.unwrap(), lost), (7, 6));
    assert_eq!(end.unwrap().state, RunState::Completed);
    assert_eq!(client.server_build().as_deref(), Some("b1"));
    assert!(follow.next().await.unwrap().is_none());
}

#[tokio::test]
async fn a_server_that_stops_is_started_again_and_events_are_told_once() {
    let (_folder, home) = home();
    let event = |seq: u64| {
        format!(
            "event: event\ndata: {{\"seq\":{seq},\"at\":\"2026-01-01T00:00:00Z\",\"event\":{{\"kind\":\"queued\"}}}}\n\n"
        )
    };
    let first = listen(&home);
    let text = format!(
        "{}{}event: end\ndata: {{\"reason\":\"server stopping\"}}\n\n",
        event(1),
        event(2)
    );
    let socket = home.join(outhaul_client::SOCKET_FILE);
    tokio::spawn(async move {
        // The connection that `connect` made is the one that is used.
        let (mut stream, _) = first.accept().await.unwrap();
        assert!(
            request(&mut stream)
                .await
                .unwrap()
                .contains("/events?after=0&follow=true")
        );
        std::fs::remove_file(socket).unwrap();
        drop(first);
        events(&mut stream, &text).await;
    });
    let client = Client::connect(&home).await.unwrap();
    let started = Cell::new(0);
    let (again, place, event) = (&started, &home, &event);
    let mut follow = Follow::events(&client, "k3v9", 0).on_reconnect(Box::new(move || {
        Box::pin(async move {
            again.set(again.get() + 1);
            let second = listen(place);
            let text = format!("{}{}event: end\ndata: {}\n\n", event(2), event(3), run_json());
            tokio::spawn(async move {
                let (mut stream, _) = second.accept().await.unwrap();
                assert!(request(&mut stream).await.unwrap().contains("after=2"));
                events(&mut stream, &text).await;
            });
            Ok(())
        })
    }));
    let mut seen = Vec::new();
    while let Some(item) = follow.next().await.unwrap() {
        match item {
            FollowItem::Event(event) => seen.push(event.seq),
            FollowItem::Lost(why) => assert_eq!(why, "the server is stopping"),
            FollowItem::End(run) => assert!(run.is_some()),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((seen, started.get()), (vec![1, 2, 3], 1));
}

#[tokio::test]
async fn a_dead_kept_connection_is_replaced_for_requests_that_may_be_repeated() {
    let (_folder, home) = home();
    let listener = listen(&home);
    let server = tokio::spawn(async move {
        let mut requests = Vec::new();
        for answers in [1, 1, 0] {
            let (mut stream, _) = listener.accept().await.unwrap();
            for _ in 0..answers {
                requests.push(request(&mut stream).await.unwrap());
                json(&mut stream, "200 OK", "[]").await;
            }
            // One more is read and never answered: the server was killed.
            requests.push(request(&mut stream).await.unwrap());
        }
        requests
    });
    let client = Client::connect(&home).await.unwrap();
    assert!(client.workspaces().await.unwrap().is_empty());
    assert!(client.workspaces().await.unwrap().is_empty());
    // This one must not be sent twice, so its loss is told.
    let error = client.stop_server().await.unwrap_err();
    assert!(matches!(error, ClientError::Io { .. }), "{error:?}");
    let error = client.stop_server().await.unwrap_err();
    assert!(matches!(error, ClientError::Io { .. }), "{error:?}");
    let requests = server.await.unwrap();
    let kinds: Vec<&str> = requests
        .iter()
        .map(|line| line.split(' ').next().unwrap())
        .collect();
    assert_eq!(kinds, ["GET", "GET", "GET", "POST", "POST"]);
}

#[tokio::test]
async fn refusals_keep_their_words_and_other_answers_are_named() {
    let (_folder, home) = home();
    let listener = listen(&home);
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        for (status, text) in [
            (
                "404 Not Found",
                r#"{"code":"not_found","message":"no run `x`","hint":"look"}"#,
            ),
            ("500 Internal Server Error", "panic"),
            ("200 OK", "{}"),
        ] {
            request(&mut stream).await.unwrap();
            json(&mut stream, status, text).await;
        }
    });
    let client = Client::connect(&home).await.unwrap();
    match client.run("x").await.unwrap_err() {
        ClientError::Api(error) => assert_eq!(
            (error.code, error.hint.as_deref()),
            (ErrorCode::NotFound, Some("look"))
        ),
        other => panic!("{other:?}"),
    }
    for wanted in [
        "500 Internal Server Error: panic",
        "`/api/v1/runs/x`: missing field",
    ] {
        let error = client.run("x").await.unwrap_err();
        assert!(
            matches!(error, ClientError::Protocol(_)) && error.to_string().contains(wanted),
            "{error}"
        );
    }
}

#[tokio::test]
async fn no_server_is_told_apart_from_a_broken_one() {
    let (_folder, home) = home();
    assert!(matches!(
        Client::connect(&home).await,
        Err(ClientError::NotRunning { .. })
    ));
    assert!(matches!(
        Client::connect(&home.join("none")).await,
        Err(ClientError::NotRunning { .. })
    ));
    // A socket that a killed server left.
    drop(std::os::unix::net::UnixListener::bind(home.join("server.sock")).unwrap());
    assert!(matches!(
        Client::connect(&home).await,
        Err(ClientError::NotRunning { .. })
    ));
}
