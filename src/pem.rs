//! Certificates and private keys as operators paste them: in PEM (RFC 7468). Only their outline is checked
//! here; what is inside is read where it is used.

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
