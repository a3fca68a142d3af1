//! What the request and its arguments change in a container.

use outhaul_docker::{ErrorKind, Mount};
use outhaul_testkit::dockerd::Image;

use crate::bench::Bench;

#[tokio::test(flavor = "multi_thread")]
async fn memory_that_runs_out_shows() {
    let Some(bench) = Bench::new() else { return };
    let shell = "exec python3 -c 'x = bytearray(256 << 20)'";
    let (key, ended) = bench.run(Image::Debian, shell, &["--memory", "64m"]).await;
    assert_eq!((ended, bench.record(&key)), ((137, true), Some(137)));
    let (_, ended) = bench.run(Image::Debian, shell, &["--memory", "1g"]).await;
    assert_eq!(ended, (0, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn shared_memory_has_its_size() {
    let Some(bench) = Bench::new() else { return };
    let mut request = bench.stage(Image::Debian, "df -B1 --output=size /dev/shm", &[]);
    request.shm_size = Some(96 << 20);
    bench.engine.start(&request).await.unwrap();
    assert_eq!(bench.ended(&request.run_key).await.0, 0);
    let size = (96 << 20).to_string();
    assert!(bench.read(&request.run_key, "stdout").contains(&size));
}

#[tokio::test(flavor = "multi_thread")]
async fn arguments_are_seen_in_the_container() {
    let Some(bench) = Bench::new() else { return };
    let data = bench.folder().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("in.txt"), "data\n").unwrap();
    let volume = format!("{}:/data:ro", data.display());
    let shell = "cat /data/in.txt; touch /data/x 2> /dev/null || echo ro; cat /proc/sys/kernel/hostname; echo $A-$B; \
                 ulimit -n; cat /etc/hosts; cat /proc/self/mounts";
    let arguments = [
        "-v",
        &volume,
        "--hostname=box",
        "--env",
        "A=it's",
        "--ulimit",
        "nofile=321:321",
        "--add-host",
        "db:10.9.8.7",
        "--cap-add=SYS_PTRACE",
        "--cpus",
        "1",
        "--network",
        "none",
        "--ipc=private",
        "--shm-size",
        "32m",
        "--device",
        "/dev/zero:/dev/outhaul",
    ];
    let mut request = bench.stage(Image::Debian, shell, &arguments);
    request.environment = vec![("B".to_owned(), "b".to_owned())];
    bench.engine.start(&request).await.unwrap();
    assert_eq!(bench.ended(&request.run_key).await.0, 0);
    let said = bench.read(&request.run_key, "stdout");
    assert!(said.starts_with("data\nro\nbox\nit's-b\n321\n"), "{said}");
    assert!(said.contains("10.9.8.7\tdb"), "{said}");
    assert!(said.contains("size=32768k"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_are_read_only_and_must_be_there() {
    let Some(bench) = Bench::new() else { return };
    let environment = bench.folder().join("env");
    std::fs::create_dir(&environment).unwrap();
    std::fs::write(environment.join("tool"), "tool").unwrap();
    let shell = format!("cat {0}/tool; touch {0}/x || exit 6", environment.display());
    let mut request = bench.stage(Image::Busybox, &shell, &[]);
    request.mounts = vec![Mount::read_only(&environment)];
    bench.engine.start(&request).await.unwrap();
    assert_eq!(bench.ended(&request.run_key).await.0, 6);
    assert_eq!(bench.read(&request.run_key, "stdout"), "tool");

    let mut request = bench.stage(Image::Busybox, "true", &[]);
    request.mounts = vec![Mount::read_only(bench.folder().join("nowhere"))];
    let error = bench.engine.start(&request).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::BadRequest, "{error}");
    assert!(
        error.message.contains("nowhere") && error.hint.is_some(),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_engine_cannot_do_is_told() {
    let Some(bench) = Bench::new() else { return };
    for (arguments, kind, part) in [
        (&["--name", "x", "--rm"][..], ErrorKind::BadRequest, "`--rm`"),
        (&["--network", "nowhere"], ErrorKind::BadRequest, "nowhere"),
        (
            &["--device", "/dev/nowhere"],
            ErrorKind::BadRequest,
            "/dev/nowhere",
        ),
    ] {
        let request = bench.stage(Image::Busybox, "true", arguments);
        let error = bench.engine.start(&request).await.unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.message.contains(part) && error.hint.is_some(), "{error:?}");
    }
    let checks = bench.engine.check().await;
    let gpu = checks.iter().find(|check| check.name == "docker-gpu").unwrap();
    if gpu.status != outhaul_types::CheckStatus::Ok {
        let request = bench.stage(Image::Busybox, "true", &["--gpus=all"]);
        let error = bench.engine.start(&request).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::BadRequest, "{error}");
        assert!(error.hint.unwrap().contains("NVIDIA"));
    }
}
