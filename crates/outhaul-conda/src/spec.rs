//! From specs as people write them to what the solver understands. Pure.

use std::sync::Arc;

use rattler_conda_types::{Channel, MatchSpec, ParseMatchSpecOptions};

use crate::{
    channels,
    error::{CondaError, CondaErrorKind},
    request::CondaRequest,
};

/// The specs of a request, and the channels to search for them.
pub(crate) fn parse_all(request: &CondaRequest) -> Result<(Vec<MatchSpec>, Vec<Channel>), CondaError> {
    let mut all = channels::resolve_all(request)?;
    let mut specs = Vec::with_capacity(request.specs.len());
    for text in &request.specs {
        let (spec, channel) = parse(text, request)?;
        if let Some(channel) = channel {
            channels::add(&mut all, channel);
        }
        specs.push(spec);
    }
    Ok((specs, all))
}

fn parse(text: &str, request: &CondaRequest) -> Result<(MatchSpec, Option<Channel>), CondaError> {
    let spec = text.trim();
    let wrong = |why: &str| {
        CondaError::new(
            CondaErrorKind::Invalid,
            format!("`{spec}` is not a conda package: {why}"),
        )
    };
    if spec.contains("://") && !spec.contains("::") {
        return Err(wrong("packages by address are not supported").with_hint(
            "put the archive into a channel (a folder with `linux-64` and `noarch`) and name the package",
        ));
    }
    let (written, rest) = match spec.split_once("::") {
        Some((channel, rest)) => (Some(channel.trim()), rest.trim()),
        None => (None, spec),
    };
    // The channel is ours to resolve: rattler knows nothing of mirrors. Conda allows a platform behind its name.
    let (written, subdir) =
        match written.and_then(|channel| channel.rsplit_once('/').map(|parts| (channel, parts))) {
            Some((_, (channel, subdir))) if is_subdir(subdir) => (Some(channel), Some(subdir.to_owned())),
            Some((channel, _)) => (Some(channel), None),
            None => (written, None),
        };
    let mut parsed = MatchSpec::from_str(rest, ParseMatchSpecOptions::lenient()).map_err(|error| {
        wrong(&error.to_string()).with_hint(
            "write a name, a version and a build, such as `numpy`, `numpy=1.26` or `numpy >=1.26,<2`",
        )
    })?;
    if parsed.channel.is_some() {
        return Err(
            wrong("the channel stands in brackets").with_hint("write it in front: `conda-forge::numpy`")
        );
    }
    if subdir.is_some() {
        parsed.subdir = subdir;
    }
    let channel = match written {
        Some(written) => channels::resolve(written, request)?.into_iter().next(),
        None => None,
    };
    parsed.channel = channel.clone().map(Arc::new);
    Ok((parsed, channel))
}

fn is_subdir(text: &str) -> bool {
    text == "noarch" || text.starts_with("linux-") || text.starts_with("osx-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<String, CondaError> {
        let request = CondaRequest::default();
        let (spec, channel) = parse(text, &request)?;
        let version = spec.version.as_ref().map(ToString::to_string).unwrap_or_default();
        let build = spec.build.as_ref().map(ToString::to_string).unwrap_or_default();
        let channel = channel
            .map(|channel| channel.base_url.to_string())
            .unwrap_or_default();
        let name = spec.name.as_exact().map(|name| name.as_normalized().to_owned());
        Ok(format!(
            "{}|{version}|{build}|{channel}",
            name.unwrap_or_default()
        ))
    }

    #[test]
    fn specs_as_in_an_environment_file() {
        for (text, expected) in [
            ("numpy", "numpy|||"),
            ("NumPy=1.26", "numpy|1.26.*||"),
            ("numpy=1.26.*", "numpy|1.26.*||"),
            ("numpy==1.26.4", "numpy|==1.26.4||"),
            ("numpy >=1.2, <2", "numpy|>=1.2,<2||"),
            ("numpy=1.26.4=py311_0", "numpy|==1.26.4|py311_0|"),
            (
                "conda-forge::scipy",
                "scipy|||https://conda.anaconda.org/conda-forge/",
            ),
            (
                "conda-forge/linux-64::scipy=1",
                "scipy|1.*||https://conda.anaconda.org/conda-forge/",
            ),
            ("https://h/c::scipy", "scipy|||https://h/c/"),
        ] {
            assert_eq!(parsed(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_spec_is_refused() {
        for bad in [
            "",
            "numpy >=",
            "https://h/x-1-0.conda",
            "numpy[channel=x]",
            "::",
            "*",
            "np*",
        ] {
            let error = parsed(bad).unwrap_err();
            assert_eq!(error.kind, CondaErrorKind::Invalid, "{bad}: {error}");
        }
    }
}
