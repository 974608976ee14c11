use super::*;
use crate::problem::Problems;
use crate::provider::vault::FormSecret;
use crate::sensitive::Entered;

const PEM: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
const KEY: &str = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----";

/// A form with every field filled well.
fn filled(method: &str) -> AuthForm {
    let secret = |text: &str| FormSecret(text.to_owned());
    AuthForm {
        method: method.to_owned(),
        token: secret("s.token"),
        token_file: "my-vault/token".to_owned(),
        role_id: "role-id".to_owned(),
        secret_id: secret("secret-id"),
        username: "alice".to_owned(),
        password: secret(" a password "),
        role: "reader".to_owned(),
        jwt: secret("e30.e30.AA"),
        certificate: PEM.to_owned(),
        private_key: secret(KEY),
        mount: String::new(),
    }
}

fn parse(form: &AuthForm) -> Result<VaultAuth<Entered>, Vec<String>> {
    let mut problems = Problems::default();
    let auth = form.parse(&mut problems);
    let result = problems.finish(auth);
    result.map_err(|problems| problems.into_iter().map(|problem| problem.field).collect())
}

#[test]
fn every_method_is_made_from_its_own_fields() {
    for method in AuthMethod::ALL {
        let auth = parse(&filled(method.slug())).unwrap();
        assert_eq!(auth.method(), method);
        assert_eq!(auth.secret().map(|(name, _)| name), method.secret_field().map(|field| field.name));
        assert_eq!(auth.mount().cloned(), method.logs_in().then(|| AuthMount::usual(method)));
        let written = serde_json::to_value(&auth).unwrap();
        assert_eq!(written["method"], method.slug());
        assert_eq!(serde_json::from_value::<VaultAuth<Entered>>(written).unwrap(), auth);
    }
    assert_eq!(parse(&filled("")).unwrap().method(), AuthMethod::Token);
}

/// The name of a secret field is what its sealed value is bound to.
#[test]
fn no_two_methods_share_a_secret_field() {
    let names: std::collections::BTreeSet<_> =
        AuthMethod::ALL.iter().filter_map(|method| method.secret_field()).map(|field| field.name).collect();
    assert_eq!(names.len(), 5);
    for method in AuthMethod::ALL {
        let mut mapped = Vec::new();
        let result = parse(&filled(method.slug())).unwrap().try_map(&mut |name, _| {
            mapped.push(name);
            Ok::<_, std::convert::Infallible>(())
        });
        assert_eq!(result.unwrap().method(), method);
        assert_eq!(mapped, method.secret_field().map(|field| field.name).into_iter().collect::<Vec<_>>());
    }
}

#[test]
fn the_field_at_fault_is_named() {
    let set = |method: &str, change: fn(&mut AuthForm)| {
        let mut form = filled(method);
        change(&mut form);
        parse(&form).unwrap_err()
    };
    for (found, field) in [
        (set("ldap", |_| {}), "auth_method"),
        (set("token", |form| form.token.0 = "a b".to_owned()), "token"),
        (set("token_file", |form| form.token_file.clear()), "token_file"),
        (set("approle", |form| form.role_id.clear()), "role_id"),
        (set("approle", |form| form.secret_id.0 = "a\nb".to_owned()), "secret_id"),
        (set("approle", |form| form.mount = "auth/approle".to_owned()), "mount"),
        (set("approle", |form| form.mount = "../sys".to_owned()), "mount"),
        (set("approle", |form| form.mount = "a?b".to_owned()), "mount"),
        (set("userpass", |form| form.username = "a/b".to_owned()), "username"),
        (set("userpass", |form| form.username = "..".to_owned()), "username"),
        (set("kubernetes", |form| form.role.clear()), "role"),
        (set("jwt", |form| form.role.clear()), "role"),
        (set("jwt", |form| form.jwt.0 = "a.b".to_owned()), "jwt"),
        (set("cert", |form| form.certificate = KEY.to_owned()), "certificate"),
        (set("cert", |form| form.private_key.0 = PEM.to_owned()), "private_key"),
        (set("cert", |form| form.private_key.0 = KEY.replace("PRIVATE", "ENCRYPTED PRIVATE")), "private_key"),
    ] {
        assert_eq!(found, [field]);
    }
}

#[test]
fn a_secret_is_needed_unless_it_is_stored() {
    for method in AuthMethod::ALL {
        let empty = AuthForm { method: method.slug().to_owned(), ..AuthForm::default() };
        let field = method.secret_field().map(|field| field.name);
        assert_eq!(empty.missing_secret(None).map(|problem| problem.field).as_deref(), field);
        assert_eq!(empty.missing_secret(Some(method)), None);
        assert_eq!(filled(method.slug()).missing_secret(None), None);
    }
    let approle = AuthForm { method: "approle".to_owned(), ..AuthForm::default() };
    let problem = approle.missing_secret(Some(AuthMethod::Token)).unwrap();
    assert_eq!(problem.problem, "The Secret ID is needed here.");
}

#[test]
fn a_form_is_made_from_what_is_stored_without_its_secret() {
    for method in AuthMethod::ALL {
        let auth = parse(&filled(method.slug())).unwrap();
        let form = AuthForm::of(&auth);
        assert_eq!(form.missing_secret(None).is_some(), method.secret_field().is_some());
        let again = parse(&form).unwrap();
        assert_eq!((again.method(), again.mount()), (method, auth.mount()));
    }
}

#[test]
fn a_token_file_lies_below_its_folder() {
    for (text, expected) in [
        ("token", Some("token")),
        (" my-vault/token\n", Some("my-vault/token")),
        ("..data/token", Some("..data/token")),
        ("", None),
        ("/etc/passwd", None),
        ("../token", None),
        ("a/../../token", None),
        ("a//token", None),
        ("a/./token", None),
        ("a/", None),
        ("a\\..\\b", None),
        ("a\0b", None),
    ] {
        let got = text.parse::<TokenFile>().ok();
        assert_eq!(got.as_ref().map(TokenFile::as_str), expected, "{text:?}");
    }
}
