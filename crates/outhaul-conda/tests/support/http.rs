//! A server that hands out the files of a folder, on a port that the system chooses, and counts what was asked for.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// A server; it ends when this is dropped.
pub struct Server {
    pub url: String,
    asked: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Server {
    /// Starts one. `fresh` seconds long its answers need not be asked for again.
    pub async fn start(folder: &Path, fresh: u32) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let task = tokio::spawn(serve(listener, folder.to_owned(), fresh, asked.clone()));
        Self { url, asked, task }
    }

    /// The archives that were downloaded so far.
    pub fn archives(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        let names = asked.iter().filter_map(|line| line.strip_prefix("GET "));
        let mut all: Vec<String> = names
            .filter(|path| path.ends_with(".conda") || path.ends_with("-0.tar.bz2"))
            .map(str::to_owned)
            .collect();
        all.sort();
        all
    }

    /// How many requests there were so far.
    pub fn requests(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, folder: PathBuf, fresh: u32, asked: Arc<Mutex<Vec<String>>>) {
    // Connections are served in this task's set, so that none outlives the server.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            return;
        };
        connections.spawn(answer(stream, folder.clone(), fresh, asked.clone()));
    }
}

async fn answer(mut stream: TcpStream, folder: PathBuf, fresh: u32, asked: Arc<Mutex<Vec<String>>>) {
    let mut head = Vec::new();
    let mut piece = [0; 1024];
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => return,
            Ok(count) => head.extend_from_slice(&piece[..count]),
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut words = head.split_whitespace();
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    asked.lock().unwrap().push(format!("{method} {path}"));
    let (status, body) = match std::fs::read(folder.join(path.trim_start_matches('/'))) {
        Ok(body) => ("200 OK", body),
        Err(_) => ("404 Not Found", Vec::new()),
    };
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nCache-Control: max-age={fresh}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all(answer.as_bytes()).await;
    if method == "GET" {
        let _ = stream.write_all(&body).await;
    }
    let _ = stream.shutdown().await;
}
