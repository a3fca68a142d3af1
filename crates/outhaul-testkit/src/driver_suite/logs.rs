//! Logs: byte for byte, by offset, any bytes.

use outhaul_driver::TargetLog;
use outhaul_types::Exit;

use super::{Case, Subject};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "streams_are_kept_apart",
        applies: |can| can.separate_streams,
        run: |it| Box::pin(apart(it)),
    },
    Case {
        name: "any_bytes_come_back_as_they_were",
        applies: |_| true,
        run: |it| Box::pin(any_bytes(it)),
    },
    Case {
        name: "long_lines_and_large_logs_come_back_whole",
        applies: |_| true,
        run: |it| Box::pin(large(it)),
    },
    Case {
        name: "a_log_can_be_read_while_it_grows",
        applies: |can| can.live_logs,
        run: |it| Box::pin(live(it)),
    },
    Case {
        name: "the_metrics_file_is_read_like_a_log",
        applies: |_| true,
        run: |it| Box::pin(metrics(it)),
    },
    Case {
        name: "a_log_that_is_not_there_is_empty",
        applies: |_| true,
        run: |it| Box::pin(absent(it)),
    },
];

async fn apart(it: Subject) {
    let id = it.start("echo out; echo err >&2; echo out2").await;
    it.end(&id).await;
    assert_eq!(it.text(&id, TargetLog::Stdout).await, "out\nout2\n");
    assert_eq!(it.text(&id, TargetLog::Stderr).await, "err\n");
}

async fn any_bytes(it: Subject) {
    let octal: String = (0..256).map(|byte| format!("\\{byte:03o}")).collect();
    let id = it.start(&format!("printf '{octal}'; printf 'a\\rb\\rc'")).await;
    assert_eq!(it.end(&id).await, Exit::Code { code: 0 });
    let mut expected: Vec<u8> = (0..=255).collect();
    expected.extend(b"a\rb\rc");
    assert_eq!(it.log(&id, TargetLog::Stdout, 7).await, expected);
}

async fn large(it: Subject) {
    // 20 lines of 256 KB.
    let shell =
        "i=0; while [ $i -lt 20 ]; do head -c 262144 /dev/zero | tr '\\0' x; echo; i=$((i + 1)); done";
    let id = it.start(shell).await;
    assert_eq!(it.end(&id).await, Exit::Code { code: 0 });
    let log = it.log(&id, TargetLog::Stdout, 100_000).await;
    assert_eq!(log.len(), 20 * 262_145);
    assert!(
        log.chunks(262_145)
            .all(|line| line[..262_144].iter().all(|byte| *byte == b'x') && line[262_144] == b'\n')
    );
}

async fn live(it: Subject) {
    let id = it.start("echo first; sleep 1000").await;
    it.has_written(&id).await;
    assert_eq!(it.text(&id, TargetLog::Stdout).await, "first\n");
    it.driver
        .cancel(&id, std::time::Duration::from_millis(50))
        .await
        .expect("it can be ended");
    it.end(&id).await;
}

async fn metrics(it: Subject) {
    let id = it
        .start("echo '{\"kind\": \"scalar\"}' >> \"$OUTHAUL_METRICS_FILE\"")
        .await;
    it.end(&id).await;
    assert_eq!(it.text(&id, TargetLog::Metrics).await, "{\"kind\": \"scalar\"}\n");
}

async fn absent(it: Subject) {
    let id = it.start("exit 0").await;
    it.end(&id).await;
    assert_eq!(it.text(&id, TargetLog::Metrics).await, "");
    let read = it
        .driver
        .read_log(&id, TargetLog::Stdout, 1 << 40, 10)
        .await
        .expect("past the end is no error");
    assert!(read.bytes.is_empty());
}
