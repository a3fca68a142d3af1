//! Measures a connection to a real server of the test kit, against OpenSSH's client with a shared connection.
//! `cargo run --release -p outhaul-ssh --example speed`
#![expect(clippy::print_stdout, reason = "it is a program that shows figures")]

use std::error::Error;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use outhaul_ssh::{Connection, Credential, Event, Hop, HostKeyPolicy, Route, ServerKey};
use outhaul_testkit::sshd::{Setup, Sshd};
use outhaul_types::Secret;

const BYTES: usize = 500_000_000;
const TIMES: u32 = 50;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let Some(server) = Setup::new().start() else {
        return Ok(());
    };
    let shown = ServerKey::parse(&server.host_keys()[0]).ok_or("no host key")?;
    let route = Route::new(vec![Hop {
        address: "127.0.0.1".to_owned(),
        port: server.port(),
        username: server.username().to_owned(),
        credential: Credential::PrivateKey {
            key: Secret::new(server.client_key().to_owned()),
            passphrase: None,
            certificate: None,
        },
        host_key: HostKeyPolicy::Expect(shown.fingerprint()),
    }]);
    let since = Instant::now();
    let connection = Connection::open(&route).await?;
    println!("ours     open    {:?}", since.elapsed());
    let since = Instant::now();
    for _ in 0..TIMES {
        connection.run("true", b"", 0).await?;
    }
    println!("ours     true    {:?}", since.elapsed() / TIMES);
    println!("ours     in      {}", rate(sink(&connection).await?));
    println!("ours     out     {}", rate(source(&connection).await?));
    openssh(&server)?;
    Ok(())
}

fn rate(time: Duration) -> String {
    format!("{:.0} MB/s", BYTES as f64 / 1e6 / time.as_secs_f64())
}

async fn sink(connection: &Connection) -> Result<Duration, Box<dyn Error>> {
    let since = Instant::now();
    let mut exec = connection.exec("cat > /dev/null").await?;
    let mut stdin = exec.take_stdin().ok_or("no input")?;
    let block = Bytes::from(vec![7; 1_000_000]);
    for _ in 0..BYTES / block.len() {
        stdin.send(block.clone()).await?;
    }
    stdin.finish().await;
    exec.wait().await;
    Ok(since.elapsed())
}

async fn source(connection: &Connection) -> Result<Duration, Box<dyn Error>> {
    let since = Instant::now();
    let mut exec = connection.exec(&format!("head -c {BYTES} /dev/zero")).await?;
    let mut read = 0;
    while let Some(event) = exec.next().await {
        if let Event::Stdout(bytes) = event {
            read += bytes.len();
        }
    }
    if read != BYTES {
        return Err(format!("only {read} bytes came").into());
    }
    Ok(since.elapsed())
}

fn openssh(server: &Sshd) -> Result<(), Box<dyn Error>> {
    let control = server.folder().join("control");
    let ssh = |command: &str, input: Stdio| -> Result<Duration, Box<dyn Error>> {
        let since = Instant::now();
        let status = Command::new("ssh")
            .args([
                "-F",
                "none",
                "-o",
                "StrictHostKeyChecking=no",
                "-o",
                "UserKnownHostsFile=/dev/null",
            ])
            .args([
                "-o",
                "LogLevel=ERROR",
                "-o",
                "ControlMaster=auto",
                "-o",
                "ControlPersist=60",
            ])
            .arg("-o")
            .arg(format!("ControlPath={}", control.display()))
            .arg("-i")
            .arg(server.folder().join("client"))
            .args(["-p", &server.port().to_string()])
            .arg(format!("{}@127.0.0.1", server.username()))
            .arg(command)
            .stdin(input)
            .stdout(Stdio::null())
            .status()?;
        if !status.success() {
            return Err("ssh failed".into());
        }
        Ok(since.elapsed())
    };
    println!(
        "openssh  open    {:?} with a first command",
        ssh("true", Stdio::null())?
    );
    let mut all = Duration::ZERO;
    for _ in 0..TIMES {
        all += ssh("true", Stdio::null())?;
    }
    println!("openssh  true    {:?}", all / TIMES);
    let mut zeros = Command::new("head")
        .args(["-c", &BYTES.to_string(), "/dev/zero"])
        .stdout(Stdio::piped())
        .spawn()?;
    let input = zeros.stdout.take().ok_or("no output")?;
    println!("openssh  in      {}", rate(ssh("cat > /dev/null", input.into())?));
    zeros.wait()?;
    println!(
        "openssh  out     {}",
        rate(ssh(&format!("head -c {BYTES} /dev/zero"), Stdio::null())?)
    );
    Command::new("ssh")
        .args(["-F", "none", "-O", "exit", "-o"])
        .arg(format!("ControlPath={}", control.display()))
        .arg("x")
        .stderr(Stdio::null())
        .status()?;
    Ok(())
}
