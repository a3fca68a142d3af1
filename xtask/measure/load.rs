//! Many callers of one HTTP server, each on a connection that it keeps as long as the server does. Every answer is compared
//! with the one that is expected.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// An answer that has not come by then never comes.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is asked, and what must be answered.
pub struct Asked<'a> {
    /// The server.
    pub address: SocketAddr,
    /// The path.
    pub path: &'a str,
    /// The body of each request.
    pub body: &'a str,
    /// The body of each answer, byte for byte.
    pub expected: &'a str,
}

/// Calls for so long on so many connections, and tells what came of it as JSON: the number of answers, the seconds,
/// the median and the 99th percentile of a call in seconds, and how often a connection was made anew.
pub fn run(asked: &Asked<'_>, connections: usize, seconds: f64) -> Result<String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let request = format!(
        "POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{}",
        asked.path,
        asked.body.len(),
        asked.body
    );
    runtime.block_on(async {
        let local = tokio::task::LocalSet::new();
        local.run_until(all(asked, request, connections, seconds)).await
    })
}

async fn all(asked: &Asked<'_>, request: String, connections: usize, seconds: f64) -> Result<String> {
    let request: std::rc::Rc<str> = request.into();
    let expected: std::rc::Rc<str> = asked.expected.into();
    let begin = Instant::now();
    let end = begin + Duration::from_secs_f64(seconds);
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..connections {
        callers.spawn_local(caller(asked.address, request.clone(), expected.clone(), end));
    }
    let (mut times, mut anew) = (Vec::new(), 0);
    while let Some(done) = callers.join_next().await {
        let (taken, reconnected) = done??;
        times.extend(taken);
        anew += reconnected;
    }
    let took = begin.elapsed().as_secs_f64();
    times.sort_unstable_by(f64::total_cmp);
    ensure!(!times.is_empty(), "no answer came within {seconds} s");
    let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize];
    let told = json!({
        "answers": times.len(), "seconds": took, "p50": at(0.5), "p99": at(0.99), "anew": anew,
    });
    Ok(told.to_string())
}

/// One caller: the seconds of each of its calls, and how often it had to connect anew.
async fn caller(
    address: SocketAddr,
    request: std::rc::Rc<str>,
    expected: std::rc::Rc<str>,
    end: Instant,
) -> Result<(Vec<f64>, usize)> {
    let (mut times, mut anew) = (Vec::new(), 0);
    let mut kept: Option<TcpStream> = None;
    let mut answer = Vec::new();
    while Instant::now() < end {
        let begin = Instant::now();
        let was_kept = kept.is_some();
        let mut stream = match kept.take() {
            Some(stream) => stream,
            None => connect(address).await?,
        };
        let call = call(&mut stream, request.as_bytes(), &mut answer);
        let called = tokio::time::timeout(PATIENCE, call)
            .await
            .context("no answer came")?;
        let (body, stays) = match called {
            Ok(called) => called,
            // A server may end a connection that it had kept just as a request is on its way.
            Err(_) if was_kept && answer.is_empty() => {
                anew += 1;
                continue;
            }
            Err(error) => return Err(error),
        };
        if answer[body..] != *expected.as_bytes() {
            bail!(
                "the answer is `{}` and not `{expected}`",
                String::from_utf8_lossy(&answer)
            );
        }
        times.push(begin.elapsed().as_secs_f64());
        if stays {
            kept = Some(stream);
        } else {
            anew += 1;
        }
    }
    Ok((times, anew))
}

async fn connect(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Sends a request and reads its answer: where its body begins, and whether the connection stays.
async fn call(stream: &mut TcpStream, request: &[u8], answer: &mut Vec<u8>) -> Result<(usize, bool)> {
    answer.clear();
    stream.write_all(request).await?;
    loop {
        let read = stream.read_buf(answer).await?;
        let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else {
            ensure!(read > 0, "the connection ended in the head of an answer");
            continue;
        };
        let head = std::str::from_utf8(&answer[..end])?.to_ascii_lowercase();
        ensure!(
            head.split(' ').nth(1) == Some("200"),
            "the answer is {}",
            String::from_utf8_lossy(answer)
        );
        let field = |name: &str| {
            let mut lines = head.lines();
            lines.find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim().to_owned()))
        };
        let length: usize = field("content-length")
            .context("an answer without a length")?
            .parse()?;
        let body = end + 4;
        while answer.len() < body + length {
            let read = stream.read_buf(answer).await?;
            ensure!(read > 0, "the connection ended in the body of an answer");
        }
        return Ok((body, field("connection").as_deref() != Some("close")));
    }
}
