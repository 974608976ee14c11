//! Credentials that requests name: Username and Password, and the like.

use super::*;
use postern::snapshot::Proof;

/// A form of that type with this name that requests give, and this secret typed in.
fn form(kind: CredentialType, name: &str, identifier: &str, secret: &str) -> CredentialForm {
    CredentialForm {
        name: name.to_owned(),
        identifier: identifier.to_owned(),
        secret: SecretFieldForm { source: Source::ManuallyInput, text: FormSecret(secret.to_owned()) },
        ..CredentialForm::new(kind)
    }
}

fn entered(consumer: &str, form: &CredentialForm) -> Credential<Entered> {
    form.parse(id("new"), consumer.parse().unwrap()).unwrap()
}

impl World {
    async fn with_consumers(names: &[&str]) -> Self {
        let w = Self::new().await;
        for name in names {
            w.control.add_consumer(&op(), &group(), consumer(name)).await.unwrap();
        }
        w
    }

    /// Whose the credential is that requests name so, and what they have to show.
    fn named(&self, kind: CredentialType, name: &str) -> Option<(String, Proof)> {
        let snapshot = self.control.snapshots().borrow().clone();
        let found = snapshot.keys.get(&self.fingerprints.of_name(kind.slug(), name.as_bytes()))?;
        Some((found.consumer.name.to_string(), Proof::clone(found.proof.as_deref()?)))
    }
}

const BASIC: CredentialType = CredentialType::BasicAuth;

#[tokio::test]
async fn a_password_is_found_by_its_username_and_lies_sealed() {
    let w = World::with_consumers(&["Alice"]).await;
    let typed = entered("Alice", &form(BASIC, "primary-basic", "alice", "canary-password"));
    let view = w.control.add_credential(&op(), &group(), typed).await.unwrap();
    let password = Proof::Password(w.fingerprints.of(b"canary-password"));
    assert_eq!(w.named(BASIC, "alice"), Some(("Alice".to_owned(), password.clone())));
    assert_eq!(w.owner("canary-password"), None, "a password is no key");
    assert!(!serde_json::to_string(&view).unwrap().contains("canary"));
    assert!(!contains(w.folder.path(), b"canary"));

    // Renamed, its password kept; the name it had is free again.
    let mut renamed = CredentialForm::of(&view.stored.object);
    renamed.identifier = "alice2".to_owned();
    let renamed = renamed.parse(view.stored.object.id.clone(), "Alice".parse().unwrap()).unwrap();
    w.control.save_credential(&op(), &group(), 1, renamed).await.unwrap();
    let w = w.restart().await;
    assert_eq!(w.named(BASIC, "alice"), None);
    assert_eq!(w.named(BASIC, "alice2"), Some(("Alice".to_owned(), password)));
}

#[tokio::test]
async fn a_name_that_another_credential_has_is_refused() {
    let w = World::with_consumers(&["Alice", "Bob"]).await;
    let add = |consumer: &str, kind, name: &str, identifier: &str| {
        let typed = entered(consumer, &form(kind, name, identifier, "s"));
        let w = &w;
        async move { w.control.add_credential(&op(), &group(), typed).await }
    };
    add("Alice", BASIC, "one", "alice").await.unwrap();
    for (consumer, name, identifier) in [("Bob", "one", "alice"), ("Alice", "two", "alice")] {
        let error = add(consumer, BASIC, name, identifier).await.unwrap_err();
        assert!(format!("{error:?}").contains("The credential 'one' of consumer Alice has this Username already."));
        assert_eq!(fields(error), ["username"]);
    }
    // Names are told apart by case, and equal passwords are nobody's business.
    add("Bob", BASIC, "two", "Alice").await.unwrap();
    assert_eq!(w.named(BASIC, "alice").unwrap().0, "Alice");
    assert_eq!(w.named(BASIC, "Alice").unwrap().0, "Bob");
    // The credential's own name is unique within its type only.
    let key = entered("Alice", &form(CredentialType::KeyAuth, "one", "", "k"));
    w.control.add_credential(&op(), &group(), key).await.unwrap();
    assert_eq!(w.owner("k").as_deref(), Some("Alice"));
}

