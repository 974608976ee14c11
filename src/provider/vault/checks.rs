//! What the fields of the dialog may hold.

use super::FormSecret;
use crate::env_ref::EnvRef;
use crate::sensitive::Entered;

/// A token is sent as an HTTP header, so it is visible ASCII.
pub(super) fn check_token(text: &str) -> Result<Entered, String> {
    let token = text.trim();
    if token.chars().all(|c| c.is_ascii_graphic()) {
        Ok(Entered::from_field(token))
    } else {
        Err("A token has no blanks or special characters: copy it again.".to_owned())
    }
}

pub(super) fn one_line(label: &str, text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err(format!("The {label} is needed here.")),
        text if text.chars().any(char::is_control) => Err(format!("The {label} is one line: copy it again.")),
        text => Ok(text.to_owned()),
    }
}

pub(super) fn one_line_secret(label: &str, secret: &FormSecret) -> Result<Entered, String> {
    match secret.0.trim() {
        text if text.chars().any(|c| c.is_control() || c.is_whitespace()) => {
            Err(format!("A {label} has no blanks or line breaks: copy it again."))
        }
        text => Ok(Entered::from_field(text)),
    }
}

/// A user name is one segment of the login's path.
pub(super) fn check_username(text: &str) -> Result<String, String> {
    match one_line("Username", text)? {
        name if name.contains('/') || name == "." || name == ".." => {
            Err("A user name of Vault has no '/', and is not '.' or '..'.".to_owned())
        }
        name => Ok(name),
    }
}

/// Three parts of base64url with points between them (RFC 7519).
pub(super) fn check_jwt(text: &str) -> Result<Entered, String> {
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

pub(super) fn check_namespace(text: &str) -> Result<Option<String>, String> {
    let namespace = text.trim().trim_matches('/');
    match namespace {
        "" => Ok(None),
        _ if namespace.chars().all(|c| c.is_ascii_graphic()) => Ok(Some(namespace.to_owned())),
        _ => Err("A namespace has no blanks or special characters.".to_owned()),
    }
}

pub(super) fn check_pem(text: &str) -> Result<Option<String>, String> {
    let pem = text.trim();
    match pem {
        "" => Ok(None),
        _ if pem.starts_with("-----BEGIN CERTIFICATE-----") && pem.ends_with("-----END CERTIFICATE-----") => {
            Ok(Some(format!("{pem}\n")))
        }
        _ => {
            Err("Paste one or more certificates in PEM form: -----BEGIN CERTIFICATE----- … -----END CERTIFICATE-----."
                .to_owned())
        }
    }
}
