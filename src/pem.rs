//! Certificates and private keys as operators paste them: in PEM (RFC 7468). Only their outline is checked
//! here; what is inside is read where it is used.

/// Whether a text is PEM, and so may have more than one line.
#[must_use]
pub fn is_pem(text: &str) -> bool {
    let pem = text.trim();
    pem.starts_with("-----BEGIN ")
        && pem.ends_with("-----")
        && pem.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\r'))
}

/// One or more certificates, ending in a line break. `None` for an empty text.
///
/// # Errors
/// A sentence for the field.
pub fn certificates(text: &str) -> Result<Option<String>, String> {
    let pem = text.trim();
    if pem.is_empty() {
        return Ok(None);
    }
    if pem.starts_with("-----BEGIN CERTIFICATE-----") && pem.ends_with("-----END CERTIFICATE-----") {
        return Ok(Some(format!("{pem}\n")));
    }
    Err("Paste one or more certificates in PEM form: -----BEGIN CERTIFICATE----- … -----END CERTIFICATE-----."
        .to_owned())
}

/// One private key without a passphrase, ending in a line break. `None` for an empty text.
///
/// # Errors
/// A sentence for the field.
pub fn private_key(text: &str) -> Result<Option<String>, String> {
    let pem = text.trim();
    if pem.is_empty() {
        return Ok(None);
    }
    let is_of = |kind: &str| {
        pem.starts_with(&format!("-----BEGIN {kind}-----")) && pem.ends_with(&format!("-----END {kind}-----"))
    };
    if ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"].into_iter().any(is_of) {
        return Ok(Some(format!("{pem}\n")));
    }
    Err("Paste one private key in PEM form, without a passphrase: -----BEGIN PRIVATE KEY----- … -----END PRIVATE KEY-----."
        .to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_told_from_other_texts() {
        let pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
        for (text, expected) in [
            ("", Ok(None)),
            ("  \n", Ok(None)),
            (&format!(" {pem}\n"), Ok(Some(format!("{pem}\n")))),
            ("nonsense", Err(())),
            ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", Err(())),
        ] {
            assert_eq!(certificates(text).map_err(drop), expected, "{text}");
        }
    }
}
