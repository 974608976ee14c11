//! How Postern proves itself to Vault: one variant for each authentication method.
//!
//! What must never happen here: a field that lets an operator name a file of the server.

use super::FormSecret;
use crate::env_ref::EnvRef;
use crate::problem::{FieldProblem, Problems};
use crate::sensitive::Entered;
use crate::text_form::text_form;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How Postern proves itself to Vault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "snake_case")]
pub enum VaultAuth<S> {
    Token {
        token: S,
    },
    #[serde(rename = "approle")]
    AppRole {
        role_id: String,
        secret_id: S,
        mount: AuthMount,
    },
    Userpass {
        username: String,
        password: S,
        mount: AuthMount,
    },
    /// With the token of the pod's service account, read anew from [`SERVICE_ACCOUNT_TOKEN`] at each login.
    Kubernetes {
        role: String,
        mount: AuthMount,
    },
    Jwt {
        role: String,
        jwt: S,
        mount: AuthMount,
    },
    Cert {
        /// PEM: the client's certificate, then what stands between it and the authority.
        certificate: String,
        /// PEM.
        private_key: S,
        /// Nothing: Vault tries every role of the mount.
        role: Option<String>,
        mount: AuthMount,
    },
}

/// Where Kubernetes puts the token of a pod's service account. Fixed: who may edit providers must not
/// thereby be able to have files of the server sent somewhere.
pub const SERVICE_ACCOUNT_TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

impl<S> VaultAuth<S> {
    /// Which method it is.
    #[must_use]
    pub fn method(&self) -> AuthMethod {
        match self {
            Self::Token { .. } => AuthMethod::Token,
            Self::AppRole { .. } => AuthMethod::AppRole,
            Self::Userpass { .. } => AuthMethod::Userpass,
            Self::Kubernetes { .. } => AuthMethod::Kubernetes,
            Self::Jwt { .. } => AuthMethod::Jwt,
            Self::Cert { .. } => AuthMethod::Cert,
        }
    }

    /// Its secret field, by name: what is sealed and never shown. Kubernetes has none.
    #[must_use]
    pub fn secret(&self) -> Option<(&'static str, &S)> {
        let secret = match self {
            Self::Token { token: secret }
            | Self::AppRole { secret_id: secret, .. }
            | Self::Userpass { password: secret, .. }
            | Self::Jwt { jwt: secret, .. }
            | Self::Cert { private_key: secret, .. } => Some(secret),
            Self::Kubernetes { .. } => None,
        };
        Some((self.method().secret_field()?.name, secret?))
    }

    /// What is no secret of it, by label, without the certificate, which is long.
    #[must_use]
    pub fn facts(&self) -> Vec<(&'static str, String)> {
        let own = match self {
            Self::Token { .. } => None,
            Self::AppRole { role_id, .. } => Some(("Role ID", role_id)),
            Self::Userpass { username, .. } => Some(("Username", username)),
            Self::Kubernetes { role, .. } | Self::Jwt { role, .. } => Some(("Role", role)),
            Self::Cert { role, .. } => role.as_ref().map(|role| ("Role", role)),
        };
        let own = own.map(|(label, text)| (label, text.clone()));
        own.into_iter().chain(self.mount().map(|mount| ("Mount Path", mount.to_string()))).collect()
    }

    /// Where the method is mounted; a token needs no mount.
    #[must_use]
    pub fn mount(&self) -> Option<&AuthMount> {
        match self {
            Self::Token { .. } => None,
            Self::AppRole { mount, .. }
            | Self::Userpass { mount, .. }
            | Self::Kubernetes { mount, .. }
            | Self::Jwt { mount, .. }
            | Self::Cert { mount, .. } => Some(mount),
        }
    }

