//! Commands and streams on a real server.

mod common;

use std::time::Duration;

use common::{PATIENCE, hop, key, pinned, route};
use outhaul_ssh::{Connection, Event, Exit, Route, SshErrorKind, scan_host_key};
use outhaul_testkit::sshd::{Setup, Sshd};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener};
use tokio::time::timeout;

async fn connect(setup: Setup) -> Option<(Sshd, Connection)> {
    let server = setup.start()?;
    let connection = Connection::open(&route(&server)).await.expect("it lets us in");
    Some((server, connection))
}

#[tokio::test]
async fn outputs_and_ends() {
    let Some((_server, connection)) = connect(Setup::new()).await else {
        return;
    };
    let output = connection
        .run("echo out; echo err >&2; cat; exit 7", b"in\n", 100)
        .await
        .expect("it runs");
    assert_eq!(output.stdout, b"out\nin\n");
    assert_eq!(
        (output.stderr.as_slice(), &output.exit),
        (&b"err\n"[..], &Exit::Code(7))
    );
    let output = connection.run("kill -KILL $$", b"", 100).await.expect("it runs");
    assert_eq!(output.exit, Exit::Signal("KILL".to_owned()));
    let output = connection.run("kill -BUS $$", b"", 100).await.expect("it runs");
    assert!(matches!(output.exit, Exit::Signal(_)), "{output:?}");
    let output = connection
        .run("head -c 1000 /dev/zero", b"", 100)
        .await
        .expect("it runs");
    assert!(output.truncated && output.stdout.len() == 100 && output.success());
    let output = connection
        .run("exec 0<&-; sleep 0.1", &vec![0; 40 << 20], 100)
        .await;
    assert!(output.expect("it needs no input").success());
    let output = connection.run("not-there", b"", 1000).await.expect("it runs");
    assert_eq!(output.exit, Exit::Code(127));
    let mut exec = connection.exec("cat; echo done").await.expect("it starts");
    let mut stdin = exec.take_stdin().expect("the first time");
    stdin.write_all(b"one").await.expect("it is read");
    assert_eq!(exec.next().await, Some(Event::Stdout("one".into())));
    stdin.finish().await;
    assert_eq!(exec.next().await, Some(Event::Stdout("done\n".into())));
    assert_eq!(exec.next().await, None);
    assert_eq!(exec.exit(), &Exit::Code(0));
    let mut exec = connection
        .exec("echo up; exec sleep 1000")
        .await
        .expect("it starts");
    // A signal that comes before the command has its own process group reaches nobody.
    assert_eq!(exec.next().await, Some(Event::Stdout("up\n".into())));
    exec.signal("TERM").await.expect("it is sent");
    assert_eq!(
        timeout(PATIENCE, exec.wait()).await.expect("it ends"),
        Exit::Signal("TERM".to_owned())
    );
}

#[tokio::test]
async fn large_both_ways() {
    let Some((_server, connection)) = connect(Setup::new()).await else {
        return;
    };
    let input: Vec<u8> = (0..40_000_000u32)
        .map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[3])
        .collect();
    let output = connection
        .run("cat; echo done >&2", &input, usize::MAX)
        .await
        .expect("it runs");
    assert!(output.stdout == input, "what comes back is what was sent");
    assert_eq!(output.stderr, b"done\n");
    // Output first, input not read until much later, and the other way round.
    let command = "head -c 30000000 /dev/zero; cat | wc -c >&2";
    let output = connection
        .run(command, &input, usize::MAX)
        .await
        .expect("it runs");
    assert_eq!(output.stdout.len(), 30_000_000);
    assert_eq!(String::from_utf8_lossy(&output.stderr).trim(), "40000000");
}

#[tokio::test]
async fn one_session_serves_many_commands() {
    let Some((server, connection)) = connect(Setup::new().line("MaxSessions 1")).await else {
        return;
    };
    let all = (0..5).map(|number| {
        let connection = connection.clone();
        tokio::spawn(async move {
            connection
                .run(&format!("echo {number}; sleep 0.05"), b"", 100)
                .await
        })
    });
    for (number, task) in all.collect::<Vec<_>>().into_iter().enumerate() {
        let output = timeout(PATIENCE, task)
            .await
            .expect("it ends")
            .expect("it ends")
            .expect("it runs");
        assert_eq!(output.stdout, format!("{number}\n").into_bytes());
    }
    // One that is cut off while it runs does not block the next one for ever.
    let exec = connection.exec("cat").await.expect("it starts");
    drop(exec);
    assert!(connection.run("true", b"", 0).await.expect("it runs").success());
    // Waiting that is given up leaves nothing behind.
    let exec = connection.exec("cat").await.expect("it starts");
    assert!(
        timeout(Duration::from_millis(50), connection.exec("true"))
            .await
            .is_err()
    );
    drop(exec);
    assert!(connection.run("true", b"", 0).await.expect("it runs").success());
    drop(server);
}

#[tokio::test]
async fn no_session_at_all_is_said() {
    let Some((_server, connection)) = connect(Setup::new().line("MaxSessions 0")).await else {
        return;
    };
    let error = connection.exec("true").await.err().expect("it is refused");
    assert_eq!(error.kind, SshErrorKind::ChannelRefused);
    assert!(error.hint.expect("a hint").contains("MaxSessions"));
}

