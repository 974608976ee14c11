use super::*;
use crate::problem::Problems;
use crate::provider::{FreshnessForm, ProviderForm};
use crate::sensitive::Entered;

fn mount(path: &str, version: Kv) -> Mount {
    Mount { path: path.split('/').map(str::to_owned).collect(), version }
}

fn settings(kv_version: &str, prefix: &str) -> VaultSettings<Entered> {
    let mut problems = Problems::default();
    let form = VaultForm {
        kv_version: kv_version.to_owned(),
        url: "http://127.0.0.1:8200".to_owned(),
        prefix: prefix.to_owned(),
        ..VaultForm::default()
    };
    form.parse(&mut problems).unwrap()
}

#[test]
fn references_are_located_for_both_kv_versions() {
    let path = ["consumer".to_owned(), "alice".to_owned()];
    for (chosen, prefix, mount, expected) in [
        ("1", "secret/api7", mount("secret", Kv::V1), "secret/api7/consumer/alice"),
        ("2", "secret/api7", mount("secret", Kv::V2), "secret/data/api7/consumer/alice"),
        ("auto", "secret/api7", mount("secret", Kv::V2), "secret/data/api7/consumer/alice"),
        ("auto", "kv/api7", mount("kv", Kv::V1), "kv/api7/consumer/alice"),
        ("auto", "team/kv/api7", mount("team/kv", Kv::V2), "team/kv/data/api7/consumer/alice"),
        ("auto", "/secret//api7/", mount("secret", Kv::V2), "secret/data/api7/consumer/alice"),
        ("2", "secret/data/api7", mount("secret", Kv::V2), "secret/data/api7/consumer/alice"),
        ("1", "secret/data/api7", mount("secret", Kv::V1), "secret/data/api7/consumer/alice"),
        ("2", "secret", mount("secret", Kv::V2), "secret/data/consumer/alice"),
    ] {
        let read = settings(chosen, prefix).locate(&mount, &path);
        assert_eq!(read.to_string(), expected, "{chosen} {prefix}");
    }
}

/// What was stored before there were these fields.
#[test]
fn settings_without_the_newer_fields_are_read() {
    let stored = r#"{"kv_version":"2","url":"https://v.example","prefix":"secret/api7",
        "auth":{"method":"kubernetes","role":"r","mount":"kubernetes"},"namespace":null,"ca_certificate":null}"#;
    let settings: VaultSettings<Entered> = serde_json::from_str(stored).unwrap();
    assert_eq!((settings.timeout, settings.server_name.clone()), (Timeout::default(), None));
    let again = serde_json::to_string(&settings).unwrap();
    assert_eq!(serde_json::from_str::<VaultSettings<Entered>>(&again).unwrap(), settings);
}

#[test]
fn a_stored_secret_serves_one_server_by_address_and_name() {
    let with = |url: &str, name: &str| {
        let tls = TlsForm { server_name: name.to_owned(), ..TlsForm::default() };
        let form = VaultForm { url: url.to_owned(), prefix: "s".to_owned(), tls, ..VaultForm::default() };
        form.parse(&mut Problems::default()).unwrap()
    };
    let stored = with("https://v.example", "v.internal");
    assert!(stored.same_holder(&with("https://v.example/vault", "V.internal")));
    for other in [with("https://v.example", ""), with("https://v.example", "w"), with("https://w", "v.internal")] {
        assert!(!stored.same_holder(&other), "{other:?}");
    }
}

#[test]
fn urls() {
    for (text, expected) in [
        ("http://127.0.0.1:8200", Some((false, "127.0.0.1", 8200, ""))),
        ("https://vault.example.com/", Some((true, "vault.example.com", 443, ""))),
        ("https://V.example/vault", Some((true, "v.example", 443, "vault"))),
        ("http://[::1]:8200", Some((false, "::1", 8200, ""))),
        ("127.0.0.1:8200", None),
        ("ftp://host", None),
        ("http://user:pw@host", None),
        ("http://", None),
        ("http://host:0", None),
        ("http://host:99999", None),
        ("http://[zz]:1", None),
        ("http://[::1]x:80", None),
        ("http://host/v1/secret", None),
        ("http://host/ui/vault", None),
        ("http://host?x=1", None),
        ("http://host/../x", None),
        ("http://ho st", None),
        ("http://host\\x", None),
        ("", None),
    ] {
        let got = text.parse::<VaultUrl>().ok();
        let got = got.as_ref().map(|u| (u.is_https(), u.host(), u.port(), u.base().join("/")));
        let expected = expected.map(|(https, host, port, base)| (https, host, port, base.to_owned()));
        assert_eq!(got, expected, "{text}");
    }
}

#[test]
fn a_url_without_scheme_is_told_what_to_write() {
    let error = "127.0.0.1:8200".parse::<VaultUrl>().unwrap_err().to_string();
    assert!(error.contains("http://127.0.0.1:8200"), "{error}");
}

#[test]
fn the_policy_offered_is_complete() {
    let prefix: SecretPrefix = "secret/api7".parse().unwrap();
    assert_eq!(
        read_policy(&mount("secret", Kv::V2), &prefix),
        "path \"secret/data/api7/*\" {\n  capabilities = [\"read\"]\n}"
    );
    assert_eq!(
        read_policy(&mount("secret", Kv::V1), &prefix),
        "path \"secret/api7/*\" {\n  capabilities = [\"read\"]\n}"
    );
}

#[test]
fn a_form_names_every_field_at_fault() {
    let form = ProviderForm {
        id: "my vault".to_owned(),
        freshness: FreshnessForm { ttl_seconds: "2".to_owned(), ..FreshnessForm::default() },
        vault: VaultForm {
            kv_version: "3".to_owned(),
            url: "vault:8200".to_owned(),
            prefix: "secret/../x".to_owned(),
            ca_certificate: "nonsense".to_owned(),
            auth: AuthForm { token: FormSecret("has blank".to_owned()), ..AuthForm::default() },
            ..VaultForm::default()
        },
        ..ProviderForm::default()
    };
    let mut fields: Vec<_> = form.parse().unwrap_err().into_iter().map(|p| p.field).collect();
    fields.sort();
    assert_eq!(fields, ["ca_certificate", "id", "kv_version", "prefix", "token", "ttl_seconds", "url"]);
}
