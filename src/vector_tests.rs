//! The vectors that the grammar alone decides, and the claim that every vector is run somewhere.

use crate::plugin::{EnteredField, PluginConfig, PluginName};
use crate::problem::FieldProblem;
use crate::provider::ProviderForm;
use crate::provider::vault::{AuthForm, FormSecret, VaultForm};
use crate::secret_ref::{Reading, read};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const VECTORS: &str = include_str!("../tests/vectors/vectors.json");
const RUN: &str = include_str!("../tests/vectors/run.json");

/// What becomes of a text.
enum Expected {
    /// Refused, with the code that the vector names.
    Code,
    /// No reference, and the editor says that one may be meant.
    NearMiss,
    /// Ordinary text.
    Literal,
    /// A reference in a header of proxy-rewrite.
    InProxyRewrite,
    /// A reference in this field of limit-count.
    InLimitCount(&'static str),
    /// Refused in this field of limit-count, which is stricter than the vector: only `secret_fields` are resolved.
    NotInLimitCount(&'static str),
    /// Refused in a secret field of a provider.
    NotInAProvider,
}

use Expected::{Code, InLimitCount, InProxyRewrite, Literal, NearMiss, NotInAProvider, NotInLimitCount};

const CASES: [(&str, Expected); 26] = [
    ("P02", Code),
    ("P03", Code),
    ("P04", Code),
    ("P06", Code),
    ("P07", Code),
    ("P10", Code),
    ("P11", Code),
    ("P12", NearMiss),
    ("P13", NearMiss),
    ("P14", NearMiss),
    ("P17", NearMiss),
    ("P18", Literal),
    // Only a whole text is a reference: neither an object nor a list is.
    ("P20", NearMiss),
    ("P21", NearMiss),
    ("V07", Code),
    ("V09", Code),
    ("V11", Code),
    ("V12", Code),
    ("A04", Code),
    ("E11", Code),
    ("E18", NearMiss),
    ("F01", InLimitCount("redis_password")),
    ("F03", NotInLimitCount("redis_host")),
    ("F04", NotInLimitCount("count")),
    ("F08", InProxyRewrite),
    ("F10", NotInAProvider),
];

fn vectors() -> BTreeMap<String, Value> {
    let file: Value = serde_json::from_str(VECTORS).unwrap();
    let vectors = file["vectors"].as_array().unwrap();
    vectors.iter().map(|vector| (vector["id"].as_str().unwrap().to_owned(), vector.clone())).collect()
}

fn run() -> BTreeMap<String, Vec<String>> {
    serde_json::from_str(RUN).unwrap()
}

fn check(id: &str, vector: &Value, expected: &Expected) {
    let (input, ours) = (vector["input"].as_str().unwrap(), vector["ours"].as_str().unwrap());
    match expected {
        Code => match read(input) {
            Reading::Malformed(error) => {
                let code = error.problem.code();
                assert!(ours.starts_with(code), "{id}: {input} is {code}, wanted {ours}");
            }
            other => panic!("{id}: {input} reads as {other:?}, wanted {ours}"),
        },
        NearMiss => {
            for text in input.split(" , ") {
                assert!(matches!(read(text), Reading::NearMiss(_)), "{id}: {text} reads as {:?}", read(text));
            }
        }
        Literal => assert_eq!(read("1"), Reading::Literal, "{id}"),
        // That its requests then get 503 is a test of the gateway's.
        InProxyRewrite => {
            let json = r#"{"headers": {"set": {"X-A": "$env://MISSING"}}}"#;
            let config = PluginConfig::parse(PluginName::ProxyRewrite, json).unwrap();
            let references: Vec<_> =
                config.references().map(|(at, reference)| (at.as_str(), reference.to_string())).collect();
            assert_eq!(references, [("headers/set/X-A", "$env://MISSING".to_owned())], "{id}");
        }
        InLimitCount(field) => {
            let config = limit_count(field).unwrap();
            let references: Vec<_> =
                config.references().map(|(at, reference)| (at.as_str(), reference.to_string())).collect();
            assert_eq!(references, [(*field, "$env://X".to_owned())], "{id}");
        }
        NotInLimitCount(field) => {
            let problems = limit_count(field).unwrap_err();
            assert_eq!(problems[0].field, format!("/{field}"), "{id}: {problems:?}");
        }
        NotInAProvider => {
            let form = ProviderForm {
                id: "my-vault".to_owned(),
                vault: VaultForm {
                    url: "http://127.0.0.1:8200".to_owned(),
                    prefix: "secret/api7".to_owned(),
                    auth: AuthForm { token: FormSecret("$secret://vault/v/a/k".to_owned()), ..AuthForm::default() },
                    ..VaultForm::default()
                },
                ..ProviderForm::default()
            };
            let problems = form.parse().unwrap_err();
            assert_eq!(problems[0].field, "token", "{id}: {problems:?}");
        }
    }
}

/// limit-count with the reference `$env://X` in that field.
fn limit_count(field: &str) -> Result<PluginConfig<EnteredField>, Vec<FieldProblem>> {
    let mut config = json!({"count": 1, "time_window": 1, "policy": "redis", "redis_host": "redis.example"});
    config[field] = "$env://X".into();
    PluginConfig::parse(PluginName::LimitCount, &config.to_string())
}

#[test]
fn the_grammars_vectors() {
    let vectors = vectors();
    for (id, expected) in &CASES {
        check(id, &vectors[*id], expected);
    }
    assert_eq!(CASES.map(|(id, _)| id).to_vec(), run()["domain"]);
}

#[test]
fn no_vector_is_left_out() {
    let mut run: Vec<String> = run().into_values().flatten().collect();
    run.sort();
    assert_eq!(run, vectors().into_keys().collect::<Vec<_>>());
}
