//! From channels as people write them to addresses. Pure.

use rattler_conda_types::Channel;
use url::Url;

use crate::{
    error::{CondaError, CondaErrorKind},
    request::CondaRequest,
};

/// Where conda looks for a channel that has only a name.
const ALIAS: &str = "https://conda.anaconda.org";
/// Where Anaconda's own channels are; `defaults` stands for the first two.
const ANACONDA: &str = "https://repo.anaconda.com/pkgs";
const DEFAULTS: &[&str] = &["main", "r"];

/// The channels of a request, the most important first, each once.
pub(crate) fn resolve_all(request: &CondaRequest) -> Result<Vec<Channel>, CondaError> {
    let mut all: Vec<Channel> = Vec::new();
    let written: Vec<&str> = request
        .channels
        .iter()
        .map(|text| text.trim())
        .filter(|&text| text != "nodefaults")
        .collect();
    let fallback = ["conda-forge"];
    let written = if written.is_empty() {
        &fallback[..]
    } else {
        &written[..]
    };
    for text in written {
        for channel in resolve(text, request)? {
            add(&mut all, channel);
        }
    }
    Ok(all)
}

/// Adds a channel behind the others unless it is there.
pub(crate) fn add(all: &mut Vec<Channel>, channel: Channel) {
    if !all.iter().any(|other| other.base_url == channel.base_url) {
        all.push(channel);
    }
}

