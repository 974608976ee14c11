//! Values that are there, and break a rule of the field that they are for: told by the rule, used nowhere, and no
//! longer once they are mended. Over a real OpenBao.

use super::*;
use postern::control::{AttentionSubject, ReferenceUser, ReferenceView};
use postern::diagnosis::Stage;
use postern::live::SecretNow;
use postern::name::ObjectId;
use postern::plugin::{EnteredField, Placement};
use postern::reason::Reason;
use postern::snapshot::LiveField;
use serde_json::{Value, json};

impl World {
    /// With a provider that reads below `secret/<folder>`.
    async fn reading(folder: &str) -> (Self, Arc<OpenBao>) {
        let bao = OpenBao::shared().await;
        let w = Self::new().await;
        let mut form = provider_form(bao.root());
        (form.vault.url, form.vault.prefix) = (bao.url(), format!("secret/{folder}"));
        w.control.add_provider(&op(), &group(), form.parse().unwrap()).await.unwrap();
        w.control.add_consumer(&op(), &group(), consumer("Alice")).await.unwrap();
        (w, bao)
    }

    async fn a_service(&self) -> ObjectId {
        let form = ServiceForm { name: "httpbin".to_owned(), ..ServiceForm::default() };
        let service = form.parse(id("new"), Plugins::new()).unwrap();
        self.control.add_service(&op(), &group(), service).await.unwrap().stored.object.id
    }

    async fn enable(&self, owner: &PluginOwner, plugin: PluginConfig<EnteredField>) {
        let revision = match owner {
            PluginOwner::Service(id) => self.control.service(&op(), &group(), id).await.unwrap().stored.revision,
            owner => self.control.plugin_set(&op(), &group(), owner).await.unwrap().revision,
        };
        self.control.set_plugin(&op(), &group(), owner, revision, plugin).await.unwrap();
    }

    /// What all references stand for, after a new read.
    async fn read_again(&self) -> Vec<ReferenceView> {
        self.control.refresh_provider(&op(), &group(), &provider_key()).await.unwrap();
        self.control.references(&op(), &group()).await.unwrap()
    }

    /// The values of a plugin's references that the gateway has, by field.
    fn values(&self, service: &ObjectId, plugin: PluginName) -> Vec<(String, bool)> {
        let snapshot = self.control.snapshots().borrow().clone();
        let mut values = Vec::new();
        let config = &snapshot.services.get(service).unwrap().plugins[&plugin];
        let _looked_at = config.try_map(|at, secret: &LiveField| {
            values.push((at.to_string(), matches!(&*secret.now(), SecretNow::Value(_))));
            Ok::<_, ()>(())
        });
        values
    }
}

/// The codes of the references that have none but an unfit value. Nothing told of them has anything of a value.
fn unfit(views: &[ReferenceView]) -> Vec<Reason> {
    let told = serde_json::to_string(views).unwrap();
    assert!(!told.contains("canary"), "{told}");
    let of = |view: &ReferenceView| {
        let failure = view.state.failure.as_ref()?;
        assert_eq!((view.state.name, view.state.resolved.as_ref()), (StateName::Unfit, None), "{failure:?}");
        Some(failure.reason)
    };
    views.iter().filter_map(of).collect()
}

#[tokio::test]
async fn one_value_is_judged_by_each_field_that_holds_its_reference() {
    let (w, bao) = World::reading("unfit-plugin").await;
    let (service, long) = (w.a_service().await, "canary".repeat(1000));
    bao.put("unfit-plugin/redis", json!({ "name": long, "word": "canary-password" })).await;
    let limit = r#"{"count": 3, "time_window": 60, "policy": "redis", "redis_host": "redis.example",
        "redis_username": "$secret://vault/my-vault/redis/name", "redis_password": "$secret://vault/my-vault/redis/word"}"#;
    let owner = PluginOwner::Service(service.clone());
    w.enable(&owner, PluginConfig::parse(PluginName::LimitCount, limit).unwrap()).await;
    let user = PluginConfig::parse_for(
        Placement::Consumer,
        PluginName::LdapAuth,
        r#"{"user_dn": "$secret://vault/my-vault/redis/word"}"#,
    );
    w.enable(&PluginOwner::Consumer("Alice".parse().unwrap()), user.unwrap()).await;
    let views = w.read_again().await;
    assert_eq!(unfit(&views), [Reason::FieldTooLong, Reason::FieldWrongForm]);
    let of_limit = |value| [("redis_password".to_owned(), true), ("redis_username".to_owned(), value)];
    assert_eq!(w.values(&service, PluginName::LimitCount), of_limit(false), "a password is fine, a name is not");

    // Explain says the same after all of its other steps, the overview counts it.
    let explained = w.control.explain_reference(&op(), &group(), "$secret://vault/my-vault/redis/name").await.unwrap();
    let (stage, explanation, _) = explained.failure().unwrap();
    assert_eq!((stage, explained.reason()), (Stage::Field, Some(Reason::FieldTooLong)));
    assert!(explanation.what.contains("redis_username") && explanation.what.contains("4096"), "{explanation:?}");
    assert!(!explained.works() && !serde_json::to_string(&explained).unwrap().contains("canary"));
    let overview = w.control.overview(&op(), &group()).await.unwrap();
    assert_eq!((overview.references, overview.references_resolved, overview.attention.len()), (3, 1, 2));
    assert!(overview.attention.iter().all(|one| matches!(one.subject, AttentionSubject::Plugin { .. })));

    // It recovers alone, by the same handle: no new snapshot is needed.
    bao.put("unfit-plugin/redis", json!({ "name": "gateway", "word": "cn=canary,ou=users" })).await;
    assert!(unfit(&w.read_again().await).is_empty());
    assert_eq!(w.values(&service, PluginName::LimitCount), of_limit(true));
    let explained = w.control.explain_reference(&op(), &group(), "$secret://vault/my-vault/redis/name").await.unwrap();
    assert!(explained.works() && explained.stages.last().unwrap().stage == Stage::Field, "{explained:?}");
}