#[tokio::test]
async fn a_credential_stays_of_its_type_and_needs_its_secret() {
    let w = World::with_consumers(&["Alice"]).await;
    let empty = entered("Alice", &form(BASIC, "b", "alice", ""));
    assert_eq!(fields(w.control.add_credential(&op(), &group(), empty).await.unwrap_err()), ["password"]);
    let typed = entered("Alice", &form(BASIC, "b", "alice", "p"));
    let view = w.control.add_credential(&op(), &group(), typed).await.unwrap();
    let other_type = form(CredentialType::KeyAuth, "b", "", "k");
    let other_type = other_type.parse(view.stored.object.id, "Alice".parse().unwrap()).unwrap();
    let error = w.control.save_credential(&op(), &group(), 1, other_type).await.unwrap_err();
    assert!(matches!(error, ControlError::NotFound { .. }), "{error:?}");
}

#[tokio::test]
async fn a_reference_without_a_value_arms_no_name() {
    let w = World::with_consumers(&["Alice"]).await;
    let reference = |text: &str| {
        let secret = SecretFieldForm { source: Source::Reference, text: FormSecret(text.to_owned()) };
        entered("Alice", &CredentialForm { secret, ..form(BASIC, "b", "alice", "") })
    };
    let unknown = w.control.add_credential(&op(), &group(), reference("$secret://vault/none/a/password")).await;
    assert_eq!(fields(unknown.unwrap_err()), ["password"]);
    w.control.add_provider(&op(), &group(), provider("t")).await.unwrap();
    let known = reference("$secret://vault/my-vault/consumer/alice/password");
    w.control.add_credential(&op(), &group(), known).await.unwrap();
    assert_eq!(w.named(BASIC, "alice"), None);
}

#[tokio::test]
async fn a_jwt_credential_with_a_key_of_another_algorithm_is_refused_where_it_is_typed() {
    let w = World::with_consumers(&["Alice"]).await;
    let jwt = |algorithm: &str, secret: &str| CredentialForm {
        algorithm: algorithm.to_owned(),
        ..form(CredentialType::JwtAuth, "primary-jwt", "alice-key", secret)
    };
    let add = |form: CredentialForm| {
        let typed = entered("Alice", &form);
        let w = &w;
        async move { w.control.add_credential(&op(), &group(), typed).await }
    };
    assert_eq!(fields(add(jwt("RS256", "canary")).await.unwrap_err()), ["public_key"]);
    let base64 = CredentialForm { base64_secret: true, ..jwt("HS256", "no base64!") };
    assert_eq!(fields(add(base64).await.unwrap_err()), ["secret"]);
    let view = add(jwt("HS256", "canary-secret")).await.unwrap();
    assert_eq!(view.same_as, None);
    let (owner, Proof::Jwt { algorithm, .. }) = w.named(CredentialType::JwtAuth, "alice-key").unwrap() else {
        panic!("not a JWT")
    };
    assert_eq!((owner.as_str(), algorithm.as_str()), ("Alice", "HS256"));
    assert!(!contains(w.folder.path(), b"canary-secret"));

    // The stored secret is kept for another algorithm of its kind, and for none of the other.
    let save = |revision: u64, algorithm: &str| {
        let form = CredentialForm { algorithm: algorithm.to_owned(), ..CredentialForm::of(&view.stored.object) };
        let typed = form.parse(view.stored.object.id.clone(), "Alice".parse().unwrap()).unwrap();
        let w = &w;
        async move { w.control.save_credential(&op(), &group(), revision, typed).await }
    };
    save(1, "HS512").await.unwrap();
    assert_eq!(fields(save(2, "ES256").await.unwrap_err()), ["public_key"]);
    let same_key = entered("Alice", &CredentialForm { name: "other".to_owned(), ..jwt("HS256", "x") });
    assert_eq!(fields(w.control.add_credential(&op(), &group(), same_key).await.unwrap_err()), ["key"]);
}

#[tokio::test]
async fn an_hmac_credential_is_found_by_its_key_id() {
    let w = World::with_consumers(&["Alice"]).await;
    let typed = entered("Alice", &form(CredentialType::HmacAuth, "primary-hmac", "alice-keyid", "canary-secret-key"));
    w.control.add_credential(&op(), &group(), typed.clone()).await.unwrap();
    let (owner, Proof::HttpSignature(_)) = w.named(CredentialType::HmacAuth, "alice-keyid").unwrap() else {
        panic!("not an HTTP signature")
    };
    assert_eq!(owner, "Alice");
    assert!(!contains(w.folder.path(), b"canary"));
    let again = Credential { name: "other".parse().unwrap(), ..typed };
    assert_eq!(fields(w.control.add_credential(&op(), &group(), again).await.unwrap_err()), ["key_id"]);
}
