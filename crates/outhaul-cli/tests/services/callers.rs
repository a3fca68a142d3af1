//! What callers have to show and may be sure of: keys and TLS.

use outhaul_testkit::certificate::Certificate;
use outhaul_testkit::process::until;
use serde_json::Value;

use crate::support::{Bench, Said, ask};

#[test]
fn keys_are_asked_for_and_made_anew() {
    let bench = Bench::new();
    let _ = bench.deploy("churn-api", &["--auth-keys"]).success();
    let url = bench.show("churn-api")["url"].as_str().unwrap().to_owned();
    let body = "{\"data\": [1]}";
    assert_eq!(ask(&url, "", body).unwrap().0, 401);
    let keys = bench.home.json(["service", "keys", "churn-api"]);
    let bearer = |key: &Value| format!("authorization: Bearer {}\r\n", key.as_str().unwrap());
    for which in ["primary", "secondary"] {
        assert_eq!(ask(&url, &bearer(&keys[which]), body).unwrap().0, 200, "{which}");
    }
    let scored = bench.score("churn-api");
    assert_eq!(scored["key"], Value::Null, "the script sees none");
    let fresh = bench
        .home
        .json(["service", "keys", "churn-api", "--renew", "primary"]);
    assert_eq!(fresh["secondary"], keys["secondary"]);
    until("the instance with the old key is gone", || {
        let now = bench.show("churn-api");
        now["current"]["generation"] == 2 && now["leaving"] == serde_json::json!([])
    });
    until("the old key is refused", || {
        ask(&url, &bearer(&keys["primary"]), body).unwrap().0 == 401
    });
    assert_eq!(ask(&url, &bearer(&fresh["primary"]), body).unwrap().0, 200);
    // No key is in anything that others or a backup could read.
    for key in [&keys["primary"], &keys["secondary"], &fresh["primary"]] {
        let key = key.as_str().unwrap();
        for entry in walk(&bench.home.data()) {
            let bytes = std::fs::read(&entry).unwrap_or_default();
            let found = bytes.windows(key.len()).any(|window| window == key.as_bytes());
            assert!(!found, "{}", entry.display());
        }
    }
    bench.delete("churn-api");
}

#[test]
fn tls_is_spoken_with_the_certificate_that_is_given() {
    let bench = Bench::new();
    let made = Certificate::new(&bench.home.work(), "127.0.0.1");
    let (key, cert) = (made.key.clone(), made.certificate.clone());
    let tls = ["--tls-cert", "tls.crt", "--tls-key", "tls.key", "--auth-keys"];
    let mode = |file: &std::path::Path, mode| {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(&cert, 0o600);
    mode(&key, 0o644);
    let open = bench.deploy("churn-api", &tls);
    assert_eq!(open.code, Some(2), "{open}");
    assert!(open.said().contains("others can read the key file"), "{open}");
    mode(&key, 0o600);
    let swapped = [
        "service",
        "update",
        "churn-api",
        "--tls-cert",
        "tls.key",
        "--tls-key",
        "tls.crt",
    ];
    let wrong = bench.home.call(swapped);
    assert!(
        !wrong.is_success() && wrong.said().contains("no certificate in"),
        "{wrong}"
    );
    let right = [
        "service",
        "update",
        "churn-api",
        "--tls-cert",
        "tls.crt",
        "--tls-key",
        "tls.key",
    ];
    let url = bench.home.call(right).success().text().to_owned();
    assert!(url.starts_with("https://127.0.0.1:"), "{url}");
    let keys = bench.home.json(["service", "keys", "churn-api"]);
    let answer = made.post(
        &format!("{url}/score"),
        keys["primary"].as_str(),
        "{\"data\": [4]}",
    );
    let scored = answer.success().json();
    assert_eq!(scored["answer"], serde_json::json!([4]));
    test_speaks_tls(&bench, &cert);
    let plain = ask(&url.replace("https://", "http://"), "", "{}");
    assert!(plain.is_err(), "it speaks nothing else: {plain:?}");
    bench.delete("churn-api");
}

/// `outhaul service test` trusts the service's own certificate, or the roots that are named, and nothing else.
fn test_speaks_tls(bench: &Bench, cert: &std::path::Path) {
    std::fs::write(bench.home.work().join("rows.json"), "{\"data\": [4]}").unwrap();
    let test = ["service", "test", "churn-api", "--data", "rows.json"];
    let answer = bench.home.call(test).success().text().to_owned();
    assert_eq!(
        serde_json::from_str::<Value>(&answer).unwrap()["answer"],
        serde_json::json!([4])
    );
    let with_roots = |roots: &str| bench.home.call(test.into_iter().chain(["--cacert", roots]));
    let _ = with_roots("tls.crt").success();
    // Another certificate with the same name, in the place of the one that the service has loaded.
    let own = std::fs::read(cert).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let other = Certificate::new(elsewhere.path(), "127.0.0.1");
    std::fs::copy(other.certificate, cert).unwrap();
    for answer in [bench.home.call(test), with_roots("tls.crt")] {
        assert!(
            !answer.is_success() && answer.said().contains("does not answer"),
            "{answer}"
        );
        assert!(answer.said().contains("certificate"), "{answer}");
    }
    std::fs::write(cert, own).unwrap();
    let _ = bench.home.call(test).success();
    let nothing = with_roots("rows.json");
    assert!(
        !nothing.is_success() && nothing.said().contains("no certificate"),
        "{nothing}"
    );
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => found.extend(walk(&entry.path())),
            Ok(kind) if kind.is_file() => found.push(entry.path()),
            _ => {}
        }
    }
    found
}
