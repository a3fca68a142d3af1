//! Tables of arguments: what they mean and what is refused.

use super::*;

fn parse(line: &str) -> Result<Extra, Vec<Problem>> {
    let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    parse_arguments(&words)
}

#[test]
fn both_forms_mean_the_same() {
    for (one, other) in [
        ("--volume /a:/b:ro", "-v=/a:/b:ro"),
        ("--volume /a:/b", "-v/a:/b"),
        ("--memory 2g", "-m2g"),
        ("--memory=2g", "-m 2048m"),
        ("--env A=b=c", "-eA=b=c"),
        ("--env A=b", "-e=A=b"),
        ("--network host", "--net=host"),
        ("--gpus=all", "--gpus all"),
        ("--hostname x", "-h=x"),
        ("--shm-size 1g", "--shm-size=1gib"),
    ] {
        assert_eq!(parse(one).unwrap(), parse(other).unwrap(), "{one} {other}");
        assert_ne!(parse(one).unwrap(), Extra::default(), "{one}");
    }
}

#[test]
fn all_known_options_are_read() {
    let extra = parse(
        "-v /data:/data:ro -v cache:/cache --network none --memory 512m --cpus 1.5 --env A=1 --env B= --ipc host \
         --cap-add SYS_PTRACE --shm-size 64m --gpus device=0,1 --ulimit nofile=1024:2048 --ulimit memlock=-1 \
         --device /dev/fuse --device /dev/a:/dev/b:r --hostname box --add-host db:10.0.0.1",
    )
    .unwrap();
    let text = |word: &str| word.to_owned();
    assert_eq!(
        extra,
        Extra {
            volumes: vec![text("/data:/data:ro"), text("cache:/cache")],
            network: Some(text("none")),
            memory: Some(512 << 20),
            nano_cpus: Some(1_500_000_000),
            environment: vec![(text("A"), text("1")), (text("B"), text(""))],
            ipc: Some(text("host")),
            cap_add: vec![text("SYS_PTRACE")],
            shm_size: Some(64 << 20),
            gpus: Some(Gpus::Devices(vec![text("0"), text("1")])),
            ulimits: vec![
                Ulimit {
                    name: text("nofile"),
                    soft: 1024,
                    hard: 2048
                },
                Ulimit {
                    name: text("memlock"),
                    soft: -1,
                    hard: -1
                },
            ],
            devices: vec![
                DeviceMap {
                    host: text("/dev/fuse"),
                    container: text("/dev/fuse"),
                    rights: text("rwm")
                },
                DeviceMap {
                    host: text("/dev/a"),
                    container: text("/dev/b"),
                    rights: text("r")
                },
            ],
            hostname: Some(text("box")),
            add_hosts: vec![text("db:10.0.0.1")],
        }
    );
}

#[test]
fn each_refusal_has_its_reason() {
    for (line, argument, part) in [
        ("--name x", "--name", "named by the run"),
        ("--rm", "--rm", "Outhaul sets it itself"),
        ("--detach", "--detach", "background"),
        ("-d", "-d", "background"),
        ("--entrypoint=sh", "--entrypoint", "command"),
        ("--user 0", "--user", "belong to the user"),
        ("-u 0:0", "-u", "belong to the user"),
        ("--workdir /x", "--workdir", "code folder"),
        ("-it", "-it", "terminal"),
        ("--privileged", "--privileged", "--cap-add"),
        ("--pid host", "--pid", "end with it"),
        ("--restart=always", "--restart", "twice"),
        ("-p 80:80", "-p", "--network host"),
        ("--memroy 2g", "--memroy", "did you mean `--memory`?"),
        ("--volumes /a:/b", "--volumes", "did you mean `--volume`?"),
        ("--zzzzzzzzzzzz", "--zzzzzzzzzzzz", "known are `--volume`"),
        ("ubuntu", "ubuntu", "is not an option"),
        ("--memory", "--memory", "has no value"),
        ("--memory --cpus 1", "--memory", "has no value"),
        ("--memory=", "--memory ", "empty value"),
        ("--memory 2x", "--memory 2x", "512m"),
        ("--memory 1m", "--memory 1m", "too little"),
        ("--cpus 0", "--cpus 0", "above 0"),
        ("--env HOME", "--env HOME", "NAME=VALUE"),
        ("-v ./a:/b", "-v ./a:/b", "whole path"),
        ("-v /a", "-v /a", "SOURCE:TARGET"),
        ("-v /a:b", "-v /a:b", "absolute"),
        ("-v /a:/", "-v /a:/", "absolute"),
        ("-v /a:/b/../c", "-v /a:/b/../c", "absolute"),
        ("-v /a:/b:xx", "-v /a:/b:xx", "`ro`"),
        ("--ipc container:x", "--ipc container:x", "`private`"),
        (
            "--network container:x",
            "--network container:x",
            "another container",
        ),
        ("--gpus 0", "--gpus 0", "`all`"),
        ("--ulimit nofile", "--ulimit nofile", "SOFT"),
        ("--ulimit nofile=9:1", "--ulimit nofile=9:1", "SOFT"),
        ("--device fuse", "--device fuse", "/dev/x"),
        ("--add-host x", "--add-host x", "ADDRESS"),
    ] {
        let problems = parse(line).unwrap_err();
        assert_eq!(problems.len(), 1, "{line}: {problems:?}");
        assert_eq!(problems[0].argument, argument, "{line}");
        assert!(problems[0].to_string().contains(part), "{line}: {}", problems[0]);
    }
}

#[test]
fn all_problems_are_told_at_once() {
    let problems = parse("--name x --memory 2g --rm --cpus none --colour blue -v a").unwrap_err();
    let arguments: Vec<&str> = problems.iter().map(|problem| problem.argument.as_str()).collect();
    assert_eq!(arguments, ["--name", "--rm", "--cpus none", "--colour", "-v a"]);
}

proptest::proptest! {
    #[test]
    fn any_words_are_read_or_refused_without_a_panic(
        words in proptest::collection::vec("(-|--|-v|-m|-e|--env|--gpus|--ulimit|--device)?[=:/]?\\PC{0,8}", 0..6)
    ) {
        if let Err(problems) = parse_arguments(&words) {
            proptest::prop_assert!(!problems.is_empty());
        }
    }
}
