//! What errors say, to whoever prints them in whatever way, down to their last cause: nothing of a secret.

use super::*;
use control::Inspector;
use secrets::Ambient;
use std::error::Error;
use std::fmt::Debug;

/// Claims it of the error, of every cause behind it, and of what derives print.
fn claim_silent(error: &(dyn Error + 'static), when: &dyn Debug) {
    let mut next = Some(error);
    while let Some(error) = next {
        let said = format!("{error} {error:?} {error:#?}");
        assert!(!said.contains("canary"), "{when:?}: {said}");
        next = error.source();
    }
}

/// What a row says, with the text in the place of what stands behind `"<field>":`.
fn respelled(spec: &str, field: &str, text: &str) -> String {
    let mut spec: serde_json::Value = serde_json::from_str(spec).unwrap();
    let auth = &mut spec["settings"]["auth"];
    assert!(!auth[field].is_null(), "{auth}");
    auth[field] = serde_json::from_str(text).unwrap();
    spec.to_string()
}

async fn look(folder: &Path) -> Result<(), control::InspectError> {
    let database = format!("sqlite:{}", folder.join("p.db").display());
    let none = BTreeMap::<GroupName, Ambient>::new();
    let inspector = Inspector::open(&database, &folder.join("master.key"), &none, Environment::none()).await?;
    inspector.test("my-vault").await.map(|_| ())
}

#[tokio::test]
async fn what_is_typed_wrong_is_not_repeated() {
    let w = World::new().await;
    for method in AuthMethod::ALL {
        for wrong in
            ["canary with blanks", "canary\nlines", "-----BEGIN canary-----", "$env://canary;", "$SECRET://canary"]
        {
            if let Err(problems) = provider_by(method, wrong, "http://127.0.0.1:9/canary?x") {
                let shown: Vec<_> = problems.iter().filter(|problem| problem.field != "url").collect();
                let text = format!("{shown:?}");
                let named = text.replace("'canary;'", "");
                assert!(!named.contains("canary"), "{method:?} {wrong:?}: {text}");
            }
        }
    }
    for json in [
        r#"{"count": 1, "time_window": 1, "policy": "redis", "redis_host": "h", "redis_password": {"canary": "canary"}}"#,
        r#"{"count": 1, "time_window": 1, "policy": "redis", "redis_host": "h", "redis_password": "canary"#,
        r#"{"redis_password": "canary", "redis_password": "canary"}"#,
        r#"{"redis_password": ["canary"], "count": "x"}"#,
    ] {
        let problems = PluginConfig::parse(PluginName::LimitCount, json).unwrap_err();
        claim_silent(&ControlError::Invalid { problems }, &json);
    }
    w.control.add_consumer(&op(), &group(), consumer("Alice")).await.unwrap();
    w.control.add_credential(&op(), &group(), literal("Alice", "one", "canary-key")).await.unwrap();
    w.control.add_provider(&op(), &group(), provider("canary-token")).await.unwrap();
    let stale = w.control.save_provider(&op(), &group(), 7, provider("canary-other")).await.unwrap_err();
    let taken = w.control.add_credential(&op(), &group(), literal("Alice", "one", "canary-two")).await.unwrap_err();
    let again = w.control.add_provider(&op(), &group(), provider("canary-token")).await.unwrap_err();
    w.store.close().await;
    let closed = w.control.add_credential(&op(), &group(), literal("Alice", "two", "canary-three")).await.unwrap_err();
    assert!(matches!(closed, ControlError::Internal { .. }), "{closed:?}");
    for error in [stale, taken, again, closed] {
        claim_silent(&error, &"a change");
    }
}

#[tokio::test]
async fn what_cannot_be_read_from_the_database_is_not_repeated() {
    let w = World::new().await;
    w.control.add_provider(&op(), &group(), provider("canary-token")).await.unwrap();
    let sound = w.store.objects_of(&group(), store::Kind::SecretProvider).await.unwrap().remove(0);
    let elsewhere = r#"{"ciphertext": "canary", "set_at": 1}"#;
    for (at, (text, part)) in [
        (r#""canary-token""#, "cannot be read by this version"),
        (r#"{"canary": "canary"}"#, "cannot be read by this version"),
        (r#"{"ciphertext": "canary", "set_at": "canary"}"#, "cannot be read by this version"),
        (elsewhere, "cannot be opened"),
    ]
    .into_iter()
    .enumerate()
    {
        let spec = respelled(&sound.spec, "token", text);
        let row = NewRow {
            id: sound.id.clone(),
            kind: sound.kind,
            parent: sound.parent.clone(),
            name: sound.name.clone(),
            spec,
            masked: "{}".to_owned(),
        };
        w.store.update(&row, u64::try_from(at).unwrap() + 1, Millis(1)).await.unwrap();
        let error = look(w.folder.path()).await.unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
        claim_silent(&error, &text);
    }
}

#[tokio::test]
async fn another_key_and_a_broken_database_are_not_repeated() {
    let w = World::new().await;
    w.control.add_provider(&op(), &group(), provider("canary-token")).await.unwrap();
    w.stop.cancel();
    w.store.close().await;
    let folder = w.folder.path();
    std::fs::write(folder.join("master.key"), "canary").unwrap();
    claim_silent(&look(folder).await.unwrap_err(), &"no key");
    std::fs::write(folder.join("p.db"), "canary").unwrap();
    claim_silent(&look(folder).await.unwrap_err(), &"no database");
}
