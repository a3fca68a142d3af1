//! Logins that OpenSSH's server only has with PAM, against a small server of the SSH library; and that no secret shows
//! in any error or log on the way.

mod common;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use common::secret;
use outhaul_ssh::{Connection, Credential, Hop, HostKeyPolicy, Route, SshErrorKind};
use russh::keys::ssh_key::{Algorithm, PrivateKey};
use russh::server::{Auth, Config, Handler, Response, run_stream};
use russh::{MethodKind, MethodSet};
use tokio::net::TcpListener;

const PASSWORD: &str = "pass-canary-4711";

/// Asks for the name, in the open, and for the password.
#[derive(Clone)]
struct Server {
    also_password: bool,
    endless: bool,
}

impl Handler for Server {
    type Error = russh::Error;

    async fn auth_password(&mut self, _: &str, password: &str) -> Result<Auth, russh::Error> {
        if self.also_password && password == PASSWORD {
            let questions = MethodSet::from(&[MethodKind::KeyboardInteractive][..]);
            return Ok(Auth::Reject {
                proceed_with_methods: Some(questions),
                partial_success: true,
            });
        }
        Ok(Auth::reject())
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        _: &str,
        _: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, russh::Error> {
        let answers: Vec<_> = response.into_iter().flatten().collect();
        if answers.is_empty() || self.endless {
            return Ok(Auth::Partial {
                name: "".into(),
                instructions: "".into(),
                prompts: vec![("Name: ".into(), true), ("Password: ".into(), false)].into(),
            });
        }
        let right = answers.len() == 2 && answers[0].is_empty() && answers[1] == PASSWORD.as_bytes();
        Ok(if right { Auth::Accept } else { Auth::reject() })
    }
}

async fn start(server: Server) -> SocketAddr {
    let key = PrivateKey::random(&mut russh::keys::key::safe_rng(), Algorithm::Ed25519).expect("a key");
    let config = Arc::new(Config {
        keys: vec![key],
        methods: MethodSet::from(&[MethodKind::Password, MethodKind::KeyboardInteractive][..]),
        auth_rejection_time: std::time::Duration::ZERO,
        auth_rejection_time_initial: Some(std::time::Duration::ZERO),
        ..Config::default()
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("it has one");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (config, server) = (Arc::clone(&config), server.clone());
            tokio::spawn(async move {
                if let Ok(session) = run_stream(config, stream, server).await {
                    let _ = session.await;
                }
            });
        }
    });
    address
}

async fn route(address: SocketAddr, password: &str) -> Route {
    let mut route = Route::new(vec![Hop {
        address: address.ip().to_string(),
        port: address.port(),
        username: "me".to_owned(),
        credential: Credential::Password(secret(password)),
        host_key: HostKeyPolicy::Expect("not looked at".to_owned()),
    }]);
    let shown = outhaul_ssh::scan_host_key(&route).await.expect("it shows a key");
    route.hops[0].host_key = HostKeyPolicy::Pinned(shown);
    route
}

/// Everything that is logged by anybody, at the finest level.
struct Log(Mutex<String>);

static LOG: Log = Log(Mutex::new(String::new()));

impl log::Log for Log {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let mut text = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        text.push_str(&format!("{} {}\n", record.target(), record.args()));
    }

    fn flush(&self) {}
}

#[tokio::test]
async fn hidden_questions_are_answered_and_no_secret_shows() {
    log::set_logger(&LOG).expect("the only one");
    log::set_max_level(log::LevelFilter::Trace);
    let plain = Server {
        also_password: false,
        endless: false,
    };
    let address = start(plain.clone()).await;
    let connection = Connection::open(&route(address, PASSWORD).await)
        .await
        .expect("it lets us in");
    assert!(!connection.is_closed());
    connection.close().await;
    let wrong = "wrong-canary-4711";
    let error = Connection::open(&route(address, wrong).await)
        .await
        .expect_err("it is wrong");
    assert_eq!(error.kind, SshErrorKind::LoginRefused);
    assert!(error.message.contains("keyboard-interactive"), "{error}");
    let shown = format!(
        "{error} {error:?} {:?} {connection:?}",
        route(address, wrong).await
    );
    assert!(!shown.contains("canary"), "{shown}");
    let both = Server {
        also_password: true,
        ..plain.clone()
    };
    let address = start(both).await;
    Connection::open(&route(address, PASSWORD).await)
        .await
        .expect("both ways, one after the other");
    let endless = Server {
        endless: true,
        ..plain
    };
    let address = start(endless).await;
    let error = Connection::open(&route(address, PASSWORD).await)
        .await
        .expect_err("it never ends");
    assert_eq!(error.kind, SshErrorKind::LoginRefused, "{error}");
    let log = LOG.0.lock().unwrap_or_else(PoisonError::into_inner);
    // The server in this test logs on its own side; only what the client says counts.
    let ours = log.lines().filter(|line| !line.starts_with("russh::server"));
    assert!(ours.clone().count() > 10, "it logs something");
    for line in ours {
        assert!(!line.contains("canary"), "{line}");
    }
}
