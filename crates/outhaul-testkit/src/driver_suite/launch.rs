//! Planning and launching: pure plans, at most one start, finding again.

use outhaul_driver::TargetLog;
use outhaul_types::Exit;

use super::{Case, Subject};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "a_plan_is_pure_and_shows_the_command",
        applies: |_| true,
        run: |it| Box::pin(pure_plan(it)),
    },
    Case {
        name: "submitted_again_and_again_it_starts_once",
        applies: |_| true,
        run: |it| Box::pin(starts_once(it)),
    },
    Case {
        name: "submitted_at_the_same_time_it_starts_once",
        applies: |_| true,
        run: |it| Box::pin(starts_once_at_once(it)),
    },
    Case {
        name: "it_is_found_by_its_key_and_only_then",
        applies: |_| true,
        run: |it| Box::pin(found(it)),
    },
    Case {
        name: "a_launch_that_was_prevented_starts_no_process",
        applies: |_| true,
        run: |it| Box::pin(prevented(it)),
    },
    Case {
        name: "the_process_sees_its_code_and_its_variables",
        applies: |_| true,
        run: |it| Box::pin(surroundings(it)),
    },
    Case {
        name: "one_run_does_not_see_what_another_did_to_its_code",
        applies: |_| true,
        run: |it| Box::pin(apart(it)),
    },
];

async fn pure_plan(it: Subject) {
    let request = it.request("echo hello").await;
    assert_eq!(request.command, ["sh", "-c", "echo hello"]);
    assert!(request.script.contains("echo hello"), "{}", request.script);
}

async fn starts_once(it: Subject) {
    let request = it.request("echo started >> outputs/count").await;
    let id = it.driver.submit(&request).await.expect("it starts");
    for _ in 0..4 {
        assert_eq!(it.driver.submit(&request).await.expect("it is there"), id);
    }
    it.end(&id).await;
    assert_eq!(
        it.driver.submit(&request).await.expect("it was there"),
        id,
        "also after its end"
    );
    let basket = super::Basket::default();
    it.driver.collect_outputs(&id, &basket).await.expect("collected");
    assert_eq!(
        basket
            .0
            .lock()
            .expect("whole")
            .get("outputs/count")
            .map(Vec::as_slice),
        Some(&b"started\n"[..])
    );
}

async fn starts_once_at_once(it: Subject) {
    let request = it.request("echo started").await;
    let first = it.driver.submit(&request).await.expect("it starts");
    let again: Vec<_> = (0..8)
        .map(|_| {
            let (driver, request) = (it.driver.clone(), request.clone());
            tokio::spawn(async move { driver.submit(&request).await })
        })
        .collect();
    for task in again {
        assert_eq!(task.await.expect("no panic").expect("it is there"), first);
    }
    it.end(&first).await;
    assert_eq!(it.text(&first, TargetLog::Stdout).await, "started\n");
}

async fn found(it: Subject) {
    let request = it.request("exit 0").await;
    assert_eq!(it.driver.find(&request.run_key).await.expect("it answers"), None);
    let id = it.driver.submit(&request).await.expect("it starts");
    assert_eq!(
        it.driver.find(&request.run_key).await.expect("it answers"),
        Some(id)
    );
}

async fn prevented(it: Subject) {
    // Nothing is known of it: nothing to be done, and no error.
    let request = it.request("echo it ran").await;
    it.driver.prevent(&request.run_key).await.expect("no error");
    assert_eq!(it.driver.find(&request.run_key).await.expect("it answers"), None);
}

async fn surroundings(it: Subject) {
    let request = it
        .request_with(
            "cat lib/x.txt; printf '%s|' \"$SUITE\" \"$OUTHAUL_RUN_KEY\"; ls -d outputs logs",
            &[("lib/x.txt", "x\n")],
        )
        .await;
    let id = it.driver.submit(&request).await.expect("it starts");
    assert_eq!(it.end(&id).await, Exit::Code { code: 0 });
    let expected = format!("x\nit's $HOME|{}|logs\noutputs\n", request.run_key);
    assert_eq!(it.text(&id, TargetLog::Stdout).await, expected);
}

async fn apart(it: Subject) {
    let spoil = it
        .request("echo spoiled > code.txt; chmod 000 code.txt; rm -rf lib")
        .await;
    let id = it.driver.submit(&spoil).await.expect("it starts");
    it.end(&id).await;
    let look = it.request("cat code.txt").await;
    assert_eq!(look.tree, spoil.tree, "both have the same code");
    let id = it.driver.submit(&look).await.expect("it starts");
    it.end(&id).await;
    assert_eq!(it.text(&id, TargetLog::Stdout).await, "code\n");
}
