//! A log that is written while servers come and go: not a byte is missing, twice, or changed.

use std::fs::File;
use std::path::Path;
use std::process::Child;

use outhaul_testkit::home::Home;
use outhaul_testkit::process::{Answer, eventually, until};
use outhaul_testkit::random::Random;

use crate::work::{assert_same, wait_for_no_leftovers};

/// How much the script writes on both streams together, in bytes.
const TOTAL: u64 = 20 << 20;
/// How many servers are killed meanwhile.
const KILLS: u64 = 10;

/// Writes any bytes, progress bars and lines of 256 KB on both streams, and the same into two files of its own. It
/// goes on only as far as the file `allowed` says, so that a server can be killed in the middle.
const SCRIPT: &str = r#"
import os, random, sys, time
folder, seed, total = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
random.seed(seed)
streams = [(1, open(os.path.join(folder, "stdout"), "wb")), (2, open(os.path.join(folder, "stderr"), "wb"))]
written = 0

def allowed():
    with open(os.path.join(folder, "allowed")) as file:
        return int(file.read() or 0)

while written < total:
    stream, copy = random.choice(streams)
    kind = random.randrange(4)
    if kind == 0:
        data = random.randbytes(random.randrange(1, 100000))
    elif kind == 1:
        data = b"".join(b"\r%3d%%" % (step % 101) for step in range(random.randrange(1, 5000)))
    elif kind == 2:
        data = bytes([random.randrange(32, 127)]) * (256 << 10) + b"\n"
    else:
        data = b"line %d \xff\xfe\x00\n" % written * random.randrange(1, 3000)
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(stream, rest):]
    copy.write(data)
    copy.flush()
    written += len(data)
    with open(os.path.join(folder, "written.new"), "w") as file:
        file.write(str(written))
    os.rename(os.path.join(folder, "written.new"), os.path.join(folder, "written"))
    while written > allowed():
        time.sleep(0.005)
"#;

/// A follower that was there all the time, into files.
struct Follower {
    child: Child,
    what: &'static str,
}

impl Follower {
    fn new(home: &Home, what: &'static str, id: &str, more: &[&str]) -> Self {
        let file = |stream: &str| File::create(home.work().join(format!("{what}.{stream}"))).unwrap();
        let words = ["runs", "logs", id, "--follow"]
            .into_iter()
            .chain(more.iter().copied());
        let child = home
            .command(words)
            .stdout(file("out"))
            .stderr(file("err"))
            .spawn()
            .unwrap();
        Self { child, what }
    }

    fn file(&self, home: &Home, stream: &str) -> Vec<u8> {
        std::fs::read(home.work().join(format!("{}.{stream}", self.what))).unwrap()
    }

    /// Checks that it has not given up.
    fn goes_on(&mut self, home: &Home) {
        if let Some(status) = self.child.try_wait().unwrap() {
            let err = self.file(home, "err");
            let tail = String::from_utf8_lossy(&err[err.len().saturating_sub(300)..]).into_owned();
            panic!("follower `{}` ended too early, {status}: {tail:?}", self.what);
        }
    }

    fn end(mut self, home: &Home, expected: [&[u8]; 2]) {
        let status = eventually("the follower ends with the run", || {
            self.child.try_wait().unwrap()
        });
        let (out, err) = (self.file(home, "out"), self.file(home, "err"));
        let tail = String::from_utf8_lossy(&err[err.len().saturating_sub(300)..]).into_owned();
        assert!(status.success(), "follower `{}`: {status}: {tail:?}", self.what);
        assert_same(
            &format!("standard output of follower `{}`", self.what),
            &out,
            expected[0],
        );
        assert_same(
            &format!("standard error of follower `{}`", self.what),
            &err,
            expected[1],
        );
    }
}

fn number(path: &Path) -> u64 {
    std::fs::read_to_string(path)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(0)
}

/// The script writes on while servers are killed; followers are there all the time.
pub(crate) fn across_kills(seed: u64) {
    let home = crate::home();
    home.write("code/write.py", SCRIPT);
    let allowed = home.write("copies/allowed", "0");
    let allow = |bytes: u64| {
        let fresh = allowed.with_extension("new");
        std::fs::write(&fresh, bytes.to_string()).unwrap();
        std::fs::rename(&fresh, &allowed).unwrap();
    };
    let copies = home.work().join("copies");
    let folder = copies.display().to_string();
    let submit = [
        "run",
        "--detach",
        "code/write.py",
        "--",
        &folder,
        &seed.to_string(),
        &TOTAL.to_string(),
    ];
    let id = home.call(submit).success().text().to_owned();
    let mut followers = [
        Follower::new(&home, "all", &id, &[]),
        Follower::new(&home, "only-stdout", &id, &["--stream", "stdout"]),
        Follower::new(&home, "only-stderr", &id, &["--stream", "stderr"]),
    ];
    let mut random = Random::new(seed);
    for kill in 1..=KILLS {
        // The script is told to go on to a point behind the next kill, so that the server dies while it writes.
        let from = TOTAL / (KILLS + 1) * kill;
        allow(from + (1 << 20));
        let moment = from - random.of(0..1 << 20);
        until("the script has written more", || {
            number(&copies.join("written")) >= moment
        });
        until("a server is killed while the script writes", || {
            followers.iter_mut().for_each(|follower| follower.goes_on(&home));
            // One that answers: a command gives up when the server that it is starting dies before its first word.
            home.server().is_some() && home.kill_server() > 0
        });
    }
    allow(u64::MAX);
    let _ = home.call(["runs", "wait", &id]).success();
    let [stdout, stderr] = ["stdout", "stderr"].map(|name| std::fs::read(copies.join(name)).unwrap());
    assert!((stdout.len() + stderr.len()) as u64 >= TOTAL);
    let log = |name| -> Answer { home.call(["runs", "logs", &id, "--stream", name]).success() };
    assert_same("the stored standard output", &log("stdout").stdout, &stdout);
    assert_same("the stored standard error", &log("stderr").stdout, &stderr);
    let both = home.call(["runs", "logs", &id]).success();
    assert_same("standard output in order of arrival", &both.stdout, &stdout);
    assert_same("standard error in order of arrival", &both.stderr, &stderr);
    let expected: [[&[u8]; 2]; 3] = [[&stdout, &stderr], [&stdout, &[]], [&stderr, &[]]];
    for (follower, expected) in followers.into_iter().zip(expected) {
        follower.end(&home, expected);
    }
    wait_for_no_leftovers(&home);
}
