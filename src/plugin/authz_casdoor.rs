//! authz-casdoor: whoever comes with a browser signs in at Casdoor first (`apisix/plugins/authz-casdoor.lua`).

use super::reader::{Reader, secret, text};
use crate::problem::FieldProblem;
use crate::provider::address::forbidden;
use crate::sensitive::{Entered, SecretField};
use crate::web_address::WebAddress;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The fields that hold a secret, or a reference to one.
pub const SECRETS: &[&str] = &["client_id", "client_secret"];

/// Configuration on a service or route; field names as in APISIX 3.18, all of them needed. `F` is how a secret is held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthzCasdoorPlugin<F> {
    /// Where Casdoor is: browsers are sent there, and the gateway asks it for tokens.
    pub endpoint_addr: WebAddress,
    /// Where Casdoor sends browsers back to: an address of the gateway, with a path that a route with this plugin has.
    pub callback_url: WebAddress,
    /// Of the application that is registered with Casdoor.
    pub client_id: F,
    /// Shown to Casdoor alone.
    pub client_secret: F,
}

impl<F> AuthzCasdoorPlugin<F> {
    /// Converts the holder of every secret in it.
    ///
    /// # Errors
    /// Whatever `f` answers.
    pub fn try_map<G, E>(
        &self,
        mut f: impl FnMut(&'static str, &F) -> Result<G, E>,
    ) -> Result<AuthzCasdoorPlugin<G>, E> {
        Ok(AuthzCasdoorPlugin {
            endpoint_addr: self.endpoint_addr.clone(),
            callback_url: self.callback_url.clone(),
            client_id: f("client_id", &self.client_id)?,
            client_secret: f("client_secret", &self.client_secret)?,
        })
    }
}

impl AuthzCasdoorPlugin<SecretField<Entered>> {
    pub(super) fn parse(object: &Map<String, Value>) -> Result<Self, Vec<FieldProblem>> {
        let mut reader = Reader::new(String::new(), object);
        let endpoint_addr = reader.required("endpoint_addr", "Casdoor's address is needed.", endpoint);
        let why = "The address that Casdoor sends browsers back to is needed.";
        let callback_url = reader.required("callback_url", why, callback);
        let client_id = reader.required("client_id", "The application's Client ID at Casdoor is needed.", secret);
        let why = "The application's Client secret at Casdoor is needed.";
        let client_secret = reader.required("client_secret", why, secret);
        let config = (|| {
            Some(Self {
                endpoint_addr: endpoint_addr?,
                callback_url: callback_url?,
                client_id: client_id?,
                client_secret: client_secret?,
            })
        })();
        reader.finish("authz-casdoor", config)
    }
}

fn address(value: &Value) -> Result<WebAddress, String> {
    let address: Result<WebAddress, _> = text(value, 1)?.parse();
    address.map_err(|why| why.to_string())
}

fn endpoint(value: &Value) -> Result<WebAddress, String> {
    let endpoint = address(value)?;
    match endpoint.host().parse().ok().and_then(forbidden) {
        Some(kind) => Err(format!("Requests are never sent to {}: it is {}.", endpoint.host(), kind.describe())),
        None => Ok(endpoint),
    }
}

/// Without a path every request would be the one that comes back from Casdoor.
fn callback(value: &Value) -> Result<WebAddress, String> {
    let callback = address(value)?;
    if callback.path().is_empty() {
        return Err("The callback needs a path of its own, for example /callback.".to_owned());
    }
    Ok(callback)
}

#[cfg(test)]
mod tests {
    use crate::plugin::{PluginConfig, PluginName};
    use serde_json::{Value, json};

    fn config(changes: Value) -> Value {
        let mut config = json!({
            "endpoint_addr": "https://door.example.com",
            "callback_url": "https://api.example.com/anything/callback",
            "client_id": "$secret://vault/my-vault/casdoor/client_id",
            "client_secret": "$secret://vault/my-vault/casdoor/client_secret",
        });
        for (name, value) in changes.as_object().unwrap() {
            config[name] = value.clone();
        }
        config
    }

    #[test]
    fn bad_fields_are_named_by_their_path() {
        for (changes, path) in [
            (json!({"endpoint_addr": "https://door.example.com/"}), "/endpoint_addr"),
            (json!({"endpoint_addr": "door.example.com"}), "/endpoint_addr"),
            (json!({"endpoint_addr": "http://169.254.169.254"}), "/endpoint_addr"),
            (json!({"endpoint_addr": "$secret://vault/my-vault/casdoor/address"}), "/endpoint_addr"),
            (json!({"callback_url": "https://api.example.com/anything/callback/?code=aaa"}), "/callback_url"),
            (json!({"callback_url": "https://api.example.com/callback/"}), "/callback_url"),
            (json!({"callback_url": "https://api.example.com"}), "/callback_url"),
            (json!({"client_id": ""}), "/client_id"),
            (json!({"client_id": "$SECRET://vault/my-vault/casdoor/client_id"}), "/client_id"),
            (json!({"client_secret": 7}), "/client_secret"),
            (json!({"client_secret": "$secret://vault"}), "/client_secret"),
            (json!({"scope": "read"}), "/scope"),
        ] {
            let problems = PluginConfig::parse(PluginName::AuthzCasdoor, &config(changes.clone()).to_string());
            assert_eq!(problems.unwrap_err()[0].field, path, "{changes}");
        }
    }

    #[test]
    fn every_field_is_needed() {
        for name in ["endpoint_addr", "callback_url", "client_id", "client_secret"] {
            let mut config = config(json!({}));
            config.as_object_mut().unwrap().remove(name);
            let problems = PluginConfig::parse(PluginName::AuthzCasdoor, &config.to_string()).unwrap_err();
            assert_eq!(problems[0].field, format!("/{name}"));
        }
    }

    #[test]
    fn its_references_are_known_and_survive_the_editor() {
        let parsed = PluginConfig::parse(PluginName::AuthzCasdoor, &config(json!({})).to_string()).unwrap();
        assert_eq!(parsed.references().map(|(field, _)| field).collect::<Vec<_>>(), ["client_id", "client_secret"]);
        let shown: Value = serde_json::from_str(&parsed.to_json()).unwrap();
        assert_eq!(shown, config(json!({})));
    }
}
