//! What goes wrong: workers that die, hang and fail, callers that send too much, too slowly or not at all.

use std::sync::Arc;
use std::time::Duration;

use outhaul_scoring::Service;

use super::support::{Connection, LONG, Place, call, request, score, until};

/// A script that does what the request says, and says which process it is.
const OBEDIENT: &str = "\
import json, os, time
def init(): pass
def run(data):
    order = json.loads(data)
    if order == 'die': os._exit(5)
    if order == 'kill': os.kill(os.getpid(), 9)
    if order == 'exit': raise SystemExit(1)
    if order == 'memory': raise MemoryError()
    if order == 'hang':
        while True: time.sleep(1)
    if order == 'orphan':
        if os.fork() == 0:
            time.sleep(600)
        os._exit(6)
    if isinstance(order, dict):
        open(order['here'], 'w').close()
        while not os.path.exists(order['until']): time.sleep(0.005)
    return os.getpid()
";

async fn pid(service: &Service) -> u32 {
    score(service, "0").await.text().parse().unwrap()
}

#[tokio::test]
async fn a_worker_that_dies_costs_its_own_request_only() {
    let place = Place::new(OBEDIENT);
    let service = place.serve(|_| {}).await;
    for (order, words) in [
        ("die", "exit code 5"),
        ("kill", "signal 9"),
        ("orphan", "exit code 6"),
    ] {
        let before = pid(&service).await;
        let answer = score(&service, &format!("\"{order}\"")).await;
        assert_eq!(answer.status, 502, "{order}");
        assert!(answer.text().contains(words), "{order}: {}", answer.text());
        let after = pid(&service).await;
        assert_ne!(before, after, "{order}");
    }
    for order in ["exit", "memory"] {
        let before = pid(&service).await;
        let answer = score(&service, &format!("\"{order}\"")).await;
        assert_eq!(
            (answer.status, answer.header("x-ms-run-function-failed")),
            (500, Some("True")),
            "{order}"
        );
        assert_eq!(pid(&service).await, before, "{order}: the worker goes on");
    }
    let metrics = call(service.address(), "GET", "/metrics", &[], b"").await.text();
    assert!(
        metrics.contains("outhaul_scoring_workers_lost_total 3\n"),
        "{metrics}"
    );
    assert!(
        metrics.contains("outhaul_scoring_requests_total{status=\"502\"} 3\n"),
        "{metrics}"
    );
}

#[tokio::test]
async fn a_worker_that_hangs_is_killed_and_replaced() {
    let place = Place::new(OBEDIENT);
    let service = place
        .serve(|config| config.timeout = Duration::from_millis(300))
        .await;
    let before = pid(&service).await;
    let answer = score(&service, "\"hang\"").await;
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (500, "{\"message\": \"Scoring timeout after 300 ms\"}")
    );
    assert_ne!(pid(&service).await, before);
    let gone = || async { !std::path::Path::new(&format!("/proc/{before}")).exists() };
    if cfg!(target_os = "linux") {
        until("the old worker is gone", gone).await;
    }
}

/// An order that keeps a worker until the second file is there, and waits until it is at it.
async fn occupy(service: &Arc<Service>, place: &Place, name: &str) -> tokio::task::JoinHandle<u16> {
    let here = place.path(&format!("{name}.here"));
    let order = format!("{{\"here\": {here:?}, \"until\": {:?}}}", place.path("go"));
    let other = Arc::clone(service);
    let busy = tokio::spawn(async move { score(&other, &order).await.status });
    until("the worker has the request", || async { here.exists() }).await;
    busy
}

#[tokio::test]
async fn beyond_the_queue_requests_are_turned_away_and_a_caller_that_goes_makes_room() {
    let place = Place::new(OBEDIENT);
    let service = Arc::new(place.serve(|config| config.queue = 1).await);
    let busy = occupy(&service, &place, "first").await;
    let waiting = || async {
        let text = call(service.address(), "GET", "/metrics", &[], b"").await.text();
        text.lines()
            .find_map(|line| line.strip_prefix("outhaul_scoring_queue "))
            .unwrap()
            .to_owned()
    };
    let mut goes = Connection::to(service.address()).await;
    goes.send(&request("POST", "/score", &[], b"0")).await.unwrap();
    until("one waits", || async { waiting().await == "1" }).await;
    let answer = score(&service, "0").await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
    assert!(answer.text().contains("Too many requests"), "{}", answer.text());
    assert_eq!(
        call(service.address(), "GET", "/readyz", &[], b"").await.status,
        200,
        "busy is not broken"
    );
    drop(goes);
    until("nobody waits", || async { waiting().await == "0" }).await;
    place.write("go", "");
    assert_eq!(busy.await.unwrap(), 200);
    assert_eq!(score(&service, "0").await.status, 200);
}

