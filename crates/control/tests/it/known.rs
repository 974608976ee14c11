//! Consumers whom requests find by a plugin of their own, over a real database and a real OpenBao.

use super::*;
use postern::control::AttentionSubject;
use postern::plugin::Placement;

fn owner(name: &str) -> PluginOwner {
    PluginOwner::Consumer(name.parse().unwrap())
}

impl World {
    async fn of_consumers(names: &[&str]) -> Self {
        let w = Self::new().await;
        for name in names {
            w.control.add_consumer(&op(), &group(), consumer(name)).await.unwrap();
        }
        w
    }

    async fn give_user(&self, name: &str, config: &str) -> Result<(), ControlError> {
        let plugin = PluginConfig::parse_for(Placement::Consumer, PluginName::LdapAuth, config).unwrap();
        let revision = self.control.plugin_set(&op(), &group(), &owner(name)).await.unwrap().revision;
        self.control.set_plugin(&op(), &group(), &owner(name), revision, plugin).await
    }

    /// Which consumer the directory's user of this name is.
    fn user(&self, dn: &str) -> Option<String> {
        let by = self.fingerprints.of_name("ldap-auth", dn.as_bytes());
        let snapshot = self.control.snapshots().borrow().clone();
        snapshot.keys.get(&by).map(|found| found.consumer.name.to_string())
    }

    /// What the overview says of plugins, by consumer.
    async fn told(&self) -> Vec<(String, String)> {
        let overview = self.control.overview(&op(), &group()).await.unwrap();
        let of_plugins = overview.attention.into_iter().filter_map(|attention| match attention.subject {
            AttentionSubject::Plugin { user } => Some((user.owner_name, attention.what)),
            _ => None,
        });
        let mut told: Vec<_> = of_plugins.collect();
        told.sort();
        told
    }
}

const DN: &str = "cn=user01,ou=users";

#[tokio::test]
async fn a_user_is_found_however_it_is_spelled_and_by_one_consumer_alone() {
    let w = World::of_consumers(&["Alice", "Bob"]).await;
    w.give_user("Alice", r#"{"user_dn": "CN=user01, OU=users"}"#).await.unwrap();
    assert_eq!(w.user(DN).as_deref(), Some("Alice"));
    let refused = w.give_user("Bob", r#"{"user_dn": "cn=\\75ser01,ou=users"}"#).await.unwrap_err();
    let ControlError::Invalid { problems } = refused else { panic!("{refused:?}") };
    assert_eq!(problems[0].problem, "duplicate key of plugin ldap-auth found with consumer: Alice");
    w.give_user("Alice", r#"{"user_dn": "cn=user01,ou=users"}"#).await.unwrap();
    let w = w.restart().await;
    assert_eq!(w.user(DN).as_deref(), Some("Alice"));
    w.give_user("Alice", r#"{"user_dn": "cn=user01,ou=users", "_meta": {"disable": true}}"#).await.unwrap();
    assert_eq!(w.user(DN), None);
    w.give_user("Bob", r#"{"user_dn": "cn=user01,ou=users"}"#).await.unwrap();
    assert_eq!(w.user(DN).as_deref(), Some("Bob"));
    w.control.remove_plugin(&op(), &group(), &owner("Bob"), PluginName::LdapAuth).await.unwrap();
    assert_eq!(w.user(DN), None);
}

#[tokio::test]
async fn a_reference_finds_whom_its_value_names_and_nobody_when_it_names_none() {
    let bao = OpenBao::shared().await;
    let w = World::of_consumers(&["Alice", "Bob"]).await;
    let mut form = provider_form(bao.root());
    (form.vault.url, form.vault.prefix) = (bao.url(), "secret/known".to_owned());
    bao.put(
        "known/users",
        serde_json::json!({"alice": "CN=user01,OU=users", "bob": "cn=user01, ou=users", "bad": "canary"}),
    )
    .await;
    w.control.add_provider(&op(), &group(), form.parse().unwrap()).await.unwrap();
    let by = |key: &str| format!(r#"{{"user_dn": "$secret://vault/my-vault/users/{key}"}}"#);
    w.give_user("Alice", &by("alice")).await.unwrap();
    assert_eq!(w.user(DN).as_deref(), Some("Alice"));
    assert!(w.told().await.is_empty());
    // Two of one name are told apart by nothing.
    w.give_user("Bob", &by("bob")).await.unwrap();
    assert_eq!(w.user(DN), None);
    let told = w.told().await;
    assert_eq!(told.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["Alice", "Bob"]);
    assert!(told[0].1.contains("same user_dn as the consumer Bob"), "{told:?}");
    w.give_user("Bob", &by("bad")).await.unwrap();
    assert_eq!(w.user(DN).as_deref(), Some("Alice"));
    let told = w.told().await;
    assert!(told.len() == 1 && told[0].1.contains("type=value") && !told[0].1.contains("canary"), "{told:?}");
    w.give_user("Bob", &by("missing")).await.unwrap();
    w.give_user("Alice", &by("missing")).await.unwrap();
    assert_eq!(w.user(DN), None);
}
