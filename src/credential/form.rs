//! The credential dialog as typed: one form, whose fields depend on the type of credential.

use super::{Credential, CredentialKind, CredentialType, JwtAlgorithm};
use crate::name::{ConsumerName, NameError, ObjectId};
use crate::problem::{FieldProblem, Problems};
use crate::provider::vault::FormSecret;
use crate::rule::Rule;
use crate::secret_ref::{self, Reading};
use crate::sensitive::{Entered, SecretField};
use serde::{Deserialize, Serialize};

/// A field of the dialog: its name in forms, its label, and an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldName {
    pub name: &'static str,
    pub label: &'static str,
    /// A name, or where the tutorial's secret lies.
    pub example: &'static str,
}

/// The key of Key Authentication.
pub const KEY: FieldName =
    FieldName { name: "key", label: "Key", example: "$secret://vault/my-vault/consumer/alice/key" };
pub(super) const PASSWORD: FieldName =
    FieldName { name: "password", label: "Password", example: "$secret://vault/my-vault/consumer/alice/password" };
const SECRET: FieldName =
    FieldName { name: "secret", label: "Secret", example: "$secret://vault/my-vault/consumer/alice/secret" };
const PUBLIC_KEY: FieldName = FieldName {
    name: "public_key",
    label: "Public Key",
    example: "$secret://vault/my-vault/consumer/alice/public-key",
};
pub(super) const SECRET_KEY: FieldName = FieldName {
    name: "secret_key",
    label: "Secret Key",
    example: "$secret://vault/my-vault/consumer/alice/secret-key",
};
/// The claim that names the credential. A dialog has either this or the secret of the same name.
const JWT_KEY: FieldName = FieldName { name: "key", label: "Key", example: "alice-key" };
const KEY_ID: FieldName = FieldName { name: "key_id", label: "Key ID", example: "alice-keyid" };
const USERNAME: FieldName = FieldName { name: "username", label: "Username", example: "Alice" };

pub(super) fn jwt_secret(algorithm: JwtAlgorithm) -> FieldName {
    if algorithm.is_shared() { SECRET } else { PUBLIC_KEY }
}

/// A sensitive field as typed: which radio is chosen, and the text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretFieldForm {
    pub source: Source,
    /// The secret when typed in (empty keeps a stored one), or the reference's text.
    pub text: FormSecret,
}

/// Where a sensitive field's value comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    #[default]
    ManuallyInput,
    Reference,
}

impl Source {
    /// Both, in the order the radios stand.
    pub const ALL: [Self; 2] = [Self::ManuallyInput, Self::Reference];

    /// As the radio shows it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::ManuallyInput => "Manually Input",
            Self::Reference => "Reference from Secret Provider",
        }
    }

    /// The form value.
    #[must_use]
    pub fn slug(self) -> &'static str {
        match self {
            Self::ManuallyInput => "manually_input",
            Self::Reference => "reference",
        }
    }
}

/// The choice that a JWT credential has besides.
pub const ALGORITHM: FieldName = FieldName { name: "algorithm", label: "Algorithm", example: "HS256" };
const GRACE: FieldName = FieldName { name: "lifetime_grace_period", label: "Lifetime Grace Period (s)", example: "0" };

/// A day: more is no difference between clocks.
const MAX_GRACE: u64 = 86_400;

/// The longest secret typed in, in bytes.
pub const MAX_LITERAL: usize = 8 * 1024;

impl SecretFieldForm {
    /// Parses the field. A text that looks like a reference is never taken as a secret by accident:
    /// the sentence says how to choose.
    ///
    /// # Errors
    /// A sentence for the field.
    pub fn parse(&self, field: FieldName) -> Result<SecretField<Entered>, String> {
        match (self.source, secret_ref::read(self.text.0.trim())) {
            (Source::Reference, Reading::Reference(reference)) => Ok(SecretField::Reference(reference.into())),
            (Source::Reference, Reading::Env(reference)) => Ok(SecretField::Reference(reference.into())),
            (Source::Reference, Reading::Malformed(error)) => Err(error.to_string()),
            (Source::Reference, Reading::NearMiss(why)) => Err(why.to_owned()),
            (Source::Reference, Reading::Literal) => {
                Err(format!("Enter a reference such as {}, or choose Manually Input.", field.example))
            }
            (Source::ManuallyInput, Reading::Literal) => self.literal(field),
            (Source::ManuallyInput, _) => {
                Err("This looks like a reference: choose Reference from Secret Provider.".to_owned())
            }
        }
    }

