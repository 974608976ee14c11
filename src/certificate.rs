//! Certificates: by which the gateway proves to clients that it is the host they asked for, and to upstream servers
//! who it is.

use crate::name::{DisplayName, ObjectId};
use crate::pem;
use crate::problem::{FieldProblem, Problems};
use crate::provider::vault::FormSecret;
use crate::resolve::Failure;
use crate::routing::{HostPattern, parse_list};
use crate::rule::Rule;
use crate::secret_ref::{self, Reading, SecretRef};
use crate::sensitive::{Entered, Plain, SecretField};
use serde::{Deserialize, Serialize};

/// One certificate with its private key, for some hosts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate<S> {
    pub id: ObjectId,
    pub name: DisplayName,
    /// The hosts (SNI) that it is shown to clients for. None for one that only upstream servers are shown.
    pub hosts: Vec<HostPattern>,
    /// The certificate, then those of its authorities, in PEM.
    pub certificate: SecretField<S>,
    /// In PEM.
    pub private_key: SecretField<S>,
}

/// A field of a certificate that may hold a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CertificateField {
    Certificate,
    PrivateKey,
}

impl CertificateField {
    /// As forms and stored objects name it.
    #[must_use]
    pub fn slug(self) -> &'static str {
        match self {
            Self::Certificate => "certificate",
            Self::PrivateKey => "private_key",
        }
    }

    /// As the dialog shows it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Certificate => "Certificate",
            Self::PrivateKey => "Private Key",
        }
    }

    /// One PEM text, ending in a line break; `None` for an empty text.
    fn read(self, text: &str) -> Result<Option<String>, String> {
        match self {
            Self::Certificate => pem::certificates(text),
            Self::PrivateKey => pem::private_key(text),
        }
    }

    /// Whether the value of a reference may stand in it. What is inside is read where it is used.
    ///
    /// # Errors
    /// [`Failure::Unfit`]: it breaks the rule that a text typed in must not break either.
    pub fn check(self, value: &Plain) -> Result<(), Failure> {
        #[expect(clippy::disallowed_methods, reason = "looked at by the rules of its field; nothing of it is kept")]
        let read = self.read(value.expose());
        match read {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err(self.unfit(Rule::AtLeast { characters: 1 })),
            Err(says) => Err(self.unfit(Rule::Pem { says })),
        }
    }

    /// That its value breaks a rule.
    #[must_use]
    pub fn unfit(self, rule: Rule) -> Failure {
        Failure::Unfit { field: self.label().to_owned(), rule }
    }
}

impl<S> Certificate<S> {
    /// Converts the holder of both texts.
    ///
    /// # Errors
    /// Whatever `f` answers.
    pub fn try_map<T, E>(&self, f: impl Fn(&'static str, &S) -> Result<T, E>) -> Result<Certificate<T>, E> {
        Ok(Certificate {
            id: self.id.clone(),
            name: self.name.clone(),
            hosts: self.hosts.clone(),
            certificate: self.certificate.try_map(&f, CertificateField::Certificate.slug())?,
            private_key: self.private_key.try_map(&f, CertificateField::PrivateKey.slug())?,
        })
    }

    /// The references to secret managers in it.
    pub fn references(&self) -> impl Iterator<Item = &SecretRef> {
        self.fields().into_iter().filter_map(|(_, field)| field.reference()?.secret())
    }

    /// One of both.
    #[must_use]
    pub fn field(&self, field: CertificateField) -> &SecretField<S> {
        match field {
            CertificateField::Certificate => &self.certificate,
            CertificateField::PrivateKey => &self.private_key,
        }
    }

    /// Both fields.
    pub fn fields(&self) -> [(CertificateField, &SecretField<S>); 2] {
        [(CertificateField::Certificate, &self.certificate), (CertificateField::PrivateKey, &self.private_key)]
    }
}

/// The certificate dialog as typed. Certificate and key are PEM or a reference; empty keeps a stored one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateForm {
    pub name: String,
    /// Separated by blanks, commas or lines.
    pub hosts: String,
    pub certificate: FormSecret,
    pub private_key: FormSecret,
}

