//! The routes of attaching and detaching targets, of their credentials, and of the address book.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Method;
use outhaul_types::api::{
    AdoptJob, AttachTarget, DetachTarget, Detached, NativeJob, OfResource, ScanHostKey, ScannedHostKey,
    Target, Ticket,
};
use outhaul_types::target::{HostKey, ResourceAddress};
use outhaul_types::{Run, Secret};
use zeroize::Zeroizing;

use super::Answer;
use crate::client::{Call, Client};
use crate::error::ClientError;
use crate::query::{segment, with_query};

/// Attaching and detaching targets.
impl Client {
    /// Hands secrets over by their names: `password`, or `private_key` and `passphrase`. The ticket stands for them.
    ///
    /// # Errors
    /// As every request: [`ClientError`]. No error shows anything of the secrets.
    pub async fn hand_over(&self, secrets: &BTreeMap<String, Secret>) -> Answer<Ticket> {
        let body = Bytes::from_owner(body_of(secrets)?);
        // Secrets that are handed over twice only have a second ticket, which ends by itself.
        self.typed(Call::post("/credentials").body(body).repeatable())
            .await
    }

    /// Asks a host for its key, and what the person's known hosts say of it. Stores nothing.
    ///
    /// # Errors
    /// As every request: [`ClientError`].
    pub async fn scan_host_key(&self, scan: &ScanHostKey) -> Answer<ScannedHostKey> {
        self.typed(Call::post("/targets/host-key").json(scan)?.repeatable())
            .await
    }

    /// Attaches a target. It is `Creating` at first; [`Client::target`] tells what becomes of it.
    ///
    /// # Errors
    /// As every request: [`ClientError`].
    pub async fn attach_target(&self, attach: &AttachTarget) -> Answer<Target> {
        self.typed(Call::post("/targets").json(attach)?).await
    }

    /// Detaches a target, and cleans up on its machine unless it shall only be forgotten.
    ///
    /// # Errors
    /// As every request: [`ClientError`].
    pub async fn detach_target(&self, name: &str, forget: bool) -> Answer<Detached> {
        let path = with_query(&format!("/targets/{}", segment(name)), &DetachTarget { forget });
        self.typed(Call::new(Method::DELETE, &path)).await
    }

    /// Pins another host key for a target.
    ///
    /// # Errors
    /// As every request: [`ClientError`].
    pub async fn trust_host_key(&self, name: &str, host_key: &HostKey) -> Answer<Target> {
        let path = format!("/targets/{}/host-key", segment(name));
        self.typed(Call::new(Method::PUT, &path).json(host_key)?).await
    }
}

/// Jobs of targets.
impl Client {
    /// What a target knows of a job by the target's own name for it, whoever submitted it.
    ///
    /// # Errors
    /// As every request: [`ClientError`].
    pub async fn job(&self, target: &str, native: &str) -> Answer<NativeJob> {
        let path = format!("/targets/{}/jobs/{}", segment(target), segment(native));
        self.typed(Call::get(&path)).await
    }

    /// Makes a job that somebody else submitted into a run. A second time gives the same run.
    ///
    /// # Errors
    /// As every request: [`ClientError`].
    pub async fn adopt(&self, target: &str, native: &str, adopt: &AdoptJob) -> Answer<Run> {
        let path = format!("/targets/{}/jobs/{}/adopt", segment(target), segment(native));
        self.typed(Call::post(&path).json(adopt)?.repeatable()).await
    }
}

/// The address book.
impl Client {
    /// All entries.
    ///
    /// # Errors
    /// As every request: [`ClientError`].
    pub async fn resources(&self) -> Answer<Vec<ResourceAddress>> {
        self.typed(Call::get("/resources")).await
    }

    /// Writes an entry, also in place of one.
    ///
    /// # Errors
    /// As every request: [`ClientError`].
    pub async fn map_resource(&self, entry: &ResourceAddress) -> Answer<ResourceAddress> {
        self.typed(Call::new(Method::PUT, "/resources").json(entry)?)
            .await
    }

    /// Takes an entry out.
    ///
    /// # Errors
    /// As every request: [`ClientError`].
    pub async fn unmap_resource(&self, resource_id: &str) -> Answer<()> {
        let query = OfResource {
            resource_id: resource_id.to_owned(),
        };
        self.nothing(Call::new(Method::DELETE, &with_query("/resources", &query)))
            .await
    }
}

/// The secrets as a JSON object, in a buffer that is overwritten when it is dropped. The one place on this side of the
/// API that reads a secret's text.
fn body_of(secrets: &BTreeMap<String, Secret>) -> Result<Zeroizing<Vec<u8>>, ClientError> {
    // A byte is escaped by six at most. A buffer that never grows leaves no copy behind.
    let most = secrets
        .iter()
        .map(|(name, secret)| (name.len() + secret.expose().len()) * 6 + 6)
        .sum::<usize>();
    let mut body = Zeroizing::new(Vec::with_capacity(most + 2));
    // What the writer complains about is not shown: it might quote.
    let wrong = |_| ClientError::Protocol("the credentials cannot be written as JSON".to_owned());
    body.push(b'{');
    for (name, secret) in secrets {
        if body.len() > 1 {
            body.push(b',');
        }
        serde_json::to_writer(&mut *body, name).map_err(wrong)?;
        body.push(b':');
        serde_json::to_writer(&mut *body, secret.expose()).map_err(wrong)?;
    }
    body.push(b'}');
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_written_as_they_are_and_the_buffer_does_not_grow() {
        let texts = [
            "plain",
            "quote\" back\\ line\n tab\t \u{1}\u{1f}",
            "ä \u{1F511}",
            "",
        ];
        let secrets: BTreeMap<String, Secret> = texts
            .iter()
            .enumerate()
            .map(|(number, text)| (format!("s{number}"), Secret::new((*text).to_owned())))
            .collect();
        let body = body_of(&secrets).expect("it is written");
        let most: usize = secrets
            .iter()
            .map(|(n, s)| (n.len() + s.expose().len()) * 6 + 6)
            .sum();
        assert_eq!(body.capacity(), most + 2);
        let read: BTreeMap<String, Secret> = serde_json::from_slice(&body).expect("it is JSON");
        assert_eq!(read, secrets);
        assert_eq!(
            body_of(&BTreeMap::new()).expect("it is written").as_slice(),
            b"{}"
        );
        let many: BTreeMap<String, Secret> = [("k".to_owned(), Secret::new("\u{1}".repeat(1000)))].into();
        assert!(body_of(&many).expect("it is written").capacity() < 6100);
    }
}
