//! Tables of requests and the bodies that they become.

use serde_json::{Value, json};

use super::*;
use crate::request::ImageRef;

fn request(arguments: &[&str]) -> ContainerRequest {
    let id: outhaul_types::RunId = "k3v9x2m4q7t0b8wz".parse().unwrap();
    ContainerRequest {
        run_key: id.key(1),
        image: ImageRef::Name("python:3.11".into()),
        run_dir: "/data/runs/k3v9x2m4q7t0b8wz-1".into(),
        supervisor: "/data/runs/container-1.sh".into(),
        mounts: vec![Mount::read_only("/data/envs/e1")],
        user: Some((1000, 100)),
        shm_size: None,
        gpus: false,
        arguments: arguments.iter().map(|&word| word.to_owned()).collect(),
        environment: vec![],
    }
}

#[test]
fn the_whole_body() {
    let dir = "/data/runs/k3v9x2m4q7t0b8wz-1";
    assert_eq!(
        plan("home1", &request(&[])).unwrap(),
        json!({
            "Image": "python:3.11",
            "Entrypoint": ["sh", "/data/runs/container-1.sh", "supervise", dir],
            "Cmd": [],
            "WorkingDir": dir,
            "User": "1000:100",
            "Env": [format!("HOME={dir}/home"), "LOGNAME=outhaul", "USER=outhaul"],
            "Labels": {"outhaul.run": "k3v9x2m4q7t0b8wz-1", "outhaul.home": "home1"},
            "StopSignal": "SIGTERM",
            "Healthcheck": {"Test": ["NONE"]},
            "HostConfig": {
                "Init": true,
                "RestartPolicy": {"Name": "no"},
                "Mounts": [
                    {"Type": "bind", "Source": dir, "Target": dir, "ReadOnly": false},
                    {
                        "Type": "bind",
                        "Source": "/data/runs/container-1.sh",
                        "Target": "/data/runs/container-1.sh",
                        "ReadOnly": true
                    },
                    {"Type": "bind", "Source": "/data/envs/e1", "Target": "/data/envs/e1", "ReadOnly": true},
                ],
            },
        })
    );
}

#[test]
fn what_arguments_change() {
    for (arguments, pointer, value) in [
        (&["--memory", "512m"][..], "/HostConfig/Memory", json!(512 << 20)),
        (&["--cpus=1.5"], "/HostConfig/NanoCpus", json!(1_500_000_000)),
        (&["-v", "/a:/b:ro"], "/HostConfig/Binds", json!(["/a:/b:ro"])),
        (&["--network", "host"], "/HostConfig/NetworkMode", json!("host")),
        (&["--ipc=host"], "/HostConfig/IpcMode", json!("host")),
        (
            &["--cap-add=SYS_PTRACE"],
            "/HostConfig/CapAdd",
            json!(["SYS_PTRACE"]),
        ),
        (&["--shm-size=1g"], "/HostConfig/ShmSize", json!(1 << 30)),
        (&["--hostname=box"], "/Hostname", json!("box")),
        (
            &["--add-host=a:1.2.3.4"],
            "/HostConfig/ExtraHosts",
            json!(["a:1.2.3.4"]),
        ),
        (
            &["--ulimit=nofile=1:2"],
            "/HostConfig/Ulimits",
            json!([{"Name": "nofile", "Soft": 1, "Hard": 2}]),
        ),
        (
            &["--device=/dev/fuse"],
            "/HostConfig/Devices",
            json!([{"PathOnHost": "/dev/fuse", "PathInContainer": "/dev/fuse", "CgroupPermissions": "rwm"}]),
        ),
        (
            &["--gpus=2"],
            "/HostConfig/DeviceRequests",
            json!([{"Count": 2, "Capabilities": [["gpu"]]}]),
        ),
        (
            &["--gpus=device=0"],
            "/HostConfig/DeviceRequests",
            json!([{"DeviceIDs": ["0"], "Capabilities": [["gpu"]]}]),
        ),
    ] {
        let body = plan("home1", &request(arguments)).unwrap();
        assert_eq!(body.pointer(pointer), Some(&value), "{arguments:?}");
        let usual = plan("home1", &request(&[])).unwrap();
        assert_eq!(
            usual.pointer(pointer),
            None,
            "{pointer} is there without {arguments:?}"
        );
    }
}

#[test]
fn what_the_request_says_gives_way_to_its_arguments() {
    let mut both = request(&["--shm-size=2g", "--env", "HOME=/elsewhere", "--env=A=argument"]);
    both.shm_size = Some(1 << 30);
    both.gpus = true;
    both.environment = vec![("A".into(), "request".into()), ("B".into(), "b".into())];
    let body = plan("home1", &both).unwrap();
    assert_eq!(body["HostConfig"]["ShmSize"], json!(2u64 << 30));
    assert_eq!(body["HostConfig"]["DeviceRequests"][0]["Count"], json!(-1));
    assert_eq!(
        body["Env"],
        json!([
            "A=argument",
            "B=b",
            "HOME=/elsewhere",
            "LOGNAME=outhaul",
            "USER=outhaul"
        ])
    );
    both.arguments.clear();
    both.user = None;
    let body = plan("home1", &both).unwrap();
    assert_eq!(body["HostConfig"]["ShmSize"], json!(1 << 30));
    assert_eq!(body.get("User"), None::<&Value>);
}

#[test]
fn volumes_that_hide_the_run_are_refused() {
    for (volume, refused) in [
        ("/x:/data", true),
        ("/x:/data/runs/", true),
        ("/x:/data/runs/k3v9x2m4q7t0b8wz-1", true),
        ("/x:/data/runs/container-1.sh", true),
        ("/x:/data/envs", true),
        ("/x:/data/runs/k3v9x2m4q7t0b8wz-1/code/data", false),
        ("/x:/dat", false),
        ("/x:/data/envs2", false),
    ] {
        let planned = plan("home1", &request(&["-v", volume]));
        assert_eq!(planned.is_err(), refused, "{volume}");
    }
}

#[test]
fn a_built_image_is_named_by_its_text_and_home() {
    let image = |text: &str| ImageRef::Dockerfile(text.into());
    let name = image("FROM a").name("home1");
    assert!(name.starts_with("outhaul-env:"), "{name}");
    assert_eq!(image("FROM a").name("home1"), name);
    assert_ne!(image("FROM b").name("home1"), name);
    assert_ne!(image("FROM a").name("home2"), name);
}