#[tokio::test]
async fn two_jumps() {
    let (Some(first), Some(second), Some(target)) =
        (Setup::new().start(), Setup::new().start(), Setup::new().start())
    else {
        return;
    };
    let hops = [&first, &second, &target].map(|server| hop(server, key(server.client_key())));
    let route = Route::new(hops.to_vec());
    let scanned = scan_host_key(&route).await.expect("it shows a key");
    let connection = Connection::open(&route).await.expect("it lets us in");
    assert_eq!(connection.host_key(), &scanned);
    let output = connection
        .run("id -un; cat", &vec![b'x'; 5 << 20], usize::MAX)
        .await
        .expect("it runs");
    assert!(output.stdout.starts_with(target.username().as_bytes()));
    assert_eq!(output.stdout.len(), target.username().len() + 1 + (5 << 20));
    connection.close().await;
    assert!(connection.is_closed());
    let mut nowhere = route.clone();
    nowhere.hops[2].port = 1;
    let error = Connection::open(&nowhere).await.expect_err("nobody is there");
    assert_eq!(error.kind, SshErrorKind::Unreachable, "{error}");
    let mut wrong = route;
    wrong.hops[1].host_key = pinned(&first);
    let error = Connection::open(&wrong).await.expect_err("it is another key");
    assert!(
        matches!(error.kind, SshErrorKind::HostKeyChanged { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn streams_to_sockets() {
    let Some((server, connection)) = connect(Setup::new()).await else {
        return;
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("it has one").port();
    let socket = server.folder().join("socket");
    let unix = UnixListener::bind(&socket).expect("a socket");
    let open_to_all = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    std::fs::set_permissions(&socket, open_to_all).expect("it may be used");
    let serve = tokio::spawn(async move {
        let (mut tcp, _) = listener.accept().await.expect("somebody comes");
        let (mut local, _) = unix.accept().await.expect("somebody comes");
        let mut text = String::new();
        tcp.read_to_string(&mut text).await.expect("it is read");
        local.write_all(text.as_bytes()).await.expect("it is written");
    });
    let mut tcp = connection.open_tcp("127.0.0.1", port).await.expect("it opens");
    let mut local = connection
        .open_unix(&socket.display().to_string())
        .await
        .expect("it opens");
    tcp.write_all(b"through").await.expect("it is written");
    tcp.shutdown().await.expect("it ends");
    let mut text = String::new();
    timeout(PATIENCE, local.read_to_string(&mut text))
        .await
        .expect("it ends")
        .expect("it is read");
    assert_eq!(text, "through");
    serve.await.expect("it went well");
    let error = connection
        .open_tcp("127.0.0.1", 1)
        .await
        .err()
        .expect("nobody listens");
    assert_eq!(error.kind, SshErrorKind::ChannelRefused);
    let error = connection
        .open_unix("/not/there")
        .await
        .err()
        .expect("nobody listens");
    assert_eq!(error.kind, SshErrorKind::ChannelRefused);
}

#[tokio::test]
async fn forwarding_that_is_forbidden() {
    let Some((_server, connection)) = connect(Setup::new().line("AllowTcpForwarding no")).await else {
        return;
    };
    let error = connection
        .open_tcp("127.0.0.1", 1)
        .await
        .err()
        .expect("it is forbidden");
    assert_eq!(error.kind, SshErrorKind::ChannelRefused);
    assert!(error.hint.expect("a hint").contains("AllowTcpForwarding"));
}

#[tokio::test]
async fn an_unread_command_holds_others_up_only_when_much_is_unread() {
    let Some((_server, connection)) = connect(Setup::new()).await else {
        return;
    };
    // What fits into the buffer of a channel disturbs nobody.
    let mut little = connection
        .exec("head -c 15000000 /dev/zero")
        .await
        .expect("it starts");
    for _ in 0..3 {
        let other = timeout(PATIENCE, connection.run("echo other", b"", 100)).await;
        assert_eq!(other.expect("it ends").expect("it runs").stdout, b"other\n");
    }
    let mut read = 0;
    while let Some(event) = timeout(PATIENCE, little.next()).await.expect("it goes on") {
        if let Event::Stdout(bytes) = event {
            read += bytes.len();
        }
    }
    assert_eq!((read, little.exit()), (15_000_000, &Exit::Code(0)));
    // More than that holds the sender back, and everything comes once it is read; dropping it frees the others too.
    let much = connection.exec("cat /dev/zero").await.expect("it starts");
    let other = tokio::spawn({
        let connection = connection.clone();
        async move { connection.run("echo other", b"", 100).await }
    });
    drop(much);
    let other = timeout(PATIENCE, other).await.expect("it ends").expect("it ends");
    assert_eq!(other.expect("it runs").stdout, b"other\n");
    let mut much = connection
        .exec("head -c 200000000 /dev/zero")
        .await
        .expect("it starts");
    let mut read = 0;
    while let Some(event) = timeout(PATIENCE, much.next()).await.expect("it goes on") {
        if let Event::Stdout(bytes) = event {
            read += bytes.len();
        }
    }
    assert_eq!((read, much.exit()), (200_000_000, &Exit::Code(0)));
}