    pub(super) fn try_map<T, E>(
        &self,
        f: &mut impl FnMut(&'static str, &S) -> Result<T, E>,
    ) -> Result<VaultAuth<T>, E> {
        Ok(match self {
            Self::Token { token } => VaultAuth::Token { token: f("token", token)? },
            Self::AppRole { role_id, secret_id, mount } => VaultAuth::AppRole {
                role_id: role_id.clone(),
                secret_id: f("secret_id", secret_id)?,
                mount: mount.clone(),
            },
            Self::Userpass { username, password, mount } => VaultAuth::Userpass {
                username: username.clone(),
                password: f("password", password)?,
                mount: mount.clone(),
            },
            Self::Kubernetes { role, mount } => VaultAuth::Kubernetes { role: role.clone(), mount: mount.clone() },
            Self::Jwt { role, jwt, mount } => {
                VaultAuth::Jwt { role: role.clone(), jwt: f("jwt", jwt)?, mount: mount.clone() }
            }
            Self::Cert { certificate, private_key, role, mount } => VaultAuth::Cert {
                certificate: certificate.clone(),
                private_key: f("private_key", private_key)?,
                role: role.clone(),
                mount: mount.clone(),
            },
        })
    }
}

/// The authentication methods, as the dialog offers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    Token,
    #[serde(rename = "approle")]
    AppRole,
    Userpass,
    Kubernetes,
    Jwt,
    Cert,
}

/// A secret field of the dialog: its form name and its label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretFieldName {
    pub name: &'static str,
    pub label: &'static str,
}

impl AuthMethod {
    /// Every method, in the order the dialog offers them.
    pub const ALL: [Self; 6] = [Self::Token, Self::AppRole, Self::Userpass, Self::Kubernetes, Self::Jwt, Self::Cert];

    /// The form value, and where Vault mounts the method unless told otherwise.
    #[must_use]
    pub fn slug(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::AppRole => "approle",
            Self::Userpass => "userpass",
            Self::Kubernetes => "kubernetes",
            Self::Jwt => "jwt",
            Self::Cert => "cert",
        }
    }

    /// As the dialog shows it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Token => "Token",
            Self::AppRole => "AppRole",
            Self::Userpass => "Username and password",
            Self::Kubernetes => "Kubernetes",
            Self::Jwt => "JWT",
            Self::Cert => "TLS certificate",
        }
    }

    /// The method of that slug.
    #[must_use]
    pub fn from_slug(slug: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.slug() == slug)
    }

    /// Whether a login turns it into a token.
    #[must_use]
    pub fn logs_in(self) -> bool {
        self != Self::Token
    }

    /// Its secret field.
    #[must_use]
    pub fn secret_field(self) -> Option<SecretFieldName> {
        let (name, label) = match self {
            Self::Token => ("token", "Token"),
            Self::AppRole => ("secret_id", "Secret ID"),
            Self::Userpass => ("password", "Password"),
            Self::Kubernetes => return None,
            Self::Jwt => ("jwt", "JWT"),
            Self::Cert => ("private_key", "Private Key"),
        };
        Some(SecretFieldName { name, label })
    }
}

/// Where an authentication method is mounted: the segments between `auth/` and `/login`. Never empty.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AuthMount(Vec<String>);

/// Why a text is not a mount path: a sentence for its field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MountError(String);

impl AuthMount {
    /// Where Vault mounts the method unless told otherwise.
    #[must_use]
    pub fn usual(method: AuthMethod) -> Self {
        Self(vec![method.slug().to_owned()])
    }

    /// Its segments.
    #[must_use]
    pub fn segments(&self) -> &[String] {
        &self.0
    }
}

impl FromStr for AuthMount {
    type Err = MountError;

    fn from_str(text: &str) -> Result<Self, MountError> {
        let error = |why: &str| Err(MountError(why.to_owned()));
        let segments: Vec<String> = text.trim().split('/').filter(|s| !s.is_empty()).map(str::to_owned).collect();
        match segments.first().map(String::as_str) {
            None => return error("The mount path is the method's path below auth/, for example approle."),
            Some("auth") => return error("Leave auth/ out: the mount path is what follows it."),
            Some(_) => {}
        }
        let is_odd = |c: char| c.is_control() || c.is_whitespace() || matches!(c, '?' | '#' | '\\' | ';');
        if segments.iter().any(|segment| segment == "." || segment == ".." || segment.contains(is_odd)) {
            return error("A mount path has no blanks, no '?', '#', ';' or '\\', and no segment '.' or '..'.");
        }
        Ok(Self(segments))
    }
}

impl fmt::Display for AuthMount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("/"))
    }
}

text_form!(AuthMount);

