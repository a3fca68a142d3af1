//! A target as a person reads it. Pure.

use outhaul_types::api::Target;
use outhaul_types::{Check, CheckStatus};

use super::checks::show_checks;
use crate::output::{Paint, clean, fields};

/// All that is known of a target. Checks that are as they should be are not worth a line.
pub(super) fn target(target: &Target, paint: Paint) -> String {
    let mut pairs = vec![("name", target.name.clone()), ("kind", target.kind.clone())];
    if let Some(address) = &target.address {
        pairs.push(("address", clean(address).into_owned()));
    }
    pairs.push(("state", clean(&target.provisioning_state).into_owned()));
    if let Some(error) = &target.error {
        let mut text = format!("{}: {}", clean(&error.check), clean(&error.message));
        if let Some(hint) = &error.hint {
            text.push_str(&format!("\n{}", clean(hint)));
        }
        pairs.push(("error", text));
    }
    pairs.push((
        "runs",
        format!(
            "{} running, {} queued, {} slots",
            target.running, target.queued, target.slots
        ),
    ));
    for (name, value) in &target.facts {
        pairs.push((name.as_str(), clean(value).into_owned()));
    }
    for note in &target.notes {
        pairs.push(("note", clean(note).into_owned()));
    }
    let mut text = fields(&pairs, paint);
    let checks: Vec<Check> = target
        .checks
        .iter()
        .filter(|check| check.status != CheckStatus::Ok)
        .cloned()
        .collect();
    if !checks.is_empty() {
        text.push('\n');
        text.push_str(&show_checks(&checks, paint));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use outhaul_types::target::AttachError;

    fn gpu_box() -> Target {
        Target {
            name: "gpu-box".into(),
            kind: "remote".into(),
            provisioning_state: "Succeeded".into(),
            address: None,
            resource_id: None,
            slots: 8,
            running: 1,
            queued: 0,
            facts: [("os".to_owned(), "Ubuntu\u{1b}[31m".to_owned())].into(),
            error: None,
            checks: vec![Check::ok("shell", "works")],
            notes: Vec::new(),
        }
    }

    #[test]
    fn only_what_there_is_is_shown() {
        assert_eq!(
            target(&gpu_box(), Paint(false)),
            "name   gpu-box\nkind   remote\nstate  Succeeded\nruns   1 running, 0 queued, 8 slots\nos     Ubuntu\u{fffd}[31m\n"
        );
        let full = Target {
            provisioning_state: "Failed".into(),
            address: Some("me@10.0.0.4".into()),
            error: Some(AttachError {
                check: "login".into(),
                message: "refused".into(),
                hint: Some("give the right key".into()),
            }),
            checks: vec![
                Check::ok("shell", "works"),
                Check::warning("clock", "is late", "run ntp"),
            ],
            notes: vec!["took the place of `old`".into()],
            ..gpu_box()
        };
        let text = target(&full, Paint(false));
        for line in [
            "address  me@10.0.0.4\n",
            "error    login: refused\n         give the right key\n",
            "note     took the place of `old`\n",
            "\nwarning  clock  is late\n                fix: run ntp\n",
        ] {
            assert!(text.contains(line), "{line:?} in {text}");
        }
        assert!(!text.contains("shell"), "{text}");
    }
}