#[tokio::test]
async fn a_value_of_the_environment_is_judged_alike() {
    let (w, _bao) = World::reading("unfit-env").await;
    let plugin = r#"{"user_dn": "$env://POSTERN_SECRET_ALICE"}"#;
    let plugin = PluginConfig::parse_for(Placement::Consumer, PluginName::LdapAuth, plugin).unwrap();
    w.enable(&PluginOwner::Consumer("Alice".parse().unwrap()), plugin).await;
    assert_eq!(unfit(&w.control.references(&op(), &group()).await.unwrap()), [Reason::FieldWrongForm]);
}

/// Adds a credential of this type, by reference; answers what is told of it once `value` is stored, and whether the
/// gateway knows anyone by it.
async fn check_credential(form: CredentialForm, value: &Value, expected: Option<Reason>) {
    let (w, bao) = World::reading("unfit-credential").await;
    bao.put("unfit-credential/alice", json!({ "k": value })).await;
    let text = FormSecret("$secret://vault/my-vault/alice/k".to_owned());
    let secret = SecretFieldForm { source: Source::Reference, text };
    let form = CredentialForm { name: "one".to_owned(), secret, ..form };
    let entered = form.parse(id("new"), "Alice".parse().unwrap()).unwrap();
    let view = w.control.add_credential(&op(), &group(), entered).await.unwrap();
    let views = w.control.references(&op(), &group()).await.unwrap();
    assert_eq!(unfit(&views), expected.into_iter().collect::<Vec<_>>(), "{value}");
    assert_eq!(view.state.as_ref(), Some(&views[0].state));
    assert!(matches!(views[0].used_by, ReferenceUser::Credential { .. }));
    let keys = w.control.snapshots().borrow().keys.len();
    assert_eq!(keys, usize::from(expected.is_none()), "{value}");
    bao.put("unfit-credential/alice", json!({ "k": "c2VjcmV0LWNhbmFyeQ==" })).await;
    if form.algorithm != "RS256" {
        assert!(unfit(&w.read_again().await).is_empty(), "mended");
        assert_eq!(w.control.snapshots().borrow().keys.len(), 1);
    }
}

#[tokio::test]
async fn a_credential_whose_value_proves_nothing_says_which_rule_it_breaks() {
    let named = |kind| CredentialForm { identifier: "alice".to_owned(), ..CredentialForm::new(kind) };
    let jwt = |algorithm: &str, base64_secret| CredentialForm {
        algorithm: algorithm.to_owned(),
        base64_secret,
        ..named(CredentialType::JwtAuth)
    };
    let pem = "-----BEGIN canary-----\nAAAA\n-----END canary-----";
    for (form, value, expected) in [
        (CredentialForm::new(CredentialType::KeyAuth), pem, Some(Reason::FieldControlCharacter)),
        (CredentialForm::new(CredentialType::KeyAuth), "canary", None),
        (named(CredentialType::BasicAuth), pem, Some(Reason::FieldControlCharacter)),
        (named(CredentialType::HmacAuth), pem, Some(Reason::FieldControlCharacter)),
        (jwt("HS256", true), "no base64, canary!", Some(Reason::FieldNoKey)),
        (jwt("HS256", true), "Y2FuYXJ5", None),
        (jwt("RS256", false), "canary", Some(Reason::FieldNoKey)),
        (jwt("RS256", false), pem, Some(Reason::FieldNoKey)),
    ] {
        check_credential(form, &value.into(), expected).await;
    }
}
