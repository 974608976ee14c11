//! Writes what fuzzing starts from: the vectors' inputs, and answers as Vault and AWS give them.
//! `seeds FOLDER` makes one folder for each target in it.

use serde_json::Value;
use std::error::Error;
use std::path::Path;

const VECTORS: &str = include_str!("../tests/vectors/vectors.json");

const VAULT: [&str; 9] = [
    r#"{"data":{"key":"v","b":1},"lease_duration":2764800}"#,
    r#"{"data":{"data":{"key":"YWJj","n":1.50},"metadata":{"version":3,"created_time":"t"}}}"#,
    r#"{"data":{"data":{"key":{"db":{"users":["a","b"]}}},"metadata":{"version":3}}}"#,
    r#"{"data":{"data":null,"metadata":{"version":2,"deletion_time":"2026-01-01T00:00:00Z","destroyed":false}}}"#,
    r#"{"data":{"data":null,"metadata":{"version":1,"destroyed":true}}}"#,
    r#"{"data":null,"warnings":["Invalid path for a versioned K/V secrets engine"]}"#,
    r#"{"errors":[]}"#,
    r#"{"errors":["1 error occurred:\n\t* permission denied\n\n"]}"#,
    "<html>",
];

const AWS: [&str; 6] = [
    r#"{"alice-key-auth":"alice-key","n":7,"o":{"x":1}}"#,
    "plain-secret",
    "\"abc\"",
    "[1,2]",
    "YWxpY2Uta2V5",
    r#"{"a":{"b":["c",true,null]}}"#,
];

const ERRORS: [(&str, &str); 6] = [
    (
        "ResourceNotFoundException",
        "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT",
    ),
    ("AccessDeniedException", "Access to KMS is not allowed"),
    ("InvalidRequestException", "it was marked for deletion"),
    ("ExpiredTokenException", "expired"),
    ("InvalidSignatureException", "Signature not yet current"),
    ("ThrottlingException", "Rate exceeded"),
];

const BEHIND: [&str; 5] = ["", "?version=3", "?decode=base64", "#/db/users/1", "?version=3&decode=base64#/a~1b"];

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: seeds FOLDER")?;
    let file: Value = serde_json::from_str(VECTORS)?;
    let vectors = file["vectors"].as_array().ok_or("no vectors")?;
    let inputs: Vec<&str> = vectors.iter().filter_map(|vector| vector["input"].as_str()).collect();
    let references: Vec<String> =
        inputs.iter().flat_map(|input| BEHIND.iter().map(move |behind| format!("{input}{behind}"))).collect();
    let key = |behind: &&str| format!("$secret://vault/my-vault/a/key{behind}");
    let answers = |bodies: &[&str]| -> Vec<String> {
        bodies.iter().flat_map(|body| BEHIND.iter().map(move |behind| format!("{}\n{body}", key(behind)))).collect()
    };
    let urls = ["http://127.0.0.1:8200\nsecret/api7", "https://v.example/vault\n/kv//data/", "http://[::1]\nteam/kv/x"];
    let urls = urls.iter().flat_map(|place| references.iter().map(move |reference| format!("{place}\n{reference}")));
    let urls: Vec<String> = urls.collect();
    let mut aws: Vec<String> = answers(&AWS);
    aws.extend(ERRORS.map(|(code, message)| format!("!{code}\n{message}")));
    write(&folder, "grammar", &references)?;
    write(&folder, "url", &urls)?;
    write(&folder, "vault", &answers(&VAULT))?;
    write(&folder, "aws", &aws)
}

fn write(folder: &str, target: &str, seeds: &[String]) -> Result<(), Box<dyn Error>> {
    let folder = Path::new(folder).join(target);
    std::fs::create_dir_all(&folder)?;
    for (number, seed) in seeds.iter().enumerate() {
        std::fs::write(folder.join(format!("seed-{number:04}")), seed)?;
    }
    Ok(())
}
