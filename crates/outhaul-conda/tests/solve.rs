//! Solving against channels in folders that the tests make.

mod support;

use outhaul_conda::CondaErrorKind;
use outhaul_testkit::conda_channel::{CondaChannel, CondaPackageSource};
use support::{Place, request, solved};

#[tokio::test]
async fn versions_and_pins_are_kept_and_needed_packages_come_first() {
    let place = Place::new();
    let channel = CondaChannel::build(&place.path("channel")).url();
    let conda = place.conda();
    for (specs, expected) in [
        (&["numbers"][..], &["numbers 2.0"][..]),
        (&["numbers=1"], &["numbers 1.1"]),
        (&["numbers==1.0"], &["numbers 1.0"]),
        (&["numbers >=1,<1.1"], &["numbers 1.0"]),
        (&["counter"], &["numbers 1.1", "counter 1.0"]),
        (&["counter", "numbers=1.0"], &["numbers 1.0", "counter 1.0"]),
        (&[], &[]),
    ] {
        assert_eq!(
            solved(&conda, &[&channel], specs).await.unwrap(),
            expected,
            "{specs:?}"
        );
    }
}

#[tokio::test]
async fn packages_come_with_their_address_and_checksums() {
    let place = Place::new();
    let channel = CondaChannel::build(&place.path("channel"));
    // An absolute folder is as good as its address.
    let folder = channel.folder().to_str().unwrap();
    let found = place
        .conda()
        .solve(&request(&[folder], &["numbers=1"]))
        .await
        .unwrap();
    let [package] = &found[..] else {
        panic!("{found:?}");
    };
    assert_eq!(package.build, "0");
    assert_eq!(
        package.url,
        format!("{}/linux-64/numbers-1.1-0.conda", channel.url())
    );
    assert_eq!(package.sha256.as_ref().map(String::len), Some(64));
    assert_eq!(package.md5.as_ref().map(String::len), Some(32));
}

#[tokio::test]
async fn the_first_channel_that_has_a_package_wins() {
    let place = Place::new();
    let usual = CondaChannel::build(&place.path("usual")).url();
    let old = [CondaPackageSource::new("numbers", "0.9")];
    let other = CondaChannel::with(&place.path("other"), &old).url();
    let conda = place.conda();
    let first = solved(&conda, &[&other, &usual], &["numbers"]).await.unwrap();
    assert_eq!(first, ["numbers 0.9"]);
    let second = solved(&conda, &[&usual, &other], &["numbers"]).await.unwrap();
    assert_eq!(second, ["numbers 2.0"]);
    // A spec that names a channel is searched there, whether the channel is listed or not.
    let spec = format!("{other}::numbers");
    for channels in [&[usual.as_str(), &other][..], &[&usual]] {
        let mut named = solved(&conda, channels, &[&spec, "textual"]).await.unwrap();
        named.sort();
        assert_eq!(named, ["numbers 0.9", "textual 1.0"]);
    }
    let mut mirrored = request(&["other", "usual"], &["usual::numbers=1.0", "binary"]);
    mirrored.mirrors = [("usual".to_owned(), usual), ("other".to_owned(), other)].into();
    let mut named = support::named(&conda.solve(&mirrored).await.unwrap());
    named.sort();
    assert_eq!(named, ["binary 1.0", "numbers 1.0"]);
}

#[tokio::test]
async fn the_target_decides_and_not_this_machine() {
    let place = Place::new();
    let new = CondaPackageSource::new;
    let packages = [
        new("modern", "1.0").needs("__glibc >=2.17"),
        new("modern", "2.0").needs("__glibc >=2.34"),
        new("fast", "1.0").needs("__cuda >=12"),
        new("fast", "1.0").subdir("linux-aarch64"),
    ];
    let channel = CondaChannel::with(&place.path("channel"), &packages).url();
    let conda = place.conda();
    let mut wanted = request(&[&channel], &["modern"]);
    assert_eq!(
        support::named(&conda.solve(&wanted).await.unwrap()),
        ["modern 1.0"]
    );
    wanted.glibc = Some("2.35".into());
    assert_eq!(
        support::named(&conda.solve(&wanted).await.unwrap()),
        ["modern 2.0"]
    );

    wanted.specs = vec!["fast".into()];
    let error = conda.solve(&wanted).await.unwrap_err();
    assert!(
        error.kind == CondaErrorKind::Unsolvable && error.message.contains("__cuda"),
        "{error}"
    );
    wanted.cuda = Some("12.4".into());
    assert_eq!(support::named(&conda.solve(&wanted).await.unwrap()), ["fast 1.0"]);
    wanted.cuda = None;
    wanted.platform = "linux-aarch64".into();
    let found = conda.solve(&wanted).await.unwrap();
    assert!(found[0].url.contains("/linux-aarch64/"), "{found:?}");
}

#[tokio::test]
async fn what_cannot_be_solved_is_said_in_the_solvers_words() {
    let place = Place::new();
    let channel = CondaChannel::build(&place.path("channel")).url();
    let conda = place.conda();
    let error = solved(&conda, &[&channel], &["counter", "numbers=2"])
        .await
        .unwrap_err();
    assert_eq!(error.kind, CondaErrorKind::Unsolvable);
    assert!(error.is_users_fault());
    for part in ["no set of conda packages fits:\n", "counter", "numbers >=1,<2"] {
        assert!(error.message.contains(part), "{error}");
    }
    let error = solved(&conda, &[&channel], &["nowhere"]).await.unwrap_err();
    assert!(
        error.kind == CondaErrorKind::Unsolvable && error.message.contains("nowhere"),
        "{error}"
    );
}

#[tokio::test]
async fn a_channel_that_is_not_there_is_named() {
    let place = Place::new();
    let there = CondaChannel::build(&place.path("channel")).url();
    let gone = format!("file://{}", place.path("gone").display());
    let conda = place.conda();
    let error = solved(&conda, &[&there, &gone], &["numbers"]).await.unwrap_err();
    assert_eq!(error.kind, CondaErrorKind::Unreachable, "{error}");
    assert!(!error.is_users_fault());
    assert!(error.message.contains(&format!("`{gone}`")), "{error}");
}

#[tokio::test]
async fn an_index_that_is_damaged_is_not_taken_for_an_empty_one() {
    let place = Place::new();
    let channel = CondaChannel::build(&place.path("channel"));
    std::fs::write(
        channel.folder().join("linux-64/repodata.json"),
        "{\"packages\": {",
    )
    .unwrap();
    let error = solved(&place.conda(), &[&channel.url()], &["numbers"])
        .await
        .unwrap_err();
    assert_eq!(error.kind, CondaErrorKind::Damaged, "{error}");
    assert!(error.message.contains(&channel.url()), "{error}");
}
