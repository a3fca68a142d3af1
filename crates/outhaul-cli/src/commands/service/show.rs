//! `outhaul service list` and `outhaul service show`.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use outhaul_types::api::ServiceFilter;
use outhaul_types::service::ServedModel;
use outhaul_types::{ServiceState, WebService, exit_code};

use crate::context::Context;
use crate::error::Outcome;
use crate::output::{Cell, Paint, Table, ago, clean, fields, moment};

pub(super) async fn list(context: &Context, filter: &ServiceFilter) -> Outcome {
    let client = context.client().await?;
    let services = client.services(filter).await?;
    let printer = &context.printer;
    if printer.json {
        printer.json(&services)?;
        return Ok(exit_code::SUCCESS);
    }
    if services.is_empty() {
        printer.note("there is no web service; `outhaul deploy local NAME --entry score.py` makes one");
        return Ok(exit_code::SUCCESS);
    }
    let now = Timestamp::now();
    let mut table = Table::new(["NAME", "STATE", "URL", "MODELS", "UPDATED"]);
    for service in &services {
        table.row([
            Cell::new(service.name.clone()),
            Cell::new(service.state.to_string()),
            Cell::new(service.url.clone()),
            Cell::new(models(&service.spec.models)),
            Cell::new(ago(service.updated_at, now)),
        ]);
    }
    printer.lines(&table.show(printer.out))?;
    Ok(exit_code::SUCCESS)
}

pub(super) async fn one(context: &Context, name: &str) -> Outcome {
    let client = context.client().await?;
    let service = client.service(context.workspace(), name).await?;
    let printer = &context.printer;
    if printer.json {
        printer.json(&service)?;
    } else {
        printer.lines(&text(&service, printer.out, Timestamp::now()))?;
    }
    Ok(exit_code::SUCCESS)
}

fn models(models: &[ServedModel]) -> String {
    let names: Vec<String> = models
        .iter()
        .map(|model| match model.version {
            // It is not registered.
            0 => model.name.clone(),
            version => format!("{}:{version}", model.name),
        })
        .collect();
    if names.is_empty() {
        "-".to_owned()
    } else {
        names.join(", ")
    }
}

fn state(service: &WebService) -> String {
    let doing = match service.state {
        ServiceState::Healthy if service.is_changing() => ", an update is being brought up",
        ServiceState::Unhealthy => ", being brought up again",
        _ => "",
    };
    format!("{}{doing}", service.state)
}

fn text(service: &WebService, paint: Paint, now: Timestamp) -> String {
    let spec = &service.spec;
    let zone = TimeZone::system();
    let mut pairs = vec![
        ("name", service.name.clone()),
        ("state", state(service)),
        ("since", moment(service.state_since, now, &zone)),
        ("scoring", format!("{}/score", service.url)),
        ("target", service.target.clone()),
        ("models", models(&spec.models)),
        ("entry", clean(&spec.entry).into_owned()),
        ("source", clean(&spec.source.source).into_owned()),
        ("workers", spec.workers.to_string()),
        (
            "keys",
            if spec.keys { "asked for" } else { "not asked for" }.to_owned(),
        ),
        ("generation", service.generation.to_string()),
    ];
    if let Some(name) = &spec.environment_name {
        pairs.push(("environment", name.clone()));
    }
    if let Some(current) = &service.current {
        pairs.push(("run", current.run.to_string()));
    }
    if !service.description.is_empty() {
        pairs.push(("description", clean(&service.description).into_owned()));
    }
    if !service.tags.is_empty() {
        let tags: Vec<String> = service
            .tags
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.push(("tags", clean(&tags.join(", ")).into_owned()));
    }
    if let Some(at) = service.retry_at {
        pairs.push(("next try", moment(at, now, &zone)));
    }
    let mut text = fields(&pairs, paint);
    if let Some(error) = &service.error {
        text.push_str(&format!("\n{}\n", paint.bold("What went wrong last")));
        text.push_str(&format!("{}\n{}", clean(&error.message), clean(&error.log)));
    }
    text
}
