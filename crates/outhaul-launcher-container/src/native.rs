//! Native ids of runs in containers: told apart from others by their form, so that no question needs an answer first.

use outhaul_driver::NativeId;
use outhaul_types::RunKey;

const PREFIX: &str = "container:";

/// The native id of a run in a container.
pub(crate) fn contained(run_key: &str) -> NativeId {
    NativeId(format!("{PREFIX}{run_key}"))
}

/// The id by which the host knows the run, and the run's key if it is in a container.
pub(crate) fn on_host(id: &NativeId) -> (NativeId, Option<RunKey>) {
    match id.0.strip_prefix(PREFIX) {
        Some(key) => (NativeId(key.to_owned()), parse(key)),
        None => (id.clone(), None),
    }
}

/// A run's key from its text.
pub(crate) fn parse(text: &str) -> Option<RunKey> {
    RunKey::parse(text).map(|(id, attempt)| id.key(attempt))
}

#[cfg(test)]
mod tests {
    use outhaul_types::RunId;

    use super::*;

    #[test]
    fn ids_go_there_and_back() {
        let key = RunId::generate().unwrap().key(2);
        let id = contained(key.as_str());
        assert_eq!(on_host(&id), (NativeId(key.to_string()), Some(key.clone())));
        let plain = NativeId(key.to_string());
        assert_eq!(on_host(&plain), (plain.clone(), None));
    }
}
