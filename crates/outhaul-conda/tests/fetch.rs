//! Fetching from channels in folders and over HTTP, the caches, and damage.

mod support;

use std::sync::Mutex;

use outhaul_conda::{CondaErrorKind, Progress};
use outhaul_testkit::conda_channel::CondaChannel;
use support::{Place, http::Server, request, solved};

#[tokio::test]
async fn a_mirror_is_asked_once_for_each_archive() {
    let place = Place::new();
    CondaChannel::build(&place.path("served/forge"));
    let server = Server::start(&place.path("served"), 600).await;
    let mut wanted = request(&["conda-forge"], &["counter"]);
    wanted.mirrors = [("conda-forge".to_owned(), format!("{}/forge", server.url))].into();
    let conda = place.conda();
    let packages = conda.solve(&wanted).await.unwrap();
    assert_eq!(support::named(&packages), ["numbers 1.1", "counter 1.0"]);
    assert!(packages[0].url.starts_with(&server.url), "{packages:?}");

    let told = Mutex::new(Vec::new());
    let progress = |progress: &Progress| told.lock().unwrap().push(progress.clone());
    conda.fetch(&packages, progress).await.unwrap();
    let archives = [
        "/forge/linux-64/counter-1.0-0.conda",
        "/forge/linux-64/numbers-1.1-0.conda",
    ];
    assert_eq!(server.archives(), archives);
    let told = told.into_inner().unwrap();
    let counts: Vec<(usize, usize)> = told
        .iter()
        .map(|progress| (progress.done, progress.total))
        .collect();
    assert_eq!(counts, [(1, 2), (2, 2)]);

    // Another process with the same folders: nothing is asked for, not even when the server is gone.
    let before = server.requests();
    let again = place.conda();
    assert_eq!(again.solve(&wanted).await.unwrap(), packages);
    again.fetch(&packages, |_| ()).await.unwrap();
    assert_eq!(server.requests(), before);
    drop(server);
    let again = place.conda();
    assert_eq!(again.solve(&wanted).await.unwrap(), packages);
    again.fetch(&packages, |_| ()).await.unwrap();
    again
        .install(&packages, &place.path("staging"), "/opt/there")
        .await
        .unwrap();
    assert_eq!(
        std::fs::read_to_string(place.path("staging/share/numbers")).unwrap(),
        "1.1\n"
    );
}

#[tokio::test]
async fn two_that_share_a_cache_take_turns() {
    let place = Place::new();
    CondaChannel::build(&place.path("served"));
    let server = Server::start(&place.path("served"), 600).await;
    let wanted = request(&[&server.url], &["counter"]);
    let packages = place.conda().solve(&wanted).await.unwrap();
    let (one, other) = (place.conda(), place.conda());
    let (first, second) = tokio::join!(one.fetch(&packages, |_| ()), other.fetch(&packages, |_| ()));
    first.unwrap();
    second.unwrap();
    assert_eq!(server.archives().len(), 2, "{:?}", server.archives());
}

#[tokio::test]
async fn without_the_network_only_what_is_kept_is_used() {
    let place = Place::new();
    CondaChannel::build(&place.path("served"));
    // Answers are old at once, so that only being offline makes them good enough.
    let server = Server::start(&place.path("served"), 0).await;
    let url = server.url.clone();
    let packages = place
        .conda()
        .solve(&request(&[&url], &["numbers"]))
        .await
        .unwrap();
    drop(server);

    let error = solved(&place.conda(), &[&url], &["numbers"]).await.unwrap_err();
    assert_eq!(error.kind, CondaErrorKind::Unreachable, "{error}");
    assert!(error.message.contains(&format!("`{url}`")), "{error}");

    let offline = place.conda_with(true);
    assert_eq!(
        solved(&offline, &[&url], &["numbers"]).await.unwrap(),
        ["numbers 2.0"]
    );
    let error = offline.fetch(&packages, |_| ()).await.unwrap_err();
    assert!(
        error.kind == CondaErrorKind::Unreachable && error.message.contains("`numbers-2.0-0.tar.bz2`"),
        "{error}"
    );
    let elsewhere = Place::new();
    let error = solved(&elsewhere.conda_with(true), &[&url], &["numbers"])
        .await
        .unwrap_err();
    assert_eq!(error.kind, CondaErrorKind::Unreachable, "{error}");
}

