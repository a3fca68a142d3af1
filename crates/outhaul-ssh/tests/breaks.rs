//! Connections that break, stall or never come to be: one clear error each, and soon.

mod common;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use common::{PATIENCE, key, route, secret, through};
use outhaul_ssh::{
    Connection, Credential, Event, Exit, Hop, HostKeyPolicy, Phase, Route, SshError, SshErrorKind,
};
use outhaul_testkit::flaky_proxy::FlakyProxy;
use outhaul_testkit::sshd::Setup;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// A server that does with each connection what it is told.
async fn server<F: Future<Output = ()> + Send + 'static>(
    serve: impl Fn(TcpStream) -> F + Send + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("it has one");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    address
}

async fn attempt(address: SocketAddr) -> SshError {
    let mut route = Route::new(vec![Hop {
        address: address.ip().to_string(),
        port: address.port(),
        username: "me".to_owned(),
        credential: Credential::Password(secret("canary")),
        host_key: HostKeyPolicy::Expect("x".to_owned()),
    }]);
    route.connect_timeout = Duration::from_millis(300);
    let error = Connection::open(&route).await.expect_err("it cannot work");
    assert!(error.hint.is_some(), "{error}");
    error
}

async fn read_some(stream: &mut TcpStream) {
    let _ = stream.read(&mut [0; 4096]).await;
}

