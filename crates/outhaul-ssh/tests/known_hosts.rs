//! The known hosts as a table: what OpenSSH answers is what we answer.

use outhaul_ssh::{KnownHosts, ServerKey, Verdict};
use proptest::prelude::*;

const A: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
const B: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA6rWI3G1sz07DnfFlrouTcysQlj2P+jpNSOEWD9OJ3X";
const C: &str = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBEmKSENjQEezOmxkZMy7opKgwFB9nkt5YRrYMjNuG5N87uRgg6CLrbo5wAdT/y6v0mKV0U2w0WZ2YB/++Tpockg=";
const KNOWN: Verdict = Verdict::Known { authority: None };

fn changed() -> Verdict {
    let pinned = ServerKey::parse(B).expect("a key").fingerprint();
    Verdict::Changed { pinned }
}

#[test]
fn verdicts() {
    let hashed = "|1|O33ESRMWPVkMYIwJ1Uw+n877jTo=|nuuC5vEqXlEZ/8BXQR7m619W6Ak=";
    for (text, host, port, verdict) in [
        (String::new(), "box", 22, Verdict::Unknown),
        (format!("box {A}"), "box", 22, KNOWN),
        (format!("box {A} a comment"), "BOX", 22, KNOWN),
        (format!("BoX\t{}", A.replace(' ', "\t")), "box", 22, KNOWN),
        (format!("  box   {A}"), "box", 22, KNOWN),
        (format!("box {A}\r\n"), "box", 22, KNOWN),
        (format!("# box {A}"), "box", 22, Verdict::Unknown),
        (format!("a,box,b {A}"), "box", 22, KNOWN),
        (format!("box {B}"), "box", 22, changed()),
        (format!("box {B}\nbox {A}"), "box", 22, KNOWN),
        (format!("box {A}\nbox {B}"), "box", 22, KNOWN),
        (
            format!("*.example.org,!gpu.example.org {A}"),
            "gpu.example.org",
            22,
            Verdict::Unknown,
        ),
        (
            format!("*.example.org,!gpu.example.org {A}"),
            "cpu.example.org",
            22,
            KNOWN,
        ),
        (format!("{hashed} {A}"), "example.com", 22, KNOWN),
        (format!("{hashed} {B}"), "example.com", 22, changed()),
        (format!("{hashed} {A}"), "example.org", 22, Verdict::Unknown),
        (format!("[box]:2222 {A}"), "box", 2222, KNOWN),
        (format!("[box]:2222 {A}"), "box", 22, Verdict::Unknown),
        (format!("[box]:2222 {B}"), "box", 2222, changed()),
        // OpenSSH takes a key that is known without a port, but does not hold one against the host.
        (format!("box {A}"), "box", 2222, KNOWN),
        (format!("box {B}"), "box", 2222, Verdict::Unknown),
        (format!("[box]:2222 {B}\nbox {A}"), "box", 2222, changed()),
        (format!("@revoked * {A}"), "box", 22, Verdict::Revoked),
        (format!("box {A}\n@revoked box {A}"), "box", 22, Verdict::Revoked),
        (format!("@revoked other {A}\nbox {A}"), "box", 22, KNOWN),
        (format!("@revoked * {B}\nbox {A}"), "box", 22, KNOWN),
        // An authority's key is no host's key.
        (format!("@cert-authority * {A}"), "box", 22, Verdict::Unknown),
        (format!("@unknown-marker box {A}"), "box", 22, Verdict::Unknown),
        // Lines that cannot be read.
        (format!("box {}", &A[..60]), "box", 22, Verdict::Unknown),
        (format!("box ssh-rsa {}", &A[12..]), "box", 22, Verdict::Unknown),
        ("box 1024 37 159933".to_owned(), "box", 22, Verdict::Unknown),
        (format!("garbage\nbox {A}\n\u{0}"), "box", 22, KNOWN),
        (format!("|1|bad|bad {A}"), "box", 22, Verdict::Unknown),
    ] {
        let shown = ServerKey::parse(A).expect("a key");
        assert_eq!(
            KnownHosts::parse(&text).lookup(host, port, &shown, 0),
            verdict,
            "{text:?} {host} {port}"
        );
    }
    // OpenSSH: a host that is known by a key of another algorithm only has changed.
    let shown = ServerKey::parse(C).expect("a key");
    assert_eq!(
        KnownHosts::parse(&format!("box {B}")).lookup("box", 22, &shown, 0),
        changed()
    );
}

proptest! {
    #[test]
    fn no_input_panics(text in "(\\PC|[ \t\r\n|@*!,#]|ssh-ed25519|AAAA|\\|1\\|){0,200}", host in "\\PC{0,20}", port: u16) {
        let shown = ServerKey::parse(A).expect("a key");
        let verdict = KnownHosts::parse(&text).lookup(&host, port, &shown, 0);
        prop_assert_eq!(verdict, Verdict::Unknown);
        let _ = ServerKey::parse(&text);
    }

    #[test]
    fn a_damaged_line_trusts_nobody(at in 0usize..80, byte in any::<char>()) {
        let mut line: Vec<char> = format!("box {A}").chars().collect();
        prop_assume!(at >= 4 && at < line.len() && line[at] != byte && !byte.is_whitespace());
        line[at] = byte;
        let line: String = line.into_iter().collect();
        let shown = ServerKey::parse(A).expect("a key");
        prop_assert_ne!(KnownHosts::parse(&line).lookup("box", 22, &shown, 0), KNOWN);
    }

    #[test]
    fn other_texts_do_not_panic(text in "\\PC*") {
        let _ = outhaul_ssh::parse_ssh_g(&text);
        let _ = outhaul_ssh::parse_jump(&text);
    }
}
