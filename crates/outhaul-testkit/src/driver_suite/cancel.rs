//! Ending runs: politely, by force, with their children.

use std::time::Duration;

use outhaul_driver::TargetLog;
use outhaul_types::Exit;

use super::{Case, Subject};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "a_polite_process_may_clean_up",
        applies: |can| can.cancel,
        run: |it| Box::pin(polite(it)),
    },
    Case {
        name: "a_stubborn_process_ends_by_force_with_its_children",
        applies: |can| can.cancel,
        run: |it| Box::pin(stubborn(it)),
    },
    Case {
        name: "ending_what_has_ended_is_no_error",
        applies: |can| can.cancel,
        run: |it| Box::pin(ended(it)),
    },
];

async fn polite(it: Subject) {
    let id = it
        .start("trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 0.05; done")
        .await;
    it.has_written(&id).await;
    it.driver
        .cancel(&id, Duration::from_secs(30))
        .await
        .expect("asked");
    assert_eq!(it.end(&id).await, Exit::Code { code: 7 });
    assert!(it.text(&id, TargetLog::Stdout).await.starts_with("up\nbye\n"));
}

async fn stubborn(it: Subject) {
    let id = it.start("trap '' TERM; (trap '' TERM; while :; do sleep 0.1; done) & echo up; while :; do sleep 0.1; done").await;
    it.has_written(&id).await;
    for _ in 0..3 {
        it.driver
            .cancel(&id, Duration::from_millis(100))
            .await
            .expect("asked, again and again");
    }
    assert_eq!(it.end(&id).await, Exit::Code { code: 128 + 9 });
}

async fn ended(it: Subject) {
    let id = it.start("exit 3").await;
    it.end(&id).await;
    it.driver
        .cancel(&id, Duration::from_millis(10))
        .await
        .expect("no error");
    assert_eq!(it.end(&id).await, Exit::Code { code: 3 }, "and nothing changes");
}
