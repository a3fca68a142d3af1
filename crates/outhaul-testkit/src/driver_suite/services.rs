//! What a web service needs beside a run: secrets that are in its process only, and a way to where it listens.

use std::net::Ipv4Addr;

use outhaul_driver::{Capabilities, TargetLog};
use outhaul_types::{Exit, Secret};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{Case, Subject};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "secrets reach the process and no plan",
        applies: keeps_services,
        run: |it| Box::pin(secrets(it)),
    },
    Case {
        name: "there is a way to what listens",
        applies: keeps_services,
        run: |it| Box::pin(way(it)),
    },
];

const fn keeps_services(can: &Capabilities) -> bool {
    can.services
}

async fn secrets(it: Subject) {
    let value = "it's a \"$HOME\"\nin two lines";
    let shell = "printf '%s|' \"$SUITE_SECRET\" \"$SUITE_OTHER\"; cat ../launch.sh";
    let mut request = it.request(shell).await;
    for (name, value) in [("SUITE_SECRET", value), ("SUITE_OTHER", "other")] {
        let secret = Secret::new(value.to_owned());
        request.secrets.push((name.to_owned(), secret));
    }
    let shown = serde_json::to_string(&request).expect("it can be shown") + &format!("{request:?}");
    assert!(!shown.contains("in two lines"), "{shown}");
    let id = it.driver.submit(&request).await.expect("it starts");
    assert_eq!(it.end(&id).await, Exit::Code { code: 0 });
    let text = it.text(&id, TargetLog::Stdout).await;
    let launch = text.strip_prefix(&format!("{value}|other|"));
    let launch = launch.unwrap_or_else(|| panic!("{text}"));
    assert!(
        launch.contains("SUITE_OTHER") && !launch.contains("in two lines"),
        "{launch}"
    );
}

/// The target has to be this machine, as that of every test is.
async fn way(it: Subject) {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
    let listener = listener.expect("a port is free");
    let address = listener.local_addr().expect("it listens");
    // Answers whoever calls, also a call whose answer was lost.
    let answering = tokio::spawn(async move {
        while let Ok((mut caller, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut heard = String::new();
                if caller.read_to_string(&mut heard).await.is_ok() {
                    let _ = caller.write_all(format!("{heard}?").as_bytes()).await;
                }
            });
        }
    });
    let mut stream = it.driver.connect(address).await.expect("there is a way");
    stream.write_all(b"question").await.expect("it is taken");
    stream.shutdown().await.expect("one side may end");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("it arrives");
    assert_eq!(answer, "question?");
    answering.abort();
}