    fn literal(&self, field: FieldName) -> Result<SecretField<Entered>, String> {
        let text = &self.text.0;
        let label = field.label;
        fits(field, text).map_err(|rule| rule.expected())?;
        // Of what is typed in. A secret manager's value is as it was stored.
        if text.trim() != text && field != PUBLIC_KEY {
            return Err(format!("{label}: remove the blank at the start or end."));
        }
        Ok(SecretField::Literal(Entered::from_field(text)))
    }
}

/// Whether a text may stand in the field, typed in or given by a reference. (An empty field keeps what is stored, and
/// no reference gives an empty text.)
pub(super) fn fits(field: FieldName, text: &str) -> Result<(), Rule> {
    if text.len() > MAX_LITERAL {
        return Err(Rule::AtMostBytes { bytes: MAX_LITERAL });
    }
    // A public key in PEM has several lines, and is read without what is around it.
    let may_end_a_line = |c: char| field == PUBLIC_KEY && matches!(c, '\n' | '\r');
    if text.chars().any(|c| c.is_control() && !may_end_a_line(c)) { Err(Rule::OneLine) } else { Ok(()) }
}

/// The dialog of a credential of any type. Fields that its type does not have are empty, or left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CredentialForm {
    pub kind: CredentialType,
    pub name: String,
    /// The Username, Key or Key ID.
    pub identifier: String,
    /// By name.
    pub algorithm: String,
    pub secret: SecretFieldForm,
    pub base64_secret: bool,
    /// Seconds.
    pub lifetime_grace_period: String,
}

impl CredentialForm {
    /// An empty form for a credential of that type.
    #[must_use]
    pub fn new(kind: CredentialType) -> Self {
        let algorithm = JwtAlgorithm::default().to_string();
        Self { kind, algorithm, lifetime_grace_period: "0".to_owned(), ..Self::default() }
    }