#[tokio::test]
async fn servers_that_are_none() {
    let silent = server(|stream| async move {
        let _stream = stream;
        std::future::pending::<()>().await;
    });
    let error = attempt(silent.await).await;
    assert_eq!(error.kind, SshErrorKind::Timeout(Phase::Banner));
    assert!(error.message.contains("then said nothing"), "{error}");
    let error = attempt(server(|_| async {}).await).await;
    assert_eq!(error.kind, SshErrorKind::Lost);
    assert!(error.message.contains("before it said anything"), "{error}");
    let stuck = server(|mut stream| async move {
        let _ = stream.write_all(b"SSH-2.0-Stuck\r\n").await;
        std::future::pending::<()>().await;
    });
    let error = attempt(stuck.await).await;
    assert_eq!(error.kind, SshErrorKind::Timeout(Phase::KeyExchange), "{error}");
    let closing = server(|mut stream| async move {
        let _ = stream.write_all(b"SSH-2.0-Closing\r\n").await;
        read_some(&mut stream).await;
    });
    let error = attempt(closing.await).await;
    assert_eq!(error.kind, SshErrorKind::Lost, "{error}");
    assert!(error.message.contains("key exchange"), "{error}");
    let web = server(|mut stream| async move {
        read_some(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    });
    let error = attempt(web.await).await;
    assert_eq!(error.kind, SshErrorKind::Protocol, "{error}");
    assert!(error.message.contains("`HTTP/1.1 400 Bad Request`"), "{error}");
    let binary = server(|mut stream| async move {
        let _ = stream.write_all(b"\x16\x03\x01\x00\xff\x00").await;
        read_some(&mut stream).await;
    });
    let error = attempt(binary.await).await;
    assert_eq!(error.kind, SshErrorKind::Protocol, "{error}");
    let garbage = server(|mut stream| async move {
        let _ = stream
            .write_all(b"SSH-2.0-Garbage\r\n\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")
            .await;
        read_some(&mut stream).await;
        read_some(&mut stream).await;
    });
    let error = attempt(garbage.await).await;
    assert!(
        matches!(
            error.kind,
            SshErrorKind::Protocol | SshErrorKind::Lost | SshErrorKind::Timeout(_)
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn addresses_where_nobody_is() {
    let free = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port")
        .local_addr()
        .expect("it has one");
    let error = attempt(free).await;
    assert_eq!(error.kind, SshErrorKind::Unreachable);
    assert!(error.is_temporary());
    let mut route = Route::new(vec![]);
    assert_eq!(
        Connection::open(&route).await.expect_err("nowhere").kind,
        SshErrorKind::Invalid
    );
    route.hops.push(Hop {
        address: "no-such-host.invalid".to_owned(),
        port: 22,
        username: "me".to_owned(),
        credential: key("x"),
        host_key: HostKeyPolicy::Expect("x".to_owned()),
    });
    let error = Connection::open(&route).await.expect_err("nowhere");
    assert_eq!(error.kind, SshErrorKind::Unreachable, "{error}");
    assert!(error.message.contains("no-such-host.invalid"));
}

#[tokio::test]
async fn a_killed_server_is_noticed_at_once() {
    let Some(mut server) = Setup::new().start() else {
        return;
    };
    let connection = Connection::open(&route(&server)).await.expect("it lets us in");
    let exec = connection.exec("cat").await.expect("it starts");
    let mut blocked = connection.exec("sleep 1000").await.expect("it starts");
    let mut stdin = blocked.take_stdin().expect("the first time");
    // More than anybody buffers: the writer is stuck when the end comes.
    let writing = tokio::spawn(async move { stdin.write_all(&vec![0; 100 << 20]).await });
    server.kill_all();
    let since = Instant::now();
    assert_eq!(timeout(PATIENCE, exec.wait()).await.expect("it ends"), Exit::Lost);
    assert_eq!(
        timeout(PATIENCE, blocked.wait()).await.expect("it ends"),
        Exit::Lost
    );
    assert!(
        timeout(PATIENCE, writing)
            .await
            .expect("it ends")
            .expect("it ends")
            .is_err()
    );
    assert_eq!(
        timeout(PATIENCE, connection.closed())
            .await
            .expect("it ends")
            .kind,
        SshErrorKind::Lost
    );
    assert!(since.elapsed() < Duration::from_secs(3), "{:?}", since.elapsed());
    assert!(connection.is_closed());
    let error = connection.run("true", b"", 0).await.expect_err("it is gone");
    assert_eq!(error.kind, SshErrorKind::Lost);
    let error = Connection::open(&route(&server)).await.expect_err("it is gone");
    assert_eq!(error.kind, SshErrorKind::Unreachable);
    server.restart().expect("it restarts");
    let connection = Connection::open(&route(&server))
        .await
        .expect("it lets us in again");
    assert!(connection.run("true", b"", 0).await.expect("it runs").success());
}

#[tokio::test]
async fn a_command_that_is_stuck_in_writing_ends_with_its_channel() {
    let Some(server) = Setup::new().start() else {
        return;
    };
    let connection = Connection::open(&route(&server)).await.expect("it lets us in");
    let mut exec = connection
        .exec("echo up; exec sleep 1000")
        .await
        .expect("it starts");
    assert_eq!(exec.next().await, Some(Event::Stdout("up\n".into())));
    let mut stdin = exec.take_stdin().expect("the first time");
    let writing = tokio::spawn(async move { stdin.write_all(&vec![0; 100 << 20]).await });
    exec.signal("KILL").await.expect("it is sent");
    assert!(
        timeout(PATIENCE, writing)
            .await
            .expect("it ends")
            .expect("it ends")
            .is_err()
    );
    assert_eq!(exec.wait().await, Exit::Signal("KILL".to_owned()));
}

#[tokio::test]
async fn a_stalled_link_is_given_up_and_a_short_stall_is_not() {
    let Some(server) = Setup::new().start() else {
        return;
    };
    let proxy = FlakyProxy::start(server.address()).await.expect("it starts");
    let mut quick = through(&server, proxy.port());
    quick.keepalive_interval = Duration::from_millis(200);
    quick.keepalive_max = 3;
    let connection = Connection::open(&quick).await.expect("it lets us in");
    // Shorter than the limit: nothing is lost.
    proxy.stall();
    let running = tokio::spawn({
        let connection = connection.clone();
        async move { connection.run("echo here", b"", 100).await }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    proxy.heal().await;
    assert_eq!(
        running.await.expect("it ends").expect("it runs").stdout,
        b"here\n"
    );
    // For good, with an idle command and one that writes without end.
    let idle = connection.exec("cat").await.expect("it starts");
    let mut busy = connection.exec("cat > /dev/null").await.expect("it starts");
    let mut stdin = busy.take_stdin().expect("the first time");
    let writing = tokio::spawn(async move {
        let block = vec![0; 1 << 20];
        while stdin.write_all(&block).await.is_ok() {}
    });
    proxy.stall();
    let since = Instant::now();
    assert_eq!(timeout(PATIENCE, idle.wait()).await.expect("it ends"), Exit::Lost);
    assert_eq!(timeout(PATIENCE, busy.wait()).await.expect("it ends"), Exit::Lost);
    timeout(PATIENCE, writing)
        .await
        .expect("it ends")
        .expect("it ends");
    assert_eq!(
        timeout(PATIENCE, connection.closed())
            .await
            .expect("it ends")
            .kind,
        SshErrorKind::Lost
    );
    assert!(since.elapsed() < Duration::from_secs(5), "{:?}", since.elapsed());
}

#[tokio::test]
async fn links_that_break_at_every_step() {
    let Some(server) = Setup::new().start() else {
        return;
    };
    let proxy = FlakyProxy::start(server.address()).await.expect("it starts");
    let mut route = through(&server, proxy.port());
    route.connect_timeout = Duration::from_secs(2);
    let connection = Connection::open(&route).await.expect("it lets us in");
    proxy.cut();
    let error = timeout(PATIENCE, connection.closed()).await.expect("it ends");
    assert_eq!(error.kind, SshErrorKind::Lost, "{error}");
    proxy.refuse().await;
    assert_eq!(
        Connection::open(&route).await.expect_err("refused").kind,
        SshErrorKind::Unreachable
    );
    proxy.heal().await;
    // Cut after a while that grows, so that every step of the way is hit.
    for millis in (0..60).step_by(3) {
        let opening = tokio::spawn({
            let route = route.clone();
            async move { Connection::open(&route).await }
        });
        tokio::time::sleep(Duration::from_millis(millis)).await;
        proxy.cut();
        match timeout(PATIENCE, opening)
            .await
            .expect("it ends")
            .expect("it ends")
        {
            Ok(connection) => {
                // Cut just before or after; either way the connection works or says so.
                let _ = timeout(PATIENCE, connection.run("true", b"", 0))
                    .await
                    .expect("it ends");
            }
            Err(error) => assert!(error.is_temporary(), "after {millis} ms: {error:?}"),
        }
    }
    proxy.stall();
    route.connect_timeout = Duration::from_millis(300);
    let error = Connection::open(&route).await.expect_err("it stalls");
    assert_eq!(error.kind, SshErrorKind::Timeout(Phase::Banner));
}
