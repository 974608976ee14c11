//! A refusal in words: of a read, and of a login.

use super::{DeniedBecause, Explanation, LoginProblem, TokenFileProblem};
use crate::provider::vault::{AuthMethod, AuthMount, SERVICE_ACCOUNT_TOKEN, TokenFile};

pub(super) fn explain_denied(path: &str, why: &DeniedBecause) -> Explanation {
    match why {
        DeniedBecause::TokenInvalid => Explanation::new(
            "Vault does not accept the provider's token: it is wrong, expired or revoked.",
            "Create a new token and replace it in the secret provider.",
        )
        .with("vault token create -policy=<policy>"),
        DeniedBecause::PolicyMissing { policies, policy } => Explanation::new(
            format!("The token is valid, but its policies ({}) do not allow reading {path}.", policies.join(", ")),
            "Add this to one of the token's policies:",
        )
        .with(policy.clone()),
        DeniedBecause::OtherNamespace { token, provider } => Explanation::new(
            format!(
                "The token is valid in {}, but the secret provider reads in {}.",
                in_namespace(token),
                in_namespace(provider)
            ),
            "Correct the Namespace of the secret provider, or give it a token of that namespace or of one above it.",
        ),
        DeniedBecause::LoginRefused { method, mount, why } => explain_login(*method, mount, *why),
        DeniedBecause::TokenFile { file, why } => explain_token_file(file, *why),
        DeniedBecause::Unknown => Explanation::new(
            format!("Vault refused to read {path}."),
            "Check the token and its policies; Test Connection on the secret provider says more.",
        ),
    }
}

fn in_namespace(namespace: &str) -> String {
    if namespace.is_empty() { "the root namespace".to_owned() } else { format!("the namespace '{namespace}'") }
}

fn explain_login(method: AuthMethod, mount: &AuthMount, why: LoginProblem) -> Explanation {
    let label = method.label();
    match why {
        LoginProblem::Credentials => {
            let (what, fix, command) = explain_credentials(method, mount);
            Explanation::new(format!("Vault refused the login with {label} at auth/{mount}: {what}"), fix).with(command)
        }
        LoginProblem::NotAllowed => {
            let (perhaps, fix) = match method {
                AuthMethod::Userpass => (
                    "or the user is locked out for a while after wrong passwords",
                    "Check the Mount Path and wait out the lock",
                ),
                AuthMethod::Kubernetes => (
                    "or the role is not for this service account and its namespace",
                    "Check the Mount Path, and what the role is bound to",
                ),
                AuthMethod::Token
                | AuthMethod::TokenFile
                | AuthMethod::AppRole
                | AuthMethod::Jwt
                | AuthMethod::Cert => (
                    "or logins are not allowed from here",
                    "Check the Mount Path, and the addresses that the role is bound to",
                ),
            };
            Explanation::new(
                format!(
                    "Vault refused the login with {label} at auth/{mount} without a reason: no such method is mounted there, {perhaps}."
                ),
                format!("{fix}. This lists what is mounted where:"),
            )
            .with("vault auth list")
        }
        LoginProblem::NoServiceAccount => Explanation::new(
            format!("There is no service account's token at {SERVICE_ACCOUNT_TOKEN}, so no login with Kubernetes."),
            "Run Postern in a pod that mounts its service account's token, or choose another Authentication Method.",
        ),
    }
}

/// What is wrong, what to do, and the command that shows or mends it.
fn explain_credentials(method: AuthMethod, mount: &AuthMount) -> (&'static str, &'static str, String) {
    match method {
        AuthMethod::Token | AuthMethod::TokenFile => {
            ("the token is not accepted.", "Replace the token.", "vault token lookup".to_owned())
        }
        AuthMethod::AppRole => (
            "the Role ID or the Secret ID is wrong, or the Secret ID has expired or was used up.",
            "Create a new Secret ID and replace it in the secret provider.",
            format!("vault write -f auth/{mount}/role/<role>/secret-id"),
        ),
        AuthMethod::Userpass => (
            "the user name or the password is wrong.",
            "Correct them in the secret provider. Postern tries rarely: wrong passwords may lock the user out.",
            format!("vault read auth/{mount}/users/<username>"),
        ),
        AuthMethod::Kubernetes => (
            "there is no such role, or it is not for this service account.",
            "Check the Role, and the service accounts and namespaces that it is bound to.",
            format!("vault read auth/{mount}/role/<role>"),
        ),
        AuthMethod::Jwt => (
            "the JWT has expired, is not signed by the issuer that Vault knows, or does not fit the role.",
            "Replace the JWT, and check the Role and what it is bound to.",
            format!("vault read auth/{mount}/role/<role>"),
        ),
        AuthMethod::Cert => (
            "no role of Vault is for this client certificate, or its listener does not ask for one.",
            "Check the Role, the certificate that it names and the certificate's end date.",
            format!("vault list auth/{mount}/certs"),
        ),
    }
}

fn explain_token_file(file: &TokenFile, why: TokenFileProblem) -> Explanation {
    let write = format!("vault token create -policy=<policy> -field=token > <folder>/{file}");
    match why {
        TokenFileProblem::NotAllowed => Explanation::new(
            "The server allows this gateway group no token files.",
            "Who runs the server can allow them with the setting token_files, which names the group and a folder; or enter a token in the secret provider.",
        ),
        TokenFileProblem::Missing => Explanation::new(
            format!("There is no token file '{file}' in the folder that the server's setting token_files names."),
            "Write a token there, or correct the Token File in the secret provider. Postern looks again by itself.",
        )
        .with(write),
        TokenFileProblem::Unreadable => Explanation::new(
            format!("The token file '{file}' may not be read by the user that Postern runs as, or is no file."),
            "Let that user read it, and enter its folders. Postern looks again by itself.",
        ),
        TokenFileProblem::Outside => Explanation::new(
            format!("The token file '{file}' is a link that leads out of the folder that the server's setting token_files names."),
            "Put the file itself, or a link to one inside, into the folder.",
        ),
        TokenFileProblem::Empty => Explanation::new(
            format!("The token file '{file}' is empty."),
            "Write a token into it; best into another file that is then renamed to this one. Postern looks again by itself.",
        )
        .with(write),
        TokenFileProblem::NotAToken => Explanation::new(
            format!("What is in the token file '{file}' cannot be a token: it has several lines, blanks or special characters, or is longer than 4 KiB."),
            "Write the token alone into it, as 'vault token create -field=token' prints it.",
        )
        .with(write),
        TokenFileProblem::Refused => Explanation::new(
            format!("Vault does not accept the token in the token file '{file}': it is wrong, expired or revoked."),
            "Write a new token into the file. Postern uses it within seconds.",
        )
        .with(write),
    }
}