impl CertificateForm {
    /// Checks every field. The id comes from the page, not from the form.
    ///
    /// # Errors
    /// One problem for each field at fault.
    pub fn parse(&self, id: ObjectId) -> Result<Certificate<Entered>, Vec<FieldProblem>> {
        let mut problems = Problems::default();
        let name = problems.check("name", self.name.trim().parse());
        let hosts = problems.check("hosts", parse_list::<HostPattern>(&self.hosts));
        let certificate = problems.check("certificate", parse_field(&self.certificate, CertificateField::Certificate));
        let private_key = problems.check("private_key", parse_field(&self.private_key, CertificateField::PrivateKey));
        let certificate = (|| {
            Some(Certificate { id, name: name?, hosts: hosts?, certificate: certificate?, private_key: private_key? })
        })();
        problems.finish(certificate)
    }

    /// The form that edits `certificate`. A stored text shows as an empty field, which keeps it.
    #[must_use]
    pub fn of<S>(certificate: &Certificate<S>) -> Self {
        let text = |field: &SecretField<S>| FormSecret(field.reference().map(ToString::to_string).unwrap_or_default());
        let hosts: Vec<String> = certificate.hosts.iter().map(ToString::to_string).collect();
        Self {
            name: certificate.name.to_string(),
            hosts: hosts.join(" "),
            certificate: text(&certificate.certificate),
            private_key: text(&certificate.private_key),
        }
    }
}

/// A reference and PEM cannot be mistaken for each other, so the text itself says which it is.
fn parse_field(typed: &FormSecret, field: CertificateField) -> Result<SecretField<Entered>, String> {
    match secret_ref::read(typed.0.trim()) {
        Reading::Reference(reference) => Ok(SecretField::Reference(reference.into())),
        Reading::Env(reference) => Ok(SecretField::Reference(reference.into())),
        Reading::Malformed(error) => Err(error.to_string()),
        Reading::NearMiss(why) => Err(why.to_owned()),
        Reading::Literal => {
            let pem = field.read(&typed.0)?.unwrap_or_default();
            Ok(SecretField::Literal(Entered::from_field(&pem)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
    const KEY: &str = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----";
    const REFERENCE: &str = "$secret://vault/my-vault/tls/example/key";

    fn check(certificate: &str, private_key: &str, expected: Result<[bool; 2], &[&str]>) {
        let form = CertificateForm {
            name: "example".to_owned(),
            hosts: "example.com, *.example.com".to_owned(),
            certificate: FormSecret(certificate.to_owned()),
            private_key: FormSecret(private_key.to_owned()),
        };
        match (form.parse("new".parse().unwrap()), expected) {
            (Ok(parsed), Ok(references)) => {
                assert_eq!(parsed.fields().map(|(_, field)| field.reference().is_some()), references);
                assert_eq!(parsed.hosts.len(), 2);
            }
            (Err(problems), Err(fields)) => {
                assert_eq!(problems.iter().map(|p| p.field.as_str()).collect::<Vec<_>>(), fields);
            }
            (got, _) => panic!("{certificate:?} {private_key:?}: {got:?}"),
        }
    }

    #[test]
    fn certificate_and_key_are_pem_or_references_and_nothing_else() {
        check(CERTIFICATE, KEY, Ok([false, false]));
        check(CERTIFICATE, REFERENCE, Ok([false, true]));
        check(REFERENCE, REFERENCE, Ok([true, true]));
        check("", "", Ok([false, false]));
        check(KEY, CERTIFICATE, Err(&["certificate", "private_key"]));
        check("nonsense", "$secret://vault/my-vault/../key", Err(&["certificate", "private_key"]));
        check(CERTIFICATE, "-----BEGIN ENCRYPTED PRIVATE KEY-----\nA\n-----END ENCRYPTED PRIVATE KEY-----", {
            Err(&["private_key"])
        });
    }
}
