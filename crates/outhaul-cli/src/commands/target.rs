//! `outhaul target`.

use outhaul_types::{Check, CheckStatus, exit_code};

use crate::args::TargetCommand;
use crate::context::Context;
use crate::error::Outcome;
use crate::output::{Cell, Paint, Table, clean, fields};

pub(super) async fn run(context: &Context, command: TargetCommand) -> Outcome {
    let printer = &context.printer;
    let client = context.client().await?;
    match command {
        TargetCommand::List => {
            let targets = client.targets(context.workspace()).await?;
            if printer.json {
                printer.json(&targets)?;
                return Ok(exit_code::SUCCESS);
            }
            let mut table = Table::new(["NAME", "KIND", "STATE", "RUNNING", "QUEUED", "SLOTS"]);
            for target in targets {
                table.row([
                    Cell::new(target.name),
                    Cell::new(target.kind),
                    Cell::new(target.provisioning_state),
                    Cell::right(target.running.to_string()),
                    Cell::right(target.queued.to_string()),
                    Cell::right(target.slots.to_string()),
                ]);
            }
            printer.lines(&table.show(printer.out))?;
            Ok(exit_code::SUCCESS)
        }
        TargetCommand::Show { name } => {
            let target = client.target(&name, context.workspace()).await?;
            if printer.json {
                printer.json(&target)?;
                return Ok(exit_code::SUCCESS);
            }
            let mut pairs = vec![
                ("name", target.name),
                ("kind", target.kind),
                ("state", target.provisioning_state),
                (
                    "runs",
                    format!(
                        "{} running, {} queued, {} slots",
                        target.running, target.queued, target.slots
                    ),
                ),
            ];
            for (name, value) in &target.facts {
                pairs.push((name.as_str(), clean(value).into_owned()));
            }
            printer.lines(&fields(&pairs, printer.out))?;
            Ok(exit_code::SUCCESS)
        }
        TargetCommand::Check { name } => {
            let checked = client.check_target(&name, context.workspace()).await?;
            if printer.json {
                printer.json(&checked.checks)?;
            } else {
                printer.lines(&show_checks(&checked.checks, printer.out))?;
            }
            Ok(if any_failed(&checked.checks) {
                exit_code::TARGET
            } else {
                exit_code::SUCCESS
            })
        }
    }
}

pub(super) fn any_failed(checks: &[Check]) -> bool {
    checks.iter().any(|check| check.status == CheckStatus::Failed)
}

/// Checks as lines, with what to do below those that need it.
pub(super) fn show_checks(checks: &[Check], paint: Paint) -> String {
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
