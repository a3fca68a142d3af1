//! From rattler's errors to ours: what kind an error is, and which channel or archive it is about.

use std::{error::Error, sync::Arc};

use rattler::package_cache::{PackageCacheError, PackageCacheLayerError};
use rattler_conda_types::Channel;
use rattler_package_streaming::ExtractError;
use rattler_repodata_gateway::{GatewayError, fetch::FetchRepoDataError};
use rattler_solve::SolveError;

use crate::error::{CondaError, CondaErrorKind};

/// An error with all its causes in one line, each said once.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let said = cause.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        next = cause.source();
    }
    text
}

/// Why the index of a channel could not be had.
pub(crate) fn of_index(error: &GatewayError, channels: &[Channel], offline: bool) -> CondaError {
    use FetchRepoDataError as Fetch;
    let text = chain(error);
    let channel = match error {
        GatewayError::SubdirNotFoundError(missing) => name(&missing.channel),
        _ => guilty(&text, channels),
    };
    let unreachable = match error {
        GatewayError::SubdirNotFoundError(_)
        | GatewayError::ReqwestError(_)
        | GatewayError::ReqwestMiddlewareError(_)
        | GatewayError::ShardedIndexNotCached(_)
        | GatewayError::ShardNotCached(_)
        | GatewayError::CacheError(_) => true,
        GatewayError::FetchRepoDataError(fetch) => matches!(
            fetch,
            Fetch::HttpError(_)
                | Fetch::FailedToDownload(..)
                | Fetch::NotFound(_)
                | Fetch::NoCacheAvailable(_)
        ),
        _ => false,
    };
    if !unreachable {
        return CondaError::new(
            CondaErrorKind::Damaged,
            format!("the index of the channel {channel} cannot be read: {text}"),
        )
        .with_hint("look at the channel's `repodata.json`, or use another channel");
    }
    let hint = if offline {
        "the index of the channel is not kept here: solve once with the network"
    } else {
        "look at the name of the channel, at the network and at the proxy; a channel has a `noarch/repodata.json`"
    };
    CondaError::new(
        CondaErrorKind::Unreachable,
        format!("the channel {channel} cannot be reached: {text}"),
    )
    .with_hint(hint)
}

/// The channel whose address an error mentions; all of them when it mentions none.
fn guilty(text: &str, channels: &[Channel]) -> String {
    let found = channels
        .iter()
        .find(|channel| text.contains(channel.base_url.as_str()));
    match found {
        Some(channel) => name(channel),
        None => {
            let all: Vec<String> = channels.iter().map(name).collect();
            all.join(" or ")
        }
    }
}

fn name(channel: &Channel) -> String {
    format!("`{}`", channel.base_url.as_str().trim_end_matches('/'))
}

/// Why the solver found no answer, in its own words.
pub(crate) fn of_solve(error: &SolveError) -> CondaError {
    match error {
        SolveError::Unsolvable(reasons) => {
            let reasons = reasons.join("\n");
            CondaError::new(
                CondaErrorKind::Unsolvable,
                format!("no set of conda packages fits:\n{}", reasons.trim_end()),
            )
            .with_hint("change a version, or name the channel that has the package")
        }
        SolveError::ParseMatchSpecError(_) | SolveError::DuplicateRecords(_) => CondaError::new(
            CondaErrorKind::Damaged,
            format!("the index of a channel is not in order: {}", chain(error)),
        )
        .with_hint("use another channel, or tell those who look after it"),
        SolveError::UnsupportedOperations(_) | SolveError::Cancelled => {
            CondaError::new(CondaErrorKind::Internal, chain(error))
        }
    }
}

/// Why an archive could not be brought into the cache.
pub(crate) fn of_archive(error: &PackageCacheError, archive: &str) -> CondaError {
    let Some(extract) = extract_error(error) else {
        let kind = match error {
            PackageCacheError::Cancelled => CondaErrorKind::Internal,
            PackageCacheError::UnsafeCacheKey(_) => CondaErrorKind::Invalid,
            _ => CondaErrorKind::Disk,
        };
        return CondaError::new(
            kind,
            format!("the archive `{archive}` cannot be kept: {}", deepest(error)),
        );
    };
    match extract {
        ExtractError::HashMismatch { expected, actual, .. } => CondaError::new(
            CondaErrorKind::Damaged,
            format!("the archive `{archive}` is damaged: its checksum is `{actual}` and should be `{expected}`"),
        )
        .with_hint("the channel changed or the download was altered on its way: solve the specs anew, or use another mirror"),
        ExtractError::ReqwestError(_) | ExtractError::AsyncHttpRangeReaderError(_) => CondaError::new(
            CondaErrorKind::Unreachable,
            format!("the archive `{archive}` cannot be downloaded: {}", chain(extract)),
        )
        .with_hint("look at the network and at the proxy; a mirror may not have the archive any more"),
        ExtractError::IoError(error) if error.kind() == std::io::ErrorKind::NotFound => CondaError::new(
            CondaErrorKind::Unreachable,
            format!("the archive `{archive}` is not there"),
        )
        .with_hint("solve the specs anew: the channel does not have the archive any more"),
        ExtractError::IoError(error)
            if matches!(
                error.kind(),
                std::io::ErrorKind::StorageFull
                    | std::io::ErrorKind::PermissionDenied
                    | std::io::ErrorKind::QuotaExceeded
                    | std::io::ErrorKind::ReadOnlyFilesystem
            ) =>
        {
            CondaError::new(
                CondaErrorKind::Disk,
                format!("the archive `{archive}` cannot be unpacked: {}", chain(extract)),
            )
        }
        ExtractError::CouldNotCreateDestination(_) => CondaError::new(
            CondaErrorKind::Disk,
            format!("the archive `{archive}` cannot be unpacked: {}", chain(extract)),
        ),
        ExtractError::Cancelled => CondaError::new(CondaErrorKind::Internal, chain(extract)),
        other => CondaError::new(
            CondaErrorKind::Damaged,
            format!("the archive `{archive}` is damaged: {}", chain(other)),
        )
        .with_hint("download it anew, or use another mirror"),
    }
}

fn extract_error(error: &PackageCacheError) -> Option<&ExtractError> {
    let PackageCacheError::LayerError(layer) = error else {
        return None;
    };
    let Some(PackageCacheLayerError::FetchError(fetch)) = layer.downcast_ref() else {
        return None;
    };
    let fetch: &Arc<dyn Error + Send + Sync> = fetch;
    fetch.downcast_ref()
}

/// The text of the innermost cause, which alone says something for rattler's cache.
fn deepest(error: &dyn Error) -> String {
    match error.source() {
        Some(cause) => chain(cause),
        None => error.to_string(),
    }
}

/// Something that the disk refused.
pub(crate) fn of_disk(doing: &str, error: &dyn Error) -> CondaError {
    CondaError::new(CondaErrorKind::Disk, format!("{doing}: {}", chain(error)))
}
