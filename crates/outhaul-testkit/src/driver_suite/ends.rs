//! How runs end, and what is said about them meanwhile.

use outhaul_driver::{NativeId, Phase, TargetLog};
use outhaul_types::Exit;

use super::{Case, Subject};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "exit_codes_are_the_scripts_own",
        applies: |_| true,
        run: |it| Box::pin(exit_codes(it)),
    },
    Case {
        name: "an_end_by_signal_is_seen",
        applies: |_| true,
        run: |it| Box::pin(signals(it)),
    },
    Case {
        name: "many_runs_are_answered_in_one_question",
        applies: |_| true,
        run: |it| Box::pin(batch(it)),
    },
    Case {
        name: "a_running_process_is_seen_running",
        applies: |_| true,
        run: |it| Box::pin(running(it)),
    },
    Case {
        name: "changes_are_told",
        applies: |can| can.tells_changes,
        run: |it| Box::pin(told(it)),
    },
];

async fn exit_codes(it: Subject) {
    for code in [0, 1, 3, 42, 255] {
        let id = it.start(&format!("exit {code}")).await;
        assert_eq!(it.end(&id).await, Exit::Code { code });
    }
}

async fn signals(it: Subject) {
    let id = it.start("echo out; kill -9 $$").await;
    assert_eq!(it.end(&id).await, Exit::Code { code: 128 + 9 });
    assert_eq!(it.text(&id, TargetLog::Stdout).await, "out\n");
    assert_eq!(
        it.text(&id, TargetLog::Stderr).await,
        "",
        "nobody else writes into the run's log"
    );
}

async fn batch(it: Subject) {
    let mut ids = Vec::new();
    for code in 0..5 {
        ids.push(it.start(&format!("exit {code}")).await);
    }
    for id in &ids {
        it.end(id).await;
    }
    let unknown = NativeId("0000000000000000-1".into());
    let mut asked = ids.clone();
    asked.insert(2, unknown);
    let seen = it.driver.observe(&asked).await.expect("it answers");
    assert_eq!(seen.len(), 5, "the unknown one is left out");
    for (code, id) in (0..).zip(&ids) {
        let one = seen.iter().find(|one| one.id == *id).expect("each is there");
        assert!(
            matches!(&one.phase, Phase::Ended { exit: Exit::Code { code: seen }, .. } if *seen == code),
            "{one:?}"
        );
    }
}

async fn running(it: Subject) {
    let id = it.start("echo up; sleep 1000").await;
    it.has_written(&id).await;
    let seen = it
        .until(&id, "running", |seen| seen.phase == Phase::Running)
        .await;
    if let Some(elapsed) = seen.elapsed {
        assert!(elapsed < super::PATIENCE, "{elapsed:?}");
    }
    it.driver
        .cancel(&id, std::time::Duration::from_millis(50))
        .await
        .expect("it can be ended");
    it.end(&id).await;
}

async fn told(it: Subject) {
    let mut changes = it.driver.changes().expect("the capability says so");
    assert!(it.driver.changes().is_none(), "it is given out once");
    let id = it.start("echo hi; exit 5").await;
    let told = async {
        while let Some(changed) = changes.next().await {
            assert_eq!(changed, id);
            if matches!(
                it.look(&id).await.map(|seen| seen.phase),
                Some(Phase::Ended { .. })
            ) {
                return;
            }
        }
        panic!("the feed ended");
    };
    tokio::time::timeout(super::PATIENCE, told)
        .await
        .expect("the end is told");
}