#[tokio::test]
async fn a_body_that_is_too_long_is_refused_and_its_sender_hears_of_it() {
    let place = Place::new("def init(): pass\ndef run(data): return len(data)\n");
    let service = place.serve(|config| config.max_body = 1 << 20).await;
    let long = vec![b'x'; 100 << 20];
    let mut connection = Connection::to(service.address()).await;
    let answer = connection.call("POST", "/score", &[], &long).await;
    assert_eq!(answer.status, 413);
    assert!(answer.text().contains("1048576 bytes"), "{}", answer.text());
    // The connection is still good.
    let fits = vec![b'x'; 1 << 20];
    assert_eq!(
        connection.call("POST", "/score", &[], &fits).await.text(),
        "1048576"
    );
    // In chunks, so that its length is not said before.
    let chunk = [
        format!("{:x}\r\n", 700_000).as_bytes(),
        &vec![b'x'; 700_000],
        b"\r\n",
    ]
    .concat();
    let chunked = [
        b"POST /score HTTP/1.1\r\nHost: l\r\nTransfer-Encoding: chunked\r\n\r\n".as_slice(),
        &chunk,
        &chunk,
        b"0\r\n\r\n",
    ]
    .concat();
    connection.send(&chunked).await.unwrap();
    assert_eq!(connection.receive(true).await.unwrap().unwrap().status, 413);
    // One that asks first is told before it sends.
    connection
        .send(b"POST /score HTTP/1.1\r\nHost: l\r\nExpect: 100-continue\r\nContent-Length: 90000000\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(connection.receive(true).await.unwrap().unwrap().status, 413);
}

#[tokio::test]
async fn clients_that_send_too_slowly_are_let_go() {
    let place = Place::new("def init(): pass\ndef run(data): return data\n");
    let service = place
        .serve(|config| config.patience = Duration::from_millis(300))
        .await;
    let mut head = Connection::to(service.address()).await;
    head.send(b"POST /score HTTP/1.1\r\nHost:").await.unwrap();
    let mut body = Connection::to(service.address()).await;
    body.send(b"POST /score HTTP/1.1\r\nHost: l\r\nContent-Length: 10\r\n\r\n12")
        .await
        .unwrap();
    // Others are served meanwhile.
    assert_eq!(score(&service, "1").await.status, 200);
    let answer = tokio::time::timeout(LONG, body.receive(true))
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert_eq!((answer.status, answer.header("connection")), (408, Some("close")));
    let ended = tokio::time::timeout(LONG, head.receive(true)).await.unwrap();
    assert!(matches!(ended, Err(_) | Ok(None)) || ended.unwrap().unwrap().status == 408);
}

#[tokio::test]
async fn a_reload_brings_the_new_script_and_a_broken_one_changes_nothing() {
    let place = Place::new("def init(): pass\ndef run(data): return 1\n");
    let service = place.serve(|config| config.workers = 2).await;
    assert_eq!(score(&service, "").await.text(), "1");
    place.write(
        "score.py",
        "def init(): raise ValueError('not today')\ndef run(data): return 2\n",
    );
    let error = service.reload().await.unwrap_err().to_string();
    assert!(error.contains("ValueError: not today"), "{error}");
    assert_eq!(score(&service, "").await.text(), "1");
    place.write("score.py", "def init(): pass\ndef run(data): return 3\n");
    service.reload().await.unwrap();
    let metrics = call(service.address(), "GET", "/metrics", &[], b"").await.text();
    assert!(metrics.contains("outhaul_scoring_reloads_total 1\n"), "{metrics}");
    for _ in 0..4 {
        assert_eq!(score(&service, "").await.text(), "3");
    }
}

#[tokio::test]
async fn while_workers_cannot_be_replaced_callers_are_told_and_it_mends_by_itself() {
    let place = Place::new(OBEDIENT);
    let service = place.serve(|_| {}).await;
    place.write(
        "score.py",
        "def init(): raise ValueError('gone')\ndef run(data): return 2\n",
    );
    assert_eq!(score(&service, "\"die\"").await.status, 502);
    until("it is not ready", || async {
        call(service.address(), "GET", "/readyz", &[], b"").await.status == 503
    })
    .await;
    assert_eq!(
        call(service.address(), "GET", "/healthz", &[], b"").await.status,
        200
    );
    until("it says why", || async {
        score(&service, "0").await.text().contains("init() fails")
    })
    .await;
    place.write("score.py", OBEDIENT);
    until("it serves again", || async {
        score(&service, "0").await.status == 200
    })
    .await;
}

#[tokio::test]
async fn the_end_waits_for_requests_under_way() {
    let place = Place::new(OBEDIENT);
    let service = Arc::new(place.serve(|config| config.workers = 1).await);
    let busy = occupy(&service, &place, "busy").await;
    let address = service.address();
    let mut waits = Connection::to(address).await;
    waits.send(&request("POST", "/score", &[], b"0")).await.unwrap();
    until("one waits", || async {
        call(address, "GET", "/metrics", &[], b"")
            .await
            .text()
            .contains("outhaul_scoring_queue 1\n")
    })
    .await;
    // The order holds the service until it is answered, so the end is asked for by a copy of its parts.
    let ending = tokio::spawn({
        let service = Arc::clone(&service);
        async move { service.drain(LONG).await }
    });
    until("no new connections", || async {
        tokio::net::TcpStream::connect(address).await.is_err()
    })
    .await;
    place.write("go", "");
    assert_eq!(busy.await.unwrap(), 200);
    let answer = waits.receive(true).await.unwrap().unwrap();
    assert_eq!(answer.status, 200);
    assert!(ending.await.unwrap());
}