/// The fields of all methods, as typed. Only those of the chosen method are looked at. All are flat text,
/// so that a plain HTML form can post them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthForm {
    /// An [`AuthMethod`]'s slug; empty means a token.
    pub method: String,
    /// Every secret: empty keeps what is stored.
    pub token: FormSecret,
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
            AuthMethod::Kubernetes => return None,
            AuthMethod::Jwt => &self.jwt,
            AuthMethod::Cert => &self.private_key,
        };
        let is_missing = typed.0.trim().is_empty();
        is_missing.then(|| FieldProblem::new(field.name, format!("The {} is needed here.", named(field.label))))
    }

    pub(super) fn parse(&self, problems: &mut Problems) -> Option<VaultAuth<Entered>> {
        let Some(method) = self.method() else {
            problems.add("auth_method", "Choose one of the listed authentication methods.");
            return None;
        };
        let mount = match method {
            AuthMethod::Token => Some(AuthMount::usual(method)),
            _ if self.mount.trim().is_empty() => Some(AuthMount::usual(method)),
            _ => problems.check("mount", self.mount.parse()),
        };
        Some(match method {
            AuthMethod::Token => VaultAuth::Token { token: problems.check("token", check_token(&self.token.0))? },
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

/// A token is sent as an HTTP header, so it is visible ASCII.
fn check_token(text: &str) -> Result<Entered, String> {
    let token = text.trim();
    if token.chars().all(|c| c.is_ascii_graphic()) {
        Ok(Entered::from_field(token))
    } else {
        Err("A token has no blanks or special characters: copy it again.".to_owned())
    }
}

fn one_line(label: &str, text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err(format!("The {label} is needed here.")),
        text if text.chars().any(char::is_control) => Err(format!("The {label} is one line: copy it again.")),
        text => Ok(text.to_owned()),
    }
}

fn one_line_secret(label: &str, secret: &FormSecret) -> Result<Entered, String> {
    match secret.0.trim() {
        text if text.chars().any(|c| c.is_control() || c.is_whitespace()) => {
            Err(format!("A {label} has no blanks or line breaks: copy it again."))
        }
        text => Ok(Entered::from_field(text)),
    }
}

/// A user name is one segment of the login's path.
fn check_username(text: &str) -> Result<String, String> {
    match one_line("Username", text)? {
        name if name.contains('/') || name == "." || name == ".." => {
            Err("A user name of Vault has no '/', and is not '.' or '..'.".to_owned())
        }
        name => Ok(name),
    }
}

/// Three parts of base64url with points between them (RFC 7519).
fn check_jwt(text: &str) -> Result<Entered, String> {
    let jwt = text.trim();
    let is_part = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_=".contains(c));
    if jwt.is_empty() || EnvRef::is_meant(jwt) || (jwt.split('.').count() == 3 && jwt.split('.').all(is_part)) {
        Ok(Entered::from_field(jwt))
    } else {
        Err("A JWT is three parts with points between them, without blanks: copy it again.".to_owned())
    }
}

pub(super) fn check_certificate(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("The client certificate is needed here.".to_owned()),
        pem if pem.starts_with("-----BEGIN CERTIFICATE-----") && pem.ends_with("-----END CERTIFICATE-----") => {
            Ok(format!("{pem}\n"))
        }
        _ => Err("Paste the client certificate in PEM form: -----BEGIN CERTIFICATE----- … -----END CERTIFICATE-----."
            .to_owned()),
    }
}

pub(super) fn check_private_key(text: &str) -> Result<Entered, String> {
    match text.trim() {
        "" => Ok(Entered::Keep),
        env if EnvRef::is_meant(env) => Ok(Entered::from_field(env)),
        pem if pem.contains("ENCRYPTED") => {
            Err("The private key is encrypted with a passphrase; paste it without ('openssl pkey' removes it)."
                .to_owned())
        }
        pem if pem.starts_with("-----BEGIN ") && pem.ends_with("PRIVATE KEY-----") => Ok(Entered::from_field(pem)),
        _ => {
            Err("Paste the private key in PEM form: -----BEGIN PRIVATE KEY----- … -----END PRIVATE KEY-----."
                .to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEM: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
    const KEY: &str = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----";

    /// A form with every field filled well.
    fn filled(method: &str) -> AuthForm {
        let secret = |text: &str| FormSecret(text.to_owned());
        AuthForm {
            method: method.to_owned(),
            token: secret("s.token"),
            role_id: "role-id".to_owned(),
            secret_id: secret("secret-id"),
            username: "alice".to_owned(),
            password: secret(" a password "),
            role: "reader".to_owned(),
            jwt: secret("e30.e30.AA"),
            certificate: PEM.to_owned(),
            private_key: secret(KEY),
            mount: String::new(),
        }
    }

    fn parse(form: &AuthForm) -> Result<VaultAuth<Entered>, Vec<String>> {
        let mut problems = Problems::default();
        let auth = form.parse(&mut problems);
        let result = problems.finish(auth);
        result.map_err(|problems| problems.into_iter().map(|problem| problem.field).collect())
    }

    #[test]
    fn every_method_is_made_from_its_own_fields() {
        for method in AuthMethod::ALL {
            let auth = parse(&filled(method.slug())).unwrap();
            assert_eq!(auth.method(), method);
            assert_eq!(auth.secret().map(|(name, _)| name), method.secret_field().map(|field| field.name));
            assert_eq!(auth.mount().cloned(), method.logs_in().then(|| AuthMount::usual(method)));
            let written = serde_json::to_value(&auth).unwrap();
            assert_eq!(written["method"], method.slug());
            assert_eq!(serde_json::from_value::<VaultAuth<Entered>>(written).unwrap(), auth);
        }
        assert_eq!(parse(&filled("")).unwrap().method(), AuthMethod::Token);
    }

    /// The name of a secret field is what its sealed value is bound to.
    #[test]
    fn no_two_methods_share_a_secret_field() {
        let names: std::collections::BTreeSet<_> =
            AuthMethod::ALL.iter().filter_map(|method| method.secret_field()).map(|field| field.name).collect();
        assert_eq!(names.len(), 5);
        for method in AuthMethod::ALL {
            let mut mapped = Vec::new();
            let result = parse(&filled(method.slug())).unwrap().try_map(&mut |name, _| {
                mapped.push(name);
                Ok::<_, std::convert::Infallible>(())
            });
            assert_eq!(result.unwrap().method(), method);
            assert_eq!(mapped, method.secret_field().map(|field| field.name).into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_field_at_fault_is_named() {
        let set = |method: &str, change: fn(&mut AuthForm)| {
            let mut form = filled(method);
            change(&mut form);
            parse(&form).unwrap_err()
        };
        for (found, field) in [
            (set("ldap", |_| {}), "auth_method"),
            (set("token", |form| form.token.0 = "a b".to_owned()), "token"),
            (set("approle", |form| form.role_id.clear()), "role_id"),
            (set("approle", |form| form.secret_id.0 = "a\nb".to_owned()), "secret_id"),
            (set("approle", |form| form.mount = "auth/approle".to_owned()), "mount"),
            (set("approle", |form| form.mount = "../sys".to_owned()), "mount"),
            (set("approle", |form| form.mount = "a?b".to_owned()), "mount"),
            (set("userpass", |form| form.username = "a/b".to_owned()), "username"),
            (set("userpass", |form| form.username = "..".to_owned()), "username"),
            (set("kubernetes", |form| form.role.clear()), "role"),
            (set("jwt", |form| form.role.clear()), "role"),
            (set("jwt", |form| form.jwt.0 = "a.b".to_owned()), "jwt"),
            (set("cert", |form| form.certificate = KEY.to_owned()), "certificate"),
            (set("cert", |form| form.private_key.0 = PEM.to_owned()), "private_key"),
            (set("cert", |form| form.private_key.0 = KEY.replace("PRIVATE", "ENCRYPTED PRIVATE")), "private_key"),
        ] {
            assert_eq!(found, [field]);
        }
    }

    #[test]
    fn a_secret_is_needed_unless_it_is_stored() {
        for method in AuthMethod::ALL {
            let empty = AuthForm { method: method.slug().to_owned(), ..AuthForm::default() };
            let field = method.secret_field().map(|field| field.name);
            assert_eq!(empty.missing_secret(None).map(|problem| problem.field).as_deref(), field);
            assert_eq!(empty.missing_secret(Some(method)), None);
            assert_eq!(filled(method.slug()).missing_secret(None), None);
        }
        let approle = AuthForm { method: "approle".to_owned(), ..AuthForm::default() };
        let problem = approle.missing_secret(Some(AuthMethod::Token)).unwrap();
        assert_eq!(problem.problem, "The Secret ID is needed here.");
    }

    #[test]
    fn a_form_is_made_from_what_is_stored_without_its_secret() {
        for method in AuthMethod::ALL {
            let auth = parse(&filled(method.slug())).unwrap();
            let form = AuthForm::of(&auth);
            assert!(form.missing_secret(None).is_some() || method == AuthMethod::Kubernetes);
            let again = parse(&form).unwrap();
            assert_eq!((again.method(), again.mount()), (method, auth.mount()));
        }
    }
}