    /// The label of a field of any type.
    #[must_use]
    pub fn label_of(field: &str) -> Option<&'static str> {
        let fields = [KEY, USERNAME, PASSWORD, KEY_ID, SECRET, PUBLIC_KEY, SECRET_KEY, ALGORITHM, GRACE];
        fields.into_iter().find(|known| known.name == field).map(|known| known.label)
    }

    /// The field for the name that requests give, where the type has one.
    #[must_use]
    pub fn identifier_field(kind: CredentialType) -> Option<FieldName> {
        match kind {
            CredentialType::KeyAuth => None,
            CredentialType::BasicAuth => Some(USERNAME),
            CredentialType::JwtAuth => Some(JWT_KEY),
            CredentialType::HmacAuth => Some(KEY_ID),
        }
    }

    /// Whether the secret is typed on several lines, and may be seen.
    #[must_use]
    pub fn is_public(field: FieldName) -> bool {
        field == PUBLIC_KEY
    }

    /// The sensitive field.
    #[must_use]
    pub fn secret_field(&self) -> FieldName {
        match self.kind {
            CredentialType::KeyAuth => KEY,
            CredentialType::BasicAuth => PASSWORD,
            CredentialType::JwtAuth => jwt_secret(JwtAlgorithm::from_name(&self.algorithm).unwrap_or_default()),
            CredentialType::HmacAuth => SECRET_KEY,
        }
    }

    /// Checks every field. `id` and `consumer` come from the page, not from the form.
    ///
    /// # Errors
    /// One problem for each field at fault.
    pub fn parse(&self, id: ObjectId, consumer: ConsumerName) -> Result<Credential<Entered>, Vec<FieldProblem>> {
        let mut problems = Problems::default();
        let name = problems.check("name", self.name.trim().parse());
        let kind = self.parse_kind(&mut problems);
        let credential = (|| Some(Credential { id, consumer, name: name?, kind: kind? }))();
        problems.finish(credential)
    }

    fn parse_kind(&self, problems: &mut Problems) -> Option<CredentialKind<Entered>> {
        let field = self.secret_field();
        match self.kind {
            CredentialType::KeyAuth => {
                let key = problems.check(field.name, self.secret.parse(field))?;
                Some(CredentialKind::KeyAuth { key })
            }
            CredentialType::BasicAuth => {
                let username = self.parse_identifier(USERNAME, problems);
                let password = problems.check(field.name, self.secret.parse(field));
                Some(CredentialKind::BasicAuth { username: username?, password: password? })
            }
            CredentialType::JwtAuth => {
                let key = self.parse_identifier(JWT_KEY, problems);
                let algorithm = JwtAlgorithm::from_name(&self.algorithm).ok_or("Choose one of the algorithms.");
                let algorithm = problems.check(ALGORITHM.name, algorithm);
                let secret = problems.check(field.name, self.secret.parse(field));
                let grace = problems.check(GRACE.name, self.parse_grace());
                Some(CredentialKind::JwtAuth {
                    key: key?,
                    algorithm: algorithm?,
                    secret: secret?,
                    base64_secret: self.base64_secret && algorithm?.is_shared(),
                    lifetime_grace_period: grace?,
                })
            }
            CredentialType::HmacAuth => {
                let key_id = self.parse_identifier(KEY_ID, problems);
                let secret_key = problems.check(field.name, self.secret.parse(field));
                Some(CredentialKind::HmacAuth { key_id: key_id?, secret_key: secret_key? })
            }
        }
    }

    fn parse_identifier<T: std::str::FromStr<Err = NameError>>(
        &self,
        field: FieldName,
        problems: &mut Problems,
    ) -> Option<T> {
        problems.check(field.name, self.identifier.trim().parse())
    }

    /// Nothing is 0.
    fn parse_grace(&self) -> Result<u64, String> {
        match self.lifetime_grace_period.trim() {
            "" => Ok(0),
            text => text
                .parse()
                .ok()
                .filter(|seconds| *seconds <= MAX_GRACE)
                .ok_or_else(|| format!("This is a whole number of seconds, from 0 to {MAX_GRACE}.")),
        }
    }

    /// The form that edits `credential`. A stored literal shows as an empty field, which keeps it.
    #[must_use]
    pub fn of<S>(credential: &Credential<S>) -> Self {
        let kind = &credential.kind;
        let mut form = Self::new(kind.credential_type());
        if let CredentialKind::JwtAuth { algorithm, base64_secret, lifetime_grace_period, .. } = kind {
            form.algorithm = algorithm.to_string();
            form.base64_secret = *base64_secret;
            form.lifetime_grace_period = lifetime_grace_period.to_string();
        }
        Self {
            name: credential.name.to_string(),
            identifier: kind.identifier().unwrap_or_default().to_owned(),
            secret: match kind.secret() {
                SecretField::Literal(_) => SecretFieldForm::default(),
                SecretField::Reference(reference) => {
                    SecretFieldForm { source: Source::Reference, text: FormSecret(reference.to_string()) }
                }
            },
            ..form
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: Source, text: &str, expected: Result<bool, &str>) {
        let got = SecretFieldForm { source, text: FormSecret(text.to_owned()) }.parse(KEY);
        match (&got, expected) {
            (Ok(field), Ok(is_reference)) => assert_eq!(field.reference().is_some(), is_reference, "{text:?}"),
            (Err(why), Err(part)) => assert!(why.contains(part), "{text:?}: {why}"),
            _ => panic!("{text:?}: {got:?}, wanted {expected:?}"),
        }
    }

    #[test]
    fn a_reference_is_never_stored_as_a_key_and_a_key_never_as_a_reference() {
        let reference = "$secret://vault/my-vault/consumer/alice/key";
        for (source, text, expected) in [
            (Source::ManuallyInput, "alice-primary-key", Ok(false)),
            (Source::ManuallyInput, "", Ok(false)),
            (Source::ManuallyInput, reference, Err("choose Reference from Secret Provider")),
            (Source::ManuallyInput, "$Secret://vault/x", Err("choose Reference from Secret Provider")),
            (Source::ManuallyInput, " key", Err("blank")),
            (Source::ManuallyInput, "a\u{7}b", Err("control")),
            (Source::Reference, reference, Ok(true)),
            (Source::Reference, "alice-primary-key", Err("Enter a reference")),
            (Source::Reference, "", Err("Enter a reference")),
            (Source::Reference, "$secret://vault/my-vault/../x/key", Err("cannot climb")),
            (Source::Reference, "$ENV://POSTERN_SECRET_KEY/alice", Ok(true)),
            (Source::Reference, "$env://", Err("name of the environment variable")),
            (Source::Reference, "$env:/A", Err("$env://<NAME>")),
            (Source::ManuallyInput, "$env://A", Err("choose Reference from Secret Provider")),
            (Source::Reference, "Bearer $secret://vault/v/a/k", Err("whole value")),
        ] {
            check(source, text, expected);
        }
        check(Source::ManuallyInput, &"x".repeat(MAX_LITERAL + 1), Err("at most"));
    }

    /// The fields at fault in a form with this name that requests give.
    fn fields(kind: CredentialType, identifier: &str) -> Vec<String> {
        let identifier = identifier.to_owned();
        let secret = SecretFieldForm { source: Source::ManuallyInput, text: FormSecret("s".to_owned()) };
        let form = CredentialForm { name: "n".to_owned(), identifier, secret, ..CredentialForm::new(kind) };
        let parsed = form.parse("new".parse().unwrap(), "Alice".parse().unwrap());
        if let Ok(credential) = &parsed {
            assert_eq!(CredentialForm::of(credential).identifier, form.identifier);
            assert_eq!(credential.kind.credential_type(), kind);
        }
        parsed.err().unwrap_or_default().into_iter().map(|p| p.field).collect()
    }

    #[test]
    fn a_name_that_no_request_could_give_is_refused() {
        for (kind, identifier, wrong) in [
            (CredentialType::KeyAuth, "", None),
            (CredentialType::BasicAuth, "Alice", None),
            (CredentialType::BasicAuth, "älice@example.com", None),
            (CredentialType::BasicAuth, "", Some("username")),
            (CredentialType::BasicAuth, "a:b", Some("username")),
            (CredentialType::BasicAuth, "a b", Some("username")),
            (CredentialType::BasicAuth, "a\u{7}", Some("username")),
            (CredentialType::JwtAuth, "alice key", None),
            (CredentialType::JwtAuth, "", Some("key")),
            (CredentialType::JwtAuth, "a\nb", Some("key")),
            (CredentialType::HmacAuth, "alice-keyid", None),
            (CredentialType::HmacAuth, "", Some("key_id")),
            (CredentialType::HmacAuth, "a,b", Some("key_id")),
            (CredentialType::HmacAuth, "a\"b", Some("key_id")),
            (CredentialType::HmacAuth, "a b", Some("key_id")),
        ] {
            assert_eq!(fields(kind, identifier), Vec::from_iter(wrong), "{kind:?} {identifier:?}");
        }
    }

    #[test]
    fn the_algorithm_decides_which_secret_a_jwt_has() {
        let pem = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n";
        for (algorithm, text, grace, expected) in [
            ("HS256", "alice-secret", "", Ok("secret")),
            ("HS512", "alice-secret", "86400", Ok("secret")),
            ("RS256", pem, "0", Ok("public_key")),
            ("EdDSA", pem, "1", Ok("public_key")),
            ("HS256", pem, "", Err("secret")),
            ("none", "x", "", Err("algorithm")),
            ("hs256", "x", "", Err("algorithm")),
            ("HS256", "x", "-1", Err("lifetime_grace_period")),
            ("HS256", "x", "86401", Err("lifetime_grace_period")),
        ] {
            let form = CredentialForm {
                name: "n".to_owned(),
                identifier: "alice-key".to_owned(),
                algorithm: algorithm.to_owned(),
                secret: SecretFieldForm { source: Source::ManuallyInput, text: FormSecret(text.to_owned()) },
                lifetime_grace_period: grace.to_owned(),
                ..CredentialForm::new(CredentialType::JwtAuth)
            };
            let parsed = form.parse("new".parse().unwrap(), "Alice".parse().unwrap());
            let got = parsed.as_ref().map(|credential| credential.kind.secret_field().name);
            let got = got.map_err(|problems| problems[0].field.as_str());
            assert_eq!(got, expected, "{algorithm} {grace}");
        }
    }

    #[test]
    fn every_type_is_found_by_its_slug() {
        for kind in CredentialType::ALL {
            assert_eq!(CredentialType::from_slug(kind.slug()), Some(kind));
        }
        assert_eq!(CredentialType::from_slug("oauth"), None);
    }
}
