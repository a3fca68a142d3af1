//! `outhaul runs find` and `outhaul runs adopt`: jobs by the target's own names.

use outhaul_types::api::{AdoptJob, NativeJob};
use outhaul_types::exit_code;

use crate::args::{AdoptArgs, JobNamed};
use crate::context::Context;
use crate::error::Outcome;
use crate::output::{Paint, clean, fields};

pub(super) async fn find(context: &Context, named: &JobNamed) -> Outcome {
    let printer = &context.printer;
    let job = context.client().await?.job(&named.target, &named.native).await?;
    if printer.json {
        printer.json(&job)?;
    } else {
        printer.lines(&show(&job, printer.out))?;
    }
    Ok(exit_code::SUCCESS)
}

pub(super) async fn adopt(context: &Context, args: &AdoptArgs) -> Outcome {
    let printer = &context.printer;
    let adopt = AdoptJob {
        workspace: context.workspace().map(str::to_owned),
        experiment: args.experiment.clone(),
        name: args.name.clone(),
    };
    let client = context.client().await?;
    let run = client.adopt(&args.job.target, &args.job.native, &adopt).await?;
    if printer.json {
        printer.json(&run)?;
    } else {
        printer.lines(run.id.as_str())?;
    }
    printer.note(&format!(
        "job `{}` of target `{}` is run `{}`; `outhaul runs logs {} -f` follows it",
        args.job.native,
        run.target,
        run.id,
        run.id.short()
    ));
    Ok(exit_code::SUCCESS)
}

fn show(job: &NativeJob, paint: Paint) -> String {
    let mut pairs = vec![
        ("job", clean(&job.id).into_owned()),
        ("target", job.target.clone()),
        ("name", clean(&job.name).into_owned()),
        ("state", clean(&job.state).into_owned()),
    ];
    let more = [
        ("reason", &job.reason),
        ("command", &job.command),
        ("folder", &job.work_dir),
        ("stdout", &job.stdout),
        ("stderr", &job.stderr),
    ];
    for (name, value) in more {
        if let Some(value) = value {
            pairs.push((name, clean(value).into_owned()));
        }
    }
    pairs.push(("user", clean(&job.user).into_owned()));
    pairs.push((
        "run",
        match &job.run {
            Some(run) => format!(
                "{} ({}), {}",
                run.id,
                run.name,
                paint.state(run.state, run.state.as_str())
            ),
            None => "none of Outhaul's; `outhaul runs adopt` makes it one".to_owned(),
        },
    ));
    fields(&pairs, paint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_without_a_run_says_how_to_get_one() {
        let job = NativeJob {
            target: "hpc".into(),
            id: "12345".into(),
            state: "RUNNING".into(),
            reason: None,
            name: "my job".into(),
            user: "ann".into(),
            command: Some("/home/ann/a.sh".into()),
            work_dir: None,
            stdout: Some("/home/ann/a.log".into()),
            stderr: None,
            run: None,
        };
        let expected = "\
job      12345
target   hpc
name     my job
state    RUNNING
command  /home/ann/a.sh
stdout   /home/ann/a.log
user     ann
run      none of Outhaul's; `outhaul runs adopt` makes it one
";
        assert_eq!(show(&job, Paint(false)), expected);
    }
}
