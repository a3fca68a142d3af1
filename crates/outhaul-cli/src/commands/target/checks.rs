//! Checks as a person reads them. Pure.

use outhaul_types::{Check, CheckStatus};

use crate::output::{Paint, clean};

pub(in crate::commands) fn any_failed(checks: &[Check]) -> bool {
    checks.iter().any(|check| check.status == CheckStatus::Failed)
}

/// Checks as lines, with what to do below those that need it.
pub(in crate::commands) fn show_checks(checks: &[Check], paint: Paint) -> String {
    let width = checks
        .iter()
        .map(|check| check.name.chars().count())
        .max()
        .unwrap_or(0);
    let mut text = String::new();
    for check in checks {
        let status = match check.status {
            CheckStatus::Ok => paint.good("ok     "),
            CheckStatus::Warning => paint.careful("warning"),
            CheckStatus::Failed => paint.bad("failed "),
        };
        text.push_str(&format!(
            "{status}  {:width$}  {}\n",
            clean(&check.name),
            clean(&check.message)
        ));
        if let Some(fix) = &check.fix {
            text.push_str(&format!(
                "{:7}  {:width$}  {}\n",
                "",
                "",
                paint.dim(&format!("fix: {}", clean(fix)))
            ));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_are_aligned_and_show_their_fixes() {
        let checks = [
            Check::ok("sh", "found"),
            Check::failed("python3", "missing", "install it"),
        ];
        let text = show_checks(&checks, Paint(false));
        assert_eq!(
            text,
            "ok       sh       found\nfailed   python3  missing\n                  fix: install it\n"
        );
        assert!(any_failed(&checks) && !any_failed(&checks[..1]));
    }
}
