//! What runs leave: outputs, and the traces that must go.

use super::{Basket, Case, Subject};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "outputs_logs_and_uploads_are_kept",
        applies: |can| can.outputs,
        run: |it| Box::pin(kept(it)),
    },
    Case {
        name: "outputs_of_a_failed_run_are_kept_too",
        applies: |can| can.outputs,
        run: |it| Box::pin(failed(it)),
    },
    Case {
        name: "links_and_special_files_are_named_and_left_out",
        applies: |can| can.outputs,
        run: |it| Box::pin(odd(it)),
    },
    Case {
        name: "release_removes_all_and_may_be_repeated",
        applies: |_| true,
        run: |it| Box::pin(release(it)),
    },
];

async fn collect(it: &Subject, shell: &str) -> (Vec<(String, String)>, Vec<(String, String)>) {
    let id = it.start(shell).await;
    it.end(&id).await;
    let again = Basket::default();
    it.driver.collect_outputs(&id, &again).await.expect("collected");
    let basket = Basket::default();
    let collected = it
        .driver
        .collect_outputs(&id, &basket)
        .await
        .expect("collected again");
    let files = basket.0.into_inner().expect("whole");
    assert_eq!(
        files,
        again.0.into_inner().expect("whole"),
        "collecting again gives the same"
    );
    assert_eq!(collected.files, files.len() as u64);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (
        files
            .into_iter()
            .map(|(path, bytes)| (path, text(bytes)))
            .collect(),
        collected.skipped,
    )
}

fn named(files: &[(&str, &str)]) -> Vec<(String, String)> {
    files
        .iter()
        .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
        .collect()
}

async fn kept(it: Subject) {
    let shell = "mkdir -p outputs/a/b; echo m > outputs/a/b/model; echo l > logs/x.log; echo n > not-kept; \
        mkdir -p \"$OUTHAUL_UPLOADS_DIR/plots\"; echo u > \"$OUTHAUL_UPLOADS_DIR/plots/u.png\"; : > outputs/empty";
    let (files, skipped) = collect(&it, shell).await;
    assert_eq!(
        files,
        named(&[
            ("logs/x.log", "l\n"),
            ("outputs/a/b/model", "m\n"),
            ("outputs/empty", ""),
            ("plots/u.png", "u\n")
        ])
    );
    assert!(skipped.is_empty(), "{skipped:?}");
}

async fn failed(it: Subject) {
    let (files, _) = collect(&it, "echo half > outputs/checkpoint; exit 1").await;
    assert_eq!(files, named(&[("outputs/checkpoint", "half\n")]));
}

async fn odd(it: Subject) {
    let shell = "cd outputs; echo m > model; ln -s model latest; ln -s /etc/hostname leak; ln -s nowhere dangling; mkfifo pipe";
    let (files, mut skipped) = collect(&it, shell).await;
    assert_eq!(
        files,
        named(&[("outputs/latest", "m\n"), ("outputs/model", "m\n")])
    );
    skipped.sort();
    let names: Vec<&str> = skipped.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(names, ["outputs/dangling", "outputs/leak", "outputs/pipe"]);
}

async fn release(it: Subject) {
    let request = it
        .request("echo x > outputs/x; chmod 000 outputs/x; mkdir -p deep/er; echo y > deep/er/y")
        .await;
    let id = it.driver.submit(&request).await.expect("it starts");
    it.end(&id).await;
    for _ in 0..2 {
        it.driver.release(&id).await.expect("released");
    }
    assert_eq!(it.driver.find(&request.run_key).await.expect("it answers"), None);
    assert!(it.look(&id).await.is_none());
}
