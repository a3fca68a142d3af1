//! The second host: its own network, a link that goes down and comes back, loss, and nothing that stays behind.

use std::io::{ErrorKind, Read as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::time::Duration;

use outhaul_testkit::netns::FarHost;
use outhaul_testkit::process::{Answer, until};
use outhaul_testkit::sshd::Setup;

fn say(program: &str, arguments: &[&str]) -> Answer {
    let mut command = Command::new(program);
    command.args(arguments);
    Answer::of(command)
}

fn greeting(address: SocketAddr) -> std::io::Result<[u8; 4]> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(20))?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let mut start = [0; 4];
    stream.read_exact(&mut start)?;
    Ok(start)
}

/// What of a host is left on this machine: its namespace, its processes, its interface, its ways, its rules.
fn left(namespace: &str, address: SocketAddr) -> Vec<String> {
    let slot = namespace.rsplit_once('-').expect("its name has parts").1;
    let rules = Command::new("iptables").arg("-S").output();
    let rules = rules.map_or_else(
        |_| String::new(),
        |output| String::from_utf8_lossy(&output.stdout).into_owned(),
    );
    let everything = [
        say("ip", &["netns", "list"]).success().text().to_owned(),
        say("ip", &["-o", "link"]).success().text().to_owned(),
        say("ip", &["-4", "route", "show", "table", "all"])
            .success()
            .text()
            .to_owned(),
        rules,
    ];
    let IpAddr::V4(far) = address.ip() else {
        panic!("{address} has four numbers");
    };
    let mut names: Vec<String> = (0..4)
        .map(|host| Ipv4Addr::from_bits(far.to_bits() & !3 | host).to_string())
        .collect();
    names.extend([namespace.to_owned(), format!("oh{slot}")]);
    // Whole words: other hosts have names and addresses that begin like these.
    let words = |line: &str| {
        let ends = |letter: char| !letter.is_alphanumeric() && letter != '.' && letter != '-';
        line.split(ends).map(str::to_owned).collect::<Vec<_>>()
    };
    let lines = everything.iter().flat_map(|text| text.lines());
    lines
        .filter(|line| words(line).iter().any(|word| names.contains(word)))
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_link_goes_down_and_comes_back() {
    let Some(host) = FarHost::start(Setup::new()) else {
        return;
    };
    let address = host.sshd().address();
    assert!(!address.ip().is_loopback());
    assert_eq!(&greeting(address).expect("it answers"), b"SSH-");
    for _ in 0..2 {
        host.link_down();
        let error = greeting(address).expect_err("there is no way");
        assert_eq!(error.kind(), ErrorKind::HostUnreachable, "{error}");
        host.link_up();
        until("it answers again", || greeting(address).is_ok());
    }
}

#[test]
fn a_share_of_the_packets_is_lost() {
    let Some(host) = FarHost::start(Setup::new()) else {
        return;
    };
    let address = host.sshd().address();
    if !host.lossy(100) {
        return;
    }
    assert!(
        TcpStream::connect_timeout(&address, Duration::from_millis(300)).is_err(),
        "all are lost"
    );
    assert!(host.lossy(10));
    for _ in 0..3 {
        assert_eq!(&greeting(address).expect("what is lost is sent again"), b"SSH-");
    }
    host.lossless();
    assert_eq!(&greeting(address).expect("it answers"), b"SSH-");
}

#[test]
fn two_hosts_have_addresses_of_their_own() {
    let Some(one) = FarHost::start(Setup::new()) else {
        return;
    };
    let two = FarHost::start(Setup::new()).expect("there is one already");
    assert_ne!(one.sshd().address(), two.sshd().address());
    one.link_down();
    assert_eq!(&greeting(two.sshd().address()).expect("it answers"), b"SSH-");
}

#[test]
fn nothing_is_left_behind_also_after_a_panic() {
    for panics in [false, true] {
        let Some(host) = FarHost::start(Setup::new()) else {
            return;
        };
        let (namespace, address) = (host.namespace().to_owned(), host.sshd().address());
        let _ = host.lossy(10);
        assert!(left(&namespace, address).len() > 3);
        let _ = catch_unwind(AssertUnwindSafe(move || {
            let _host = host;
            assert!(!panics, "the panic of the test");
        }));
        assert_eq!(left(&namespace, address), Vec::<String>::new(), "{panics}");
    }
}

#[test]
fn what_a_killed_test_left_is_removed_by_the_next_one() {
    // Somebody who may make one.
    if FarHost::start(Setup::new()).is_none() {
        return;
    }
    let mut dead = Command::new("true").spawn().expect("a process");
    let _ = dead.wait();
    // A number beyond those that tests draw first.
    let namespace = format!("outhaul-{}-{}", dead.id(), (1 << 20) - 1);
    let _ = say("ip", &["netns", "add", &namespace]).success();
    let mut inside = Command::new("ip");
    let mut inside = inside
        .args(["netns", "exec", &namespace, "sleep", "1000"])
        .spawn()
        .expect("a process");
    let host = FarHost::start(Setup::new()).expect("there was one a moment ago");
    assert!(!say("ip", &["netns", "list"]).text().contains(&namespace));
    assert!(say("ip", &["netns", "list"]).text().contains(host.namespace()));
    let ended = inside.wait().expect("it is over");
    assert!(!ended.success());
}
