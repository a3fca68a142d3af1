//! `outhaul target detach`.

use outhaul_types::api::Detached;
use outhaul_types::exit_code;

use crate::context::Context;
use crate::error::Outcome;
use crate::output::{Spinner, clean};

pub(super) async fn run(context: &Context, name: &str, forget: bool) -> Outcome {
    let printer = &context.printer;
    let client = context.client().await?;
    let detached = Spinner::new(*printer, format!("detaching `{name}`"))
        .during(client.detach_target(name, forget))
        .await?;
    if printer.json {
        printer.json(&detached)?;
    } else {
        printer.lines(&show(&detached))?;
    }
    printer.note(&format!("target `{name}` is detached"));
    Ok(exit_code::SUCCESS)
}

/// What was done, line by line.
fn show(detached: &Detached) -> String {
    let name = clean(&detached.name);
    let removed = detached
        .removed
        .iter()
        .map(|what| format!("removed from {name}: {}\n", clean(what)));
    let left = detached
        .left
        .iter()
        .map(|what| format!("left on {name}: {}\n", clean(what)));
    removed.chain(left).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_removed_and_what_was_left_is_said() {
        let detached = Detached {
            name: "gpu-box".into(),
            removed: vec!["the folder `/home/me/.outhaul`".into()],
            left: vec!["the run `3k9v`, which goes on".into()],
        };
        assert_eq!(
            show(&detached),
            "removed from gpu-box: the folder `/home/me/.outhaul`\nleft on gpu-box: the run `3k9v`, which goes on\n"
        );
    }
}
