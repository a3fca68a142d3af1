//! `outhaul model download`.

use std::path::Path;

use outhaul_types::exit_code;

use crate::args::ModelDownload;
use crate::commands::download::Destination;
use crate::context::Context;
use crate::error::{CliError, Outcome};
use crate::output::{plural, size};

pub(super) async fn run(context: &Context, args: &ModelDownload) -> Outcome {
    let printer = &context.printer;
    let workspace = context.workspace();
    let client = context.client().await?;
    let details = client.model(workspace, &args.model.to_string()).await?;
    let model = &details.model;
    let folder = args.to.as_deref().unwrap_or(Path::new("."));
    let shown = folder.join(&model.files.entry);
    if !args.force && context.here.join(&shown).symlink_metadata().is_ok() {
        return Err(CliError::user(format!("`{}` is there already", shown.display()))
            .hint("`--force` writes over it, `--to DIR` writes into another folder"));
    }
    let to = Destination::open(&context.here.join(folder))?;
    // All paths are looked at before the first byte is written.
    let mut files = Vec::with_capacity(details.contents.len());
    for file in &details.contents {
        to.place(&file.path)?;
        let hash = file.hash.as_deref();
        let hash = hash.ok_or_else(|| {
            CliError::system(format!(
                "the server names no content for `{}`",
                file.path.escape_debug()
            ))
        })?;
        files.push((file, hash));
    }
    // The version that was shown, whatever is registered meanwhile.
    let name = model.reference().to_string();
    for (file, hash) in files {
        if !to.has(&file.path, file.size, hash) {
            let content = client.model_file(workspace, &name, &file.path).await?;
            to.write(&file.path, hash, file.executable, content).await?;
        }
    }
    printer.note(&format!(
        "{name}: {}, {}, in `{}`, checked",
        plural(model.files.files, "file"),
        size(model.files.bytes),
        folder.display()
    ));
    if printer.json {
        printer.json(&details)?;
    } else {
        printer.lines(&shown.display().to_string())?;
    }
    Ok(exit_code::SUCCESS)
}
