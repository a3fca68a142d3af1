//! The life of one worker: start, `init()`, one request after the other, end. What it is given is decided by the pool.

use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::channel::Channel;
use crate::engine::{Broken, Engine, Job, Reply};
use crate::frame::{self, Frame};
use crate::message::{AnswerHead, FirstHead, RequestHead, Traits};
use crate::pool::{JobId, WorkerId};
use crate::process::{Process, ending};

/// How long a worker that gets nothing any more may take to end, and the last words of one to arrive.
const FAREWELL: Duration = Duration::from_secs(2);
/// A body up to this length is written together with its head, in bytes.
const SMALL: usize = 64 << 10;

/// How long most answers are at most, in bytes.
const USUAL: usize = 4 << 10;

/// Why no frame was received.
enum Lost {
    /// The worker cannot have had the whole request.
    Unread,
    /// It may have.
    Read,
    /// It sent what is no frame.
    Nonsense(String),
}

/// Runs a worker to its end and tells the engine what becomes of it.
pub(crate) async fn live(
    engine: Arc<Engine>,
    id: WorkerId,
    mut jobs: UnboundedReceiver<(JobId, Job)>,
    after: Duration,
) {
    if !after.is_zero() {
        tokio::select! {
            () = tokio::time::sleep(after) => {}
            // Nothing is sent to a worker that is not ready: its end was asked for.
            _ = jobs.recv() => return engine.lost(id, jobs, None, None),
        }
    }
    let (mut process, channel) = match engine.start_process(id) {
        Ok(started) => started,
        Err(broken) => return engine.lost(id, jobs, None, Some(broken)),
    };
    let traits = tokio::select! {
        traits = initialise(&mut process, &channel) => traits,
        _ = jobs.recv() => return engine.lost(id, jobs, None, None),
    };
    let traits = match traits {
        Ok(traits) => traits,
        Err(broken) => return engine.lost(id, jobs, None, Some(broken)),
    };
    engine.ready(id, &traits);
    let mut undelivered = None;
    loop {
        let (job_id, job) = tokio::select! {
            biased;
            job = jobs.recv() => match job {
                Some(job) => job,
                None => {
                    farewell(process, channel).await;
                    return engine.lost(id, jobs, None, None);
                }
            },
            // A worker that has nothing to do says nothing: it has gone.
            () = gone(&channel) => break,
            _ = process.ended() => break,
        };
        match serve(&engine, id, &mut process, &channel, &traits, &job).await {
            Ok(reply) => {
                let ends = !matches!(reply, Reply::Answer(..));
                job.answer(reply);
                if ends {
                    break;
                }
                engine.finished(id);
            }
            Err(NotDelivered) => {
                undelivered = Some((job_id, job));
                break;
            }
        }
    }
    process.kill();
    let status = process.ended().await;
    engine.died(id, &ending(status));
    engine.lost(id, jobs, undelivered, None);
}

/// Waits until the other side says something unasked, or nothing any more. May be given up and called again.
async fn gone(channel: &Channel) {
    // Whatever it is: a byte, the end or an error.
    let _ = channel.read(&mut Vec::with_capacity(1)).await;
}

struct NotDelivered;

/// Hands one request to the worker and waits for the answer.
async fn serve(
    engine: &Engine,
    id: WorkerId,
    process: &mut Process,
    channel: &Channel,
    traits: &Traits,
    job: &Job,
) -> Result<Reply, NotDelivered> {
    let limit = engine.config.timeout;
    let head = head_of(job, traits);
    let whole = async {
        tokio::select! {
            biased;
            answer = exchange(channel, &head, &job.request.body) => return answer,
            _ = process.ended() => {}
        }
        // What it has started may hold the socket open for ever.
        process.kill();
        receive(channel).await
    };
    let Ok(answer) = tokio::time::timeout(limit, whole).await else {
        let request = job.request.id();
        tracing::warn!(
            worker = id.0,
            request,
            "run() took longer than {limit:?}: the worker is killed"
        );
        engine.metrics.timeouts.fetch_add(1, Ordering::Relaxed);
        return Ok(Reply::TimedOut);
    };
    match answer {
        Ok(frame) => match serde_json::from_slice(&frame.head) {
            Ok(answer) => Ok(answered(id, job, answer, frame.body)),
            Err(_) => Ok(Reply::Died("The worker sent what is no answer.".into())),
        },
        Err(Lost::Unread) => Err(NotDelivered),
        Err(Lost::Nonsense(what)) => Ok(Reply::Died(format!("The worker sent what is no answer: {what}."))),
        Err(Lost::Read) => {
            process.kill();
            let how = ending(process.ended().await);
            Ok(Reply::Died(format!(
                "The worker {how} while it had the request. Check the logs for more info."
            )))
        }
    }
}

