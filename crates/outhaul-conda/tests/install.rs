//! Installing for another path, and running what was installed there.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail loudly")]

mod support;

use std::{
    path::Path,
    process::{Command, Output},
};

use outhaul_conda::{CondaErrorKind, python_of};
use outhaul_testkit::conda_channel::{CondaChannel, CondaPackageSource, PLACEHOLDER, python_version};
use outhaul_types::CondaPackage;
use support::{Place, request, tree};

/// Runs a program with nothing of this machine in its environment but the usual tools.
fn run(program: &Path, arguments: &[&str]) -> String {
    let output: Output = Command::new(program)
        .args(arguments)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{}: {text}{}",
        program.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

async fn fetched(place: &Place, channel: &CondaChannel, specs: &[&str]) -> Vec<CondaPackage> {
    let conda = place.conda();
    let packages = conda.solve(&request(&[&channel.url()], specs)).await.unwrap();
    conda.fetch(&packages, |_| ()).await.unwrap();
    packages
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[tokio::test]
async fn an_environment_runs_where_it_was_made_for() {
    let place = Place::new();
    let channel = CondaChannel::build_with_python(&place.path("channel"));
    let packages = fetched(&place, &channel, &["greeter", "textual", "binary"]).await;
    let target = place.path("somewhere/else/environment");
    let prefix = target.to_str().unwrap();
    let staging = place.path("staging");
    let installed = place.conda().install(&packages, &staging, prefix).await.unwrap();
    assert_eq!(installed, outhaul_conda::Installed::default());

    // As on a target: the folder arrives as a tar, and neither cache, channel nor staging folder is there.
    std::fs::create_dir_all(&target).unwrap();
    let tar = place.path("environment.tar");
    let (tar, from) = (tar.to_str().unwrap(), staging.to_str().unwrap());
    run(Path::new("tar"), &["-cf", tar, "-C", from, "."]);
    run(Path::new("tar"), &["-xf", tar, "-C", prefix]);
    for folder in ["staging", "packages", "channel"] {
        std::fs::remove_dir_all(place.path(folder)).unwrap();
    }
    for (path, (_, content)) in tree(&target) {
        let has = |text: &str| content.windows(text.len()).any(|part| part == text.as_bytes());
        let files_of_packages = !path.starts_with("conda-meta");
        assert!(
            !(has(PLACEHOLDER) && files_of_packages),
            "{} is not replaced",
            path.display()
        );
        assert!(!has(from), "{} names the staging folder", path.display());
        let cache = place.path("packages");
        assert!(
            !has(cache.to_str().unwrap()),
            "{} names the cache",
            path.display()
        );
    }

    let python = python_of(&packages).unwrap();
    assert_eq!(python.version, python_version());
    let python = target.join(&python.path);
    let said = run(
        &python,
        &[
            "-c",
            "import sys, json, greeter; print(sys.prefix, greeter.__file__.startswith(sys.prefix))",
        ],
    );
    assert_eq!(said.trim(), format!("{prefix} True"));
    assert_eq!(
        run(&target.join("bin/greet"), &[]).trim(),
        format!("hello from {prefix}")
    );
    assert_eq!(
        run(&target.join("bin/textual"), &[]),
        format!("home={prefix}\nroot = {prefix}/share\n")
    );

    // Nothing else moves in a binary file: the longer placeholder leaves zero bytes behind.
    let data = std::fs::read(target.join("lib/binary.dat")).unwrap();
    let mut expected = b"\x01\x02\0".to_vec();
    expected.extend_from_slice(format!("{prefix}/lib/data").as_bytes());
    expected.resize(3 + PLACEHOLDER.len() + "/lib/data".len(), 0);
    expected.extend_from_slice(b"\0tail\0\xff");
    assert_eq!(data, expected);

    // The records are there, for tools that look for them.
    let record = target.join("conda-meta/greeter-0.3-0.json");
    let record: serde_json::Value = serde_json::from_slice(&std::fs::read(record).unwrap()).unwrap();
    assert_eq!(record["name"], "greeter");
    let files = record["files"].as_array().unwrap();
    assert!(files.iter().any(|file| file == "bin/greet"), "{files:?}");
}

#[tokio::test]
async fn installing_again_gives_the_same() {
    let place = Place::new();
    let channel = CondaChannel::build(&place.path("channel"));
    let packages = fetched(&place, &channel, &["counter", "textual", "binary"]).await;
    let mut trees = Vec::new();
    for staging in ["first", "second"] {
        let staging = place.path(staging);
        place
            .conda()
            .install(&packages, &staging, "/opt/there/")
            .await
            .unwrap();
        trees.push(tree(&staging));
    }
    assert!(trees[0].contains_key(Path::new("conda-meta/counter-1.0-0.json")));
    assert!(trees[0] == trees[1]);

    // What was installed is not the cache's: it may be changed.
    std::fs::write(place.path("first/share/numbers"), "other").unwrap();
    place
        .conda()
        .install(&packages, &place.path("third"), "/opt/there")
        .await
        .unwrap();
    assert!(tree(&place.path("third")) == trees[1]);

    let error = place
        .conda()
        .install(&packages, &place.path("third"), "/opt/there")
        .await
        .unwrap_err();
    assert!(
        error.kind == CondaErrorKind::Invalid && error.message.contains("is not empty"),
        "{error}"
    );
    assert!(tree(&place.path("third")) == trees[1]);
}

#[tokio::test]
async fn a_folder_with_too_long_a_name_is_refused() {
    let place = Place::new();
    let tight = CondaPackageSource::new("tight", "1.0").file_with_prefix(
        "lib/tight.dat",
        "\0/opt/room_for_twenty_b/x\0",
        "binary",
        "/opt/room_for_twenty_b",
    );
    CondaChannel::build(&place.path("channel"));
    let channel = CondaChannel::with(&place.path("channel"), &[tight]);
    let packages = fetched(&place, &channel, &["tight", "binary", "textual"]).await;
    let conda = place.conda();
    let fits = "/opt/room_for_twenty_c";
    conda.install(&packages, &place.path("fits"), fits).await.unwrap();
    let staging = place.path("staging");
    let error = conda
        .install(&packages, &staging, &format!("{fits}d"))
        .await
        .unwrap_err();
    assert_eq!(error.kind, CondaErrorKind::PrefixTooLong);
    for part in ["23 bytes", "`tight`", "room for 22"] {
        assert!(error.message.contains(part), "{error}");
    }
    assert!(error.hint.unwrap().contains("shorter"));
    assert!(!staging.exists(), "a refused request changes nothing");

    // Text has room for any name.
    let packages = fetched(&place, &channel, &["textual"]).await;
    let long = format!("/opt/{}", "x".repeat(400));
    conda.install(&packages, &staging, &long).await.unwrap();
    let conf = std::fs::read_to_string(staging.join("etc/textual.conf")).unwrap();
    assert_eq!(conf, format!("root = {long}/share\n"));
}

#[tokio::test]
async fn scripts_are_not_run_and_shared_files_are_named() {
    let place = Place::new();
    let mark = place.path("mark");
    let script = format!("#!/bin/sh\n: > {}\n", mark.display());
    let packages = [
        CondaPackageSource::new("first", "1.0").file("share/both", "first\n"),
        CondaPackageSource::new("second", "1.0")
            .needs("first")
            .file("share/both", "second\n")
            .file_with_prefix("bin/.second-post-link.sh", &script, "text", PLACEHOLDER),
    ];
    let channel = CondaChannel::with(&place.path("channel"), &packages);
    let packages = fetched(&place, &channel, &["second"]).await;
    let staging = place.path("staging");
    let installed = place
        .conda()
        .install(&packages, &staging, "/opt/there")
        .await
        .unwrap();
    assert_eq!(installed.scripts_not_run, ["second"]);
    assert_eq!(installed.clobbered, ["share/both"]);
    assert_eq!(
        std::fs::read_to_string(staging.join("share/both")).unwrap(),
        "second\n"
    );
    assert!(!mark.exists());
}

#[tokio::test]
async fn what_would_leave_the_folder_is_refused() {
    let place = Place::new();
    let channel = CondaChannel::with(
        &place.path("channel"),
        &[CondaPackageSource::new("bad", "1.0").file("../outside", "x")],
    );
    let conda = place.conda();
    let packages = conda.solve(&request(&[&channel.url()], &["bad"])).await.unwrap();
    // Either step may refuse it, and neither writes there.
    let fetched = conda.fetch(&packages, |_| ()).await;
    let error = match fetched {
        Err(error) => error,
        Ok(()) => conda
            .install(&packages, &place.path("staging"), "/opt/there")
            .await
            .unwrap_err(),
    };
    assert_eq!(error.kind, CondaErrorKind::Damaged, "{error}");
    assert!(error.message.contains("`bad-1.0-0.tar.bz2`"), "{error}");
    assert!(!place.path("outside").exists() && !place.path("packages/outside").exists());
}

#[tokio::test]
async fn modules_without_python_are_refused() {
    let place = Place::new();
    let module = CondaPackageSource::new("module", "1.0")
        .noarch("python")
        .file("site-packages/module.py", "");
    let channel = CondaChannel::with(&place.path("channel"), &[module]);
    let packages = fetched(&place, &channel, &["module"]).await;
    let error = place
        .conda()
        .install(&packages, &place.path("staging"), "/opt/there")
        .await
        .unwrap_err();
    assert_eq!(error.kind, CondaErrorKind::Invalid, "{error}");
    assert!(error.message.contains("`module`"), "{error}");
}