/// The channels that one written channel stands for: one, or several for `defaults`.
pub(crate) fn resolve(text: &str, request: &CondaRequest) -> Result<Vec<Channel>, CondaError> {
    let text = text.trim();
    // An address in the usual place is the name, so that a mirror counts for it as well.
    let name = text
        .strip_prefix(ALIAS)
        .map_or(text, |rest| rest.trim_matches('/'));
    if let Some(mirror) = request.mirrors.get(name) {
        return Ok(vec![at(mirror, name)?]);
    }
    if name == "defaults" {
        return DEFAULTS
            .iter()
            .map(|part| match request.mirrors.get(&format!("pkgs/{part}")) {
                Some(mirror) => at(mirror, part),
                None => at(&format!("{ANACONDA}/{part}"), part),
            })
            .collect();
    }
    if name.contains("://") || name.starts_with('/') {
        return Ok(vec![at(name, name)?]);
    }
    if name == "local" {
        return Err(refused(text, "it is a folder of the machine that conda is on")
            .with_hint("name the folder itself, as an absolute path"));
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    if name.is_empty() || !name.chars().all(plain) || name.starts_with(['.', '~']) || name.contains("..") {
        return Err(
            refused(text, "it is neither a name, an address nor an absolute path").with_hint(
                "write a name such as `conda-forge`, an address, or the absolute path of a folder",
            ),
        );
    }
    if let Some(part) = name.strip_prefix("pkgs/").filter(|part| !part.contains('/')) {
        return Ok(vec![at(&format!("{ANACONDA}/{part}"), part)?]);
    }
    let alias = request.channel_alias.as_deref().unwrap_or(ALIAS);
    Ok(vec![at(
        &format!("{}/{name}", alias.trim_end_matches('/')),
        name,
    )?])
}

/// The channel at an address or in a folder.
fn at(address: &str, written: &str) -> Result<Channel, CondaError> {
    let url = if address.starts_with('/') {
        Url::from_directory_path(address)
            .map_err(|()| refused(written, "its path is not a folder that can be named"))?
    } else {
        Url::parse(address).map_err(|error| {
            refused(written, &format!("`{address}` is not an address: {error}"))
                .with_hint("write an address that begins with https://, http:// or file://")
        })?
    };
    if !matches!(url.scheme(), "https" | "http" | "file") {
        return Err(refused(
            written,
            &format!("addresses with `{}://` are not supported", url.scheme()),
        )
        .with_hint("write an address that begins with https://, http:// or file://"));
    }
    let token = url
        .path_segments()
        .is_some_and(|mut segments| segments.next() == Some("t"));
    if !url.username().is_empty() || url.password().is_some() || (token && url.scheme() != "file") {
        // The address itself is the secret, so the message cannot show it.
        let host = url.host_str().unwrap_or_default();
        return Err(CondaError::new(
            CondaErrorKind::Invalid,
            format!("the address of a channel at `{host}` has a password or token in it"),
        )
        .with_hint("the address would be stored with every run: use a mirror that needs no password"));
    }
    Ok(Channel::from_url(url))
}

fn refused(channel: &str, why: &str) -> CondaError {
    CondaError::new(
        CondaErrorKind::Invalid,
        format!("`{channel}` cannot be used as a channel: {why}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(
        channels: &[&str],
        alias: Option<&str>,
        mirrors: &[(&str, &str)],
    ) -> Result<Vec<String>, CondaError> {
        let request = CondaRequest {
            channels: channels.iter().map(|&text| text.to_owned()).collect(),
            channel_alias: alias.map(str::to_owned),
            mirrors: mirrors
                .iter()
                .map(|&(name, to)| (name.to_owned(), to.to_owned()))
                .collect(),
            ..CondaRequest::default()
        };
        let all = resolve_all(&request)?;
        Ok(all.iter().map(|channel| channel.base_url.to_string()).collect())
    }

    #[test]
    fn channels_become_addresses() {
        let forge = "https://conda.anaconda.org/conda-forge/";
        for (written, expected) in [
            (&[][..], &[forge][..]),
            (&["nodefaults"], &[forge]),
            (&["conda-forge", "nodefaults"], &[forge]),
            (
                &["conda-forge", "https://conda.anaconda.org/conda-forge/"],
                &[forge],
            ),
            (
                &["defaults", "pkgs/main"],
                &[
                    "https://repo.anaconda.com/pkgs/main/",
                    "https://repo.anaconda.com/pkgs/r/",
                ],
            ),
            (
                &["pytorch/label/nightly"],
                &["https://conda.anaconda.org/pytorch/label/nightly/"],
            ),
            (
                &["https://example.org/a", "/srv/channel", "file:///srv/other"],
                &[
                    "https://example.org/a/",
                    "file:///srv/channel/",
                    "file:///srv/other/",
                ],
            ),
        ] {
            assert_eq!(addresses(written, None, &[]).unwrap(), expected, "{written:?}");
        }
    }

    #[test]
    fn mirrors_and_the_alias_stand_for_names() {
        let mirrors = [("conda-forge", "http://mirror/cf"), ("pkgs/main", "/srv/main")];
        assert_eq!(
            addresses(
                &[
                    "conda-forge",
                    "https://conda.anaconda.org/conda-forge",
                    "bioconda",
                    "defaults"
                ],
                Some("https://nexus/conda/"),
                &mirrors
            )
            .unwrap(),
            [
                "http://mirror/cf/",
                "https://nexus/conda/bioconda/",
                "file:///srv/main/",
                "https://repo.anaconda.com/pkgs/r/"
            ]
        );
    }

    #[test]
    fn what_cannot_be_a_channel_is_refused() {
        for bad in [
            "local",
            "./here",
            "~/here",
            "a b",
            "",
            "s3://bucket/x",
            "../x",
            "https://",
        ] {
            let error = addresses(&[bad], None, &[]).unwrap_err();
            assert_eq!(error.kind, CondaErrorKind::Invalid, "{bad}");
            assert!(error.message.contains(&format!("`{bad}`")), "{error}");
        }
        for secret in ["https://me:hunter2@h/c", "https://h/t/hunter2/c"] {
            let error = addresses(&[secret], None, &[]).unwrap_err();
            assert!(
                !error.to_string().contains("hunter2") && error.message.contains("`h`"),
                "{error}"
            );
        }
    }
}