#[tokio::test]
async fn a_server_without_the_channel_is_named() {
    let place = Place::new();
    std::fs::create_dir(place.path("served")).unwrap();
    let server = Server::start(&place.path("served"), 0).await;
    let channel = format!("{}/forge", server.url);
    let error = solved(&place.conda(), &[&channel], &["numbers"])
        .await
        .unwrap_err();
    assert_eq!(error.kind, CondaErrorKind::Unreachable, "{error}");
    assert!(error.message.contains(&format!("`{channel}`")), "{error}");
}

#[tokio::test]
async fn damage_is_found_and_names_the_archive() {
    for (archive, spec) in [
        ("numbers-1.0-0.tar.bz2", "numbers==1.0"),
        ("numbers-1.1-0.conda", "numbers==1.1"),
    ] {
        // One byte of the content changed, and the end cut off.
        for cut in [false, true] {
            let place = Place::new();
            let channel = CondaChannel::build(&place.path("channel"));
            let conda = place.conda();
            let packages = conda.solve(&request(&[&channel.url()], &[spec])).await.unwrap();
            let whole = std::fs::read(channel.archive(archive)).unwrap();
            let mut bytes = whole.clone();
            if cut {
                bytes.truncate(whole.len() / 2);
            } else {
                let middle = whole.len() / 2;
                bytes[middle] ^= 0xff;
            }
            std::fs::write(channel.archive(archive), bytes).unwrap();
            let error = conda.fetch(&packages, |_| ()).await.unwrap_err();
            assert_eq!(error.kind, CondaErrorKind::Damaged, "{archive} {cut}: {error}");
            assert!(error.message.contains(&format!("`{archive}`")), "{error}");

            // Nothing of it is kept: it cannot be installed, and a good archive is taken afterwards.
            let staging = place.path("staging");
            let error = conda
                .install(&packages, &staging, "/opt/there")
                .await
                .unwrap_err();
            assert_eq!(error.kind, CondaErrorKind::NotFetched, "{error}");
            std::fs::write(channel.archive(archive), whole).unwrap();
            conda.fetch(&packages, |_| ()).await.unwrap();
        }
    }
}

#[tokio::test]
async fn another_archive_under_the_same_name_is_refused() {
    let place = Place::new();
    let channel = CondaChannel::build(&place.path("channel"));
    let conda = place.conda();
    let packages = conda
        .solve(&request(&[&channel.url()], &["numbers==1.0"]))
        .await
        .unwrap();
    std::fs::copy(
        channel.archive("numbers-2.0-0.tar.bz2"),
        channel.archive("numbers-1.0-0.tar.bz2"),
    )
    .unwrap();
    let error = conda.fetch(&packages, |_| ()).await.unwrap_err();
    assert_eq!(error.kind, CondaErrorKind::Damaged, "{error}");
    assert!(
        error.message.contains(packages[0].sha256.as_ref().unwrap()),
        "{error}"
    );
}

#[tokio::test]
async fn an_archive_that_is_gone_is_named() {
    let place = Place::new();
    let channel = CondaChannel::build(&place.path("channel"));
    let conda = place.conda();
    let packages = conda
        .solve(&request(&[&channel.url()], &["numbers"]))
        .await
        .unwrap();
    std::fs::remove_file(channel.archive("numbers-2.0-0.tar.bz2")).unwrap();
    let error = conda.fetch(&packages, |_| ()).await.unwrap_err();
    assert_eq!(error.kind, CondaErrorKind::Unreachable, "{error}");
    assert!(error.message.contains("`numbers-2.0-0.tar.bz2`"), "{error}");
}
