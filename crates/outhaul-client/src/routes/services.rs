//! Web services.

use http::Method;
use outhaul_types::WebService;
use outhaul_types::api::{DeployService, ServiceChange, ServiceFilter, ServiceKeys, WhichKey};

use super::{Answer, in_workspace};
use crate::client::{Call, Client};
use crate::query::{segment, with_query};

fn of_service(name: &str, rest: &str, workspace: Option<&str>) -> String {
    in_workspace(&format!("/services/{}{rest}", segment(name)), workspace, None)
}

/// Web services.
impl Client {
    /// Web services by name.
    ///
    /// # Errors
    /// As every request: [`ClientError`](crate::ClientError).
    pub async fn services(&self, filter: &ServiceFilter) -> Answer<Vec<WebService>> {
        self.typed(Call::get(&with_query("/services", filter))).await
    }

    /// Records a web service, which the server then brings up. The same id twice makes one service.
    ///
    /// # Errors
    /// As every request: [`ClientError`](crate::ClientError).
    pub async fn deploy_service(&self, service: &DeployService) -> Answer<WebService> {
        self.typed(Call::post("/services").json(service)?.repeatable())
            .await
    }

    /// One web service.
    ///
    /// # Errors
    /// As every request: [`ClientError`](crate::ClientError).
    pub async fn service(&self, workspace: Option<&str>, name: &str) -> Answer<WebService> {
        self.typed(Call::get(&of_service(name, "", workspace))).await
    }

    /// Changes a web service; with nothing to change its script and models are loaded anew.
    ///
    /// # Errors
    /// As every request: [`ClientError`](crate::ClientError).
    pub async fn update_service(
        &self,
        workspace: Option<&str>,
        name: &str,
        change: &ServiceChange,
    ) -> Answer<WebService> {
        let call = Call::new(Method::PATCH, &of_service(name, "", workspace));
        self.typed(call.json(change)?).await
    }

    /// Asks for the end of a web service. It is gone when it is not found any more.
    ///
    /// # Errors
    /// As every request: [`ClientError`](crate::ClientError).
    pub async fn delete_service(&self, workspace: Option<&str>, name: &str) -> Answer<WebService> {
        let call = Call::new(Method::DELETE, &of_service(name, "", workspace));
        self.typed(call).await
    }

    /// The keys of a web service.
    ///
    /// # Errors
    /// As every request: [`ClientError`](crate::ClientError).
    pub async fn service_keys(&self, workspace: Option<&str>, name: &str) -> Answer<ServiceKeys> {
        self.typed(Call::get(&of_service(name, "/keys", workspace))).await
    }

    /// Makes a key of a web service anew.
    ///
    /// # Errors
    /// As every request: [`ClientError`](crate::ClientError).
    pub async fn renew_service_key(
        &self,
        workspace: Option<&str>,
        name: &str,
        which: WhichKey,
    ) -> Answer<ServiceKeys> {
        let which = match which {
            WhichKey::Primary => "/keys/primary",
            WhichKey::Secondary => "/keys/secondary",
        };
        self.typed(Call::post(&of_service(name, which, workspace))).await
    }
}