fn answered(id: WorkerId, job: &Job, answer: AnswerHead, body: Bytes) -> Reply {
    if let Some(trace) = &answer.trace {
        tracing::error!(
            worker = id.0,
            request = job.request.id(),
            "the request failed:\n{trace}"
        );
    }
    Reply::Answer(answer, body)
}

fn head_of(job: &Job, traits: &Traits) -> Vec<u8> {
    let request = &job.request;
    let (uri, given) = (&request.parts.uri, &request.parts.headers);
    let headers = if traits.headers {
        given
            .iter()
            .map(|(name, value)| {
                (
                    name.as_str(),
                    value.as_bytes().iter().map(|byte| char::from(*byte)).collect(),
                )
            })
            .collect()
    } else {
        Vec::new()
    };
    let content_type = given.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    let head = RequestHead {
        method: request.parts.method.as_str(),
        path: uri.path(),
        query: uri.query().unwrap_or_default(),
        content_type: &String::from_utf8_lossy(content_type.unwrap_or_default()),
        headers,
        remote: request.remote.to_string(),
    };
    serde_json::to_vec(&head).unwrap_or_default()
}

async fn exchange(channel: &Channel, head: &[u8], body: &Bytes) -> Result<Frame, Lost> {
    let mut first = frame::begin(head, body.len()).map_err(|error| Lost::Nonsense(error.to_string()))?;
    let together = body.len() <= SMALL;
    if together {
        first.extend_from_slice(body);
    }
    // A request of which a part could not be written was not begun: a worker reads all of it first.
    channel.write_all(&first).await.map_err(|_| Lost::Unread)?;
    if !together {
        channel.write_all(body).await.map_err(|_| Lost::Unread)?;
    }
    receive(channel).await
}

async fn receive(channel: &Channel) -> Result<Frame, Lost> {
    // Most answers come whole by one read.
    let mut bytes = Vec::with_capacity(USUAL);
    let lengths = loop {
        if let Some(first) = bytes.first_chunk() {
            break *first;
        }
        match channel.read(&mut bytes).await {
            Ok(0) => return Err(Lost::Read),
            Ok(_) => {}
            // Linux says "reset" instead of "end" when the other side closed with something unread.
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return Err(Lost::Unread),
            Err(_) => return Err(Lost::Read),
        }
    };
    let (head, body) = frame::lengths(lengths).map_err(|error| Lost::Nonsense(error.to_string()))?;
    let whole = frame::LENGTHS + head + body;
    bytes.reserve(whole.saturating_sub(bytes.len()));
    while bytes.len() < whole {
        match channel.read(&mut bytes).await {
            Ok(0) | Err(_) => return Err(Lost::Read),
            Ok(_) => {}
        }
    }
    if bytes.len() > whole {
        return Err(Lost::Nonsense("it is longer than it says".to_owned()));
    }
    let mut rest = Bytes::from(bytes).split_off(frame::LENGTHS);
    let head = rest.split_to(head);
    Ok(Frame { head, body: rest })
}

/// Waits for the worker's first word.
async fn initialise(process: &mut Process, channel: &Channel) -> Result<Traits, Broken> {
    let first = tokio::select! {
        biased;
        first = receive(channel) => first,
        _ = process.ended() => {
            process.kill();
            receive(channel).await
        }
    };
    match first {
        Ok(frame) => match serde_json::from_slice(&frame.head) {
            Ok(FirstHead::Ready(ready)) => Ok(ready),
            Ok(FirstHead::Broken(broken)) => Err(Broken {
                message: broken,
                trace: String::from_utf8_lossy(&frame.body).into_owned(),
            }),
            Err(_) => Err(Broken::new("the worker's first word is not understood")),
        },
        Err(_) => {
            process.kill();
            let how = ending(process.ended().await);
            Err(Broken {
                message: format!("the worker {how} before `init()` had returned"),
                trace: process.last_words(FAREWELL).await,
            })
        }
    }
}

/// Lets a worker end by itself, for the script's own clean-up, and then by force.
async fn farewell(mut process: Process, channel: Channel) {
    drop(channel);
    let _ = tokio::time::timeout(FAREWELL, process.ended()).await;
    // What it has started may hold its outputs open; what it wrote itself has arrived by then.
    let _ = process.last_words(Duration::from_millis(100)).await;
}
