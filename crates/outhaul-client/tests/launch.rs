//! Starting a server that does not come up: a shell script plays the program.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use outhaul_client::{ClientError, ensure_server};
use outhaul_types::ErrorCode;

fn program(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("program");
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

async fn failure(text: &str) -> (String, Option<String>, ErrorCode) {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    match ensure_server(&home, &program(folder.path(), text))
        .await
        .unwrap_err()
    {
        ClientError::Api(error) => (error.message, error.hint, error.code),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_the_server_says_is_passed_on() {
    let (message, hint, code) =
        failure(r#"echo 'error 2 {"code":"conflict","message":"a newer version","hint":"update"}'; exit 2"#)
            .await;
    assert_eq!(
        (message.as_str(), hint.as_deref(), code),
        ("a newer version", Some("update"), ErrorCode::Conflict)
    );
}

#[tokio::test]
async fn a_silent_end_names_the_log() {
    let (message, hint, code) = failure("exit 1").await;
    assert_eq!(
        (message.as_str(), code),
        ("the server ended before it was ready", ErrorCode::Internal)
    );
    assert!(hint.unwrap().contains("/home/server.log`"));
}

#[tokio::test]
async fn it_is_told_where_and_how_to_be_and_many_commands_start_it_one_after_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    let seen = folder.path().join("seen");
    // While one plays the server no other may be there.
    let text = format!(
        "mkdir '{0}.one' || echo two >> '{0}'; echo \"$*\" >> '{0}'; rmdir '{0}.one'; echo ready",
        seen.display()
    );
    let program = program(folder.path(), &text);
    let mut tasks = Vec::new();
    for _ in 0..8 {
        let (home, program) = (home.clone(), program.clone());
        tasks.push(tokio::spawn(async move { ensure_server(&home, &program).await }));
    }
    for task in tasks {
        assert!(matches!(task.await.unwrap(), Err(ClientError::NotRunning { .. })));
    }
    let line = format!("serve --home {} --background\n", home.display());
    assert_eq!(std::fs::read_to_string(&seen).unwrap(), line.repeat(8));
    assert_eq!(home.metadata().unwrap().permissions().mode() & 0o777, 0o700);
}

#[tokio::test]
async fn a_folder_of_somebody_else_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let program = program(folder.path(), "echo ready");
    let error = ensure_server(folder.path(), &program).await.unwrap_err();
    assert!(
        error.to_string().contains("is not a data folder of outhaul"),
        "{error}"
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}
