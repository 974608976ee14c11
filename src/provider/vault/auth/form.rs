//! The fields of the authentication methods, as typed.

use super::{AuthMethod, AuthMount, VaultAuth};
use crate::problem::{FieldProblem, Problems};
use crate::provider::vault::FormSecret;
use crate::provider::vault::checks::{
    check_certificate, check_jwt, check_private_key, check_token, check_username, one_line, one_line_secret,
};
use crate::sensitive::Entered;
use serde::{Deserialize, Serialize};

/// The fields of all methods, as typed. Only those of the chosen method are looked at. All are flat text,
/// so that a plain HTML form can post them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthForm {
    /// An [`AuthMethod`]'s slug; empty means a token.
    pub method: String,
    /// Every secret: empty keeps what is stored.
    pub token: FormSecret,
    /// Below the folder of token files.
    pub token_file: String,
    pub role_id: String,
    pub secret_id: FormSecret,
    pub username: String,
    pub password: FormSecret,
    /// Of Kubernetes, JWT and TLS certificate.
    pub role: String,
    pub jwt: FormSecret,
    /// PEM.
    pub certificate: String,
    /// PEM.
    pub private_key: FormSecret,
    /// Empty means where Vault mounts the method unless told otherwise.
    pub mount: String,
}

impl Default for AuthForm {
    fn default() -> Self {
        Self::of(&VaultAuth::Token { token: () })
    }
}

impl AuthForm {
    /// The form that edits `auth`. Secret fields are empty, which keeps what is stored.
    #[must_use]
    pub fn of<S>(auth: &VaultAuth<S>) -> Self {
        let mut form = Self {
            method: auth.method().slug().to_owned(),
            token: FormSecret::default(),
            token_file: String::new(),
            role_id: String::new(),
            secret_id: FormSecret::default(),
            username: String::new(),
            password: FormSecret::default(),
            role: String::new(),
            jwt: FormSecret::default(),
            certificate: String::new(),
            private_key: FormSecret::default(),
            mount: auth.mount().map(AuthMount::to_string).unwrap_or_default(),
        };
        match auth {
            VaultAuth::Token { .. } => {}
            VaultAuth::TokenFile { file } => form.token_file = file.to_string(),
            VaultAuth::AppRole { role_id, .. } => form.role_id.clone_from(role_id),
            VaultAuth::Userpass { username, .. } => form.username.clone_from(username),
            VaultAuth::Kubernetes { role, .. } | VaultAuth::Jwt { role, .. } => form.role.clone_from(role),
            VaultAuth::Cert { certificate, role, .. } => {
                form.certificate.clone_from(certificate);
                form.role = role.clone().unwrap_or_default();
            }
        }
        form
    }

    /// The method chosen.
    #[must_use]
    pub fn method(&self) -> Option<AuthMethod> {
        AuthMethod::from_slug(if self.method.is_empty() { AuthMethod::Token.slug() } else { &self.method })
    }

    /// The problem of an empty secret field of which nothing is stored. `stored` is the method whose secret
    /// is, if one is.
    #[must_use]
    pub fn missing_secret(&self, stored: Option<AuthMethod>) -> Option<FieldProblem> {
        let method = self.method().filter(|method| Some(*method) != stored)?;
        let field = method.secret_field()?;
        let typed = match method {
            AuthMethod::Token => &self.token,
            AuthMethod::AppRole => &self.secret_id,
            AuthMethod::Userpass => &self.password,
            AuthMethod::TokenFile | AuthMethod::Kubernetes => return None,
            AuthMethod::Jwt => &self.jwt,
            AuthMethod::Cert => &self.private_key,
        };
        let is_missing = typed.0.trim().is_empty();
        is_missing.then(|| FieldProblem::new(field.name, format!("The {} is needed here.", named(field.label))))
    }

    pub(in crate::provider::vault) fn parse(&self, problems: &mut Problems) -> Option<VaultAuth<Entered>> {
        let Some(method) = self.method() else {
            problems.add("auth_method", "Choose one of the listed authentication methods.");
            return None;
        };
        let mount = match method {
            AuthMethod::Token | AuthMethod::TokenFile => Some(AuthMount::usual(method)),
            _ if self.mount.trim().is_empty() => Some(AuthMount::usual(method)),
            _ => problems.check("mount", self.mount.parse()),
        };
        Some(match method {
            AuthMethod::Token => VaultAuth::Token { token: problems.check("token", check_token(&self.token.0))? },
            AuthMethod::TokenFile => {
                VaultAuth::TokenFile { file: problems.check("token_file", self.token_file.parse())? }
            }
            AuthMethod::AppRole => {
                let role_id = problems.check("role_id", one_line("Role ID", &self.role_id));
                let secret_id = problems.check("secret_id", one_line_secret("Secret ID", &self.secret_id));
                VaultAuth::AppRole { role_id: role_id?, secret_id: secret_id?, mount: mount? }
            }
            AuthMethod::Userpass => {
                let username = problems.check("username", check_username(&self.username));
                VaultAuth::Userpass {
                    username: username?,
                    password: Entered::from_field(&self.password.0),
                    mount: mount?,
                }
            }
            AuthMethod::Kubernetes => {
                VaultAuth::Kubernetes { role: problems.check("role", one_line("Role", &self.role))?, mount: mount? }
            }
            AuthMethod::Jwt => {
                let role = problems.check("role", one_line("Role", &self.role));
                let jwt = problems.check("jwt", check_jwt(&self.jwt.0));
                VaultAuth::Jwt { role: role?, jwt: jwt?, mount: mount? }
            }
            AuthMethod::Cert => {
                let certificate = problems.check("certificate", check_certificate(&self.certificate));
                let private_key = problems.check("private_key", check_private_key(&self.private_key.0));
                let role = match self.role.trim() {
                    "" => Some(None),
                    role => problems.check("role", one_line("Role", role)).map(Some),
                };
                VaultAuth::Cert { certificate: certificate?, private_key: private_key?, role: role?, mount: mount? }
            }
        })
    }
}

/// A label within a sentence: `the password`, but `the Secret ID` and `the JWT`.
fn named(label: &str) -> String {
    match label {
        "Token" | "Password" | "Private Key" => label.to_lowercase(),
        other => other.to_owned(),
    }
}
