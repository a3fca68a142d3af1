//! `outhaul model show`.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use outhaul_types::api::{ModelDetails, ModelLineage};
use outhaul_types::model::ModelOrigin;
use outhaul_types::{Model, exit_code};

use crate::context::Context;
use crate::error::Outcome;
use crate::output::{clean, fields, moment, plural, size};

/// How many files are shown.
const SHOWN: usize = 20;

pub(super) async fn run(context: &Context, model: &str) -> Outcome {
    let client = context.client().await?;
    let details = client.model(context.workspace(), model).await?;
    let printer = &context.printer;
    if printer.json {
        printer.json(&details)?;
    } else {
        let pairs = pairs(&details, Timestamp::now(), &TimeZone::system());
        printer.lines(&fields(&pairs, printer.out))?;
    }
    Ok(exit_code::SUCCESS)
}

fn pairs(details: &ModelDetails, now: Timestamp, zone: &TimeZone) -> Vec<(&'static str, String)> {
    let model = &details.model;
    let mut pairs = vec![
        ("name", model.name.clone()),
        ("version", model.version.to_string()),
    ];
    if let Some(text) = &model.description {
        let lines: Vec<_> = text.lines().map(|line| clean(line).into_owned()).collect();
        pairs.push(("description", lines.join("\n")));
    }
    if let Some(framework) = framework(model) {
        pairs.push(("framework", framework));
    }
    for (what, map) in [("tags", &model.tags), ("properties", &model.properties)] {
        if !map.is_empty() {
            let lines: Vec<_> = map
                .iter()
                .map(|(name, value)| clean(&format!("{name}={value}")).into_owned())
                .collect();
            pairs.push((what, lines.join("\n")));
        }
    }
    pairs.push(("workspace", model.workspace.clone()));
    pairs.push(("registered", moment(model.created_at, now, zone)));
    match (&details.lineage, &model.origin) {
        (Some(lineage), _) => pairs.extend(of_run(lineage)),
        (None, ModelOrigin::Path { path }) => pairs.push(("from", clean(path).into_owned())),
        (None, ModelOrigin::Run { run, path, .. }) => {
            pairs.push(("from", format!("run {run}, {}", clean(path))));
        }
    }
    let files = &details.contents;
    let mut lines = vec![format!(
        "{}, {}, tree {}",
        plural(model.files.files, "file"),
        size(model.files.bytes),
        model.files.tree
    )];
    lines.extend(
        files
            .iter()
            .take(SHOWN)
            .map(|file| format!("{}  {}", clean(&file.path), size(file.size))),
    );
    if files.len() > SHOWN {
        lines.push(format!("and {} more", files.len() - SHOWN));
    }
    pairs.push(("files", lines.join("\n")));
    pairs
}

fn framework(model: &Model) -> Option<String> {
    let name = model.framework.as_deref();
    let version = model.framework_version.as_deref();
    match (name, version) {
        (None, None) => None,
        (name, version) => {
            let both: Vec<_> = name.into_iter().chain(version).map(clean).collect();
            Some(both.join(" "))
        }
    }
}

fn of_run(lineage: &ModelLineage) -> Vec<(&'static str, String)> {
    let mut pairs = vec![
        (
            "run",
            format!(
                "{} ({}), {}",
                lineage.run,
                clean(&lineage.run_name),
                lineage.run_state
            ),
        ),
        ("experiment", lineage.experiment.clone()),
        ("output", clean(&lineage.path).into_owned()),
    ];
    if let Some(snapshot) = &lineage.snapshot {
        let mut lines = vec![format!(
            "{}, {}, tree {}",
            clean(&snapshot.source),
            plural(snapshot.files, "file"),
            snapshot.tree
        )];
        if let Some(git) = &snapshot.git {
            let dirty = if git.dirty { ", with changes" } else { "" };
            lines.push(format!("commit {}{dirty}", clean(&git.commit)));
        }
        pairs.push(("code", lines.join("\n")));
    }
    if let Some(id) = &lineage.environment_id {
        let what = lineage.environment_lock.as_ref().map(|lock| {
            let packages = lock.conda.len() + requirements(&lock.requirements);
            let python = clean(&lock.python_version).into_owned();
            format!(
                ": Python {python}, {}, locked by {}",
                plural(packages as u64, "package"),
                clean(&lock.tool)
            )
        });
        pairs.push((
            "environment",
            format!("{}{}", clean(id), what.unwrap_or_default()),
        ));
    }
    pairs
}

/// How many packages a text of pinned requirements names.
fn requirements(text: &str) -> usize {
    text.lines()
        .filter(|line| line.contains("==") || line.contains(" @ "))
        .count()
}
