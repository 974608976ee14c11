//! Reason codes: one stable name for everything that can go wrong on the way to a secret.
//!
//! A code is `<area>.<what>`, lower case: `vault.permission_denied`. It is the same in the dashboard, the
//! logs, the command line's JSON and `docs/reasons.md`, which is made of the table below. A code is never
//! given another meaning; one that is no longer used is removed.
//!
//! Areas: `ref` (the text of a reference), `provider` (the secret provider), `network`, `tls`, one for each
//! manager (`vault`, `aws`, `kubernetes`), `env` (the environment), `secret` (what was read), and
//! `field` (the rules of the field that a value is for).
//!
//! A failure's own sentence, with its names and paths, is [`crate::resolve::Failure::explain`]; here is what
//! is true of every failure of that code.

mod catalogue;
mod of;

use serde::de::{self, Deserialize, Deserializer};
use serde::{Serialize, Serializer};
use std::fmt;

/// Makes the enum and its three columns of one table.
macro_rules! reasons {
    ($($variant:ident $code:literal $meaning:literal $remedy:literal;)+) => {
        /// Why something on the way to a secret failed, or is worth a warning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason {
            $(#[doc = $meaning] $variant,)+
        }

        impl Reason {
            /// Every reason, area by area.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Its stable name.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// What it says, in one or two sentences.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)+ }
            }

            /// What to do.
            #[must_use]
            pub fn remedy(self) -> &'static str {
                match self { $(Self::$variant => $remedy,)+ }
            }
        }
    };
}

reasons! {
    RefNotAReference "ref.not_a_reference"
        "The text is no reference: it does not begin with `$secret://`."
        "Write the whole reference, `$secret://` first and nothing around it, or store the text as a literal.";
    RefMissingManager "ref.missing_manager"
        "No secret manager stands after `$secret://`."
        "Write the manager: `vault`, `aws` or `kubernetes`.";
    RefUnknownManager "ref.unknown_manager"
        "There is no secret manager of that name. Case matters."
        "Use one of the names in the message.";
    RefMissingProviderId "ref.missing_provider_id"
        "The reference ends after the secret manager."
        "Add the Secret Provider ID, then the path.";
    RefBadProviderId "ref.bad_provider_id"
        "What stands after the manager cannot be the ID of a secret provider."
        "Use the ID as the page Secret Providers shows it.";
    RefMissingPath "ref.missing_path"
        "The reference ends after the Secret Provider ID, or after `$env://`."
        "Add the secret's path or name, and the key; or the variable's name.";
    RefBadName "ref.bad_name"
        "What stands after `$env://` cannot be the name of an environment variable."
        "Write the variable's name: letters, digits, `_`, `-` and `.` only.";
    RefMissingField "ref.missing_field"
        "The reference names a secret, but no key inside it."
        "Add the key at the end.";
    RefBadSegment "ref.bad_segment"
        "A part of the path is `.` or `..`. No reference leaves its provider's prefix."
        "Name the secret by its full path below the prefix.";
    RefForbiddenCharacter "ref.forbidden_character"
        "The reference contains a character that servers read differently, or that no path can have."
        "Remove it; if the secret's name has it, rename the secret.";
    RefStrayBlank "ref.stray_blank"
        "A part of the reference begins or ends with a blank."
        "Remove the blank. It often comes from copying.";
    RefBadPath "ref.bad_path"
        "What follows the Secret Provider ID is no path that this secret manager has."
        "Write it as the provider's page shows it; with Kubernetes `<namespace>/<secret>/<key>`.";
    RefBadExtension "ref.bad_extension"
        "What stands behind the reference is meant as a version, stage, decoding or JSON pointer, but is not well formed."
        "Correct it as the message says; `?version=3`, `?stage=AWSPREVIOUS`, `?decode=base64` and `#/pointer` are known.";
    RefTooLong "ref.too_long"
        "The reference is longer than 1024 bytes."
        "Check that only the reference was pasted.";

    ProviderNotFound "provider.not_found"
        "The gateway group has no secret provider of that manager and ID."
        "Correct the ID in the reference, or add the secret provider.";
    ProviderExcess "provider.excess_permission"
        "The provider's token can do more than reading the secrets in use takes. Whoever gets hold of it gets all of that."
        "Give the provider a token with the policy that its page shows under Least privilege.";

    NetworkNameNotFound "network.name_not_found"
        "The host name of the provider's address is not known where Postern runs."
        "Check the spelling, and that the name resolves on Postern's machine and not only on yours.";
    NetworkForbiddenAddress "network.forbidden_address"
        "The address is, or its name leads to, one that Postern never connects to: link-local and cloud metadata addresses, multicast, unspecified."
        "Use the secret manager's own address.";
    NetworkConnectionRefused "network.connection_refused"
        "Nothing listens at that address and port."
        "Check that the server runs and that the port is right, as seen from where Postern runs.";
    NetworkTimedOut "network.timed_out"
        "No answer came in time."
        "Look for a firewall that drops packets, or a wrong address.";
    NetworkConnectionLost "network.connection_lost"
        "The connection ended before the answer was complete."
        "Postern tries again by itself. If it stays so, look at what stands between, and at the server's log.";
    NetworkRedirected "network.redirected"
        "The server answered with a redirect. Postern never carries a token to another address."
        "Enter the final address in the secret provider.";
    NetworkThrottled "network.throttled"
        "The server answers that there are too many requests."
        "Postern slows down by itself. Raise the quota, or the refresh interval, if it stays so.";
    NetworkStatus "network.unexpected_status"
        "The server answered with a status that is no answer to a read."
        "Check that the address leads to the secret manager; if it does, look at its log.";
    NetworkNotUnderstood "network.not_understood"
        "The answer is not one that the secret manager gives: another server, a proxy or a login page answered."
        "Check the address of the secret provider.";
    NetworkNotEncrypted "network.not_encrypted"
        "A warning: token and secrets travel unencrypted to another machine."
        "Let the server speak TLS and write https:// in the address.";

    TlsUnknownAuthority "tls.unknown_authority"
        "The server's certificate was issued by an authority that is not trusted here."
        "Give the issuing authority's certificate as CA Certificate, or add it to the system's.";
    TlsWrongName "tls.wrong_name"
        "The server's certificate is not for the name in the address."
        "Use a name that the certificate is for, or have it issued for this name.";
    TlsExpired "tls.expired"
        "The server's certificate has expired."
        "Renew it.";
    TlsNotYetValid "tls.not_yet_valid"
        "The server's certificate is not valid yet."
        "Check the clocks of both machines.";
    TlsNotTls "tls.not_tls"
        "The address begins with https://, and the server does not speak TLS."
        "Write http:// if the server really listens without TLS.";
    TlsWanted "tls.wanted"
        "The address begins with http://, and the server listens with TLS."
        "Write https:// in the address.";
    TlsClientCertificateWanted "tls.client_certificate_wanted"
        "The server demands a client certificate, and the provider has none."
        "Give the provider a client certificate, or use a listener that does not demand one.";
    TlsClientCertificateRefused "tls.client_certificate_refused"
        "The server does not accept the provider's client certificate."
        "Check its end date, that it is for client authentication, and which authority the listener wants it from.";
    TlsAuthorityUnreadable "tls.ca_certificate_unreadable"
        "The provider's CA Certificate cannot be read."
        "Paste it again in PEM form, from the first to the last line.";
    TlsIdentityUnreadable "tls.client_certificate_unreadable"
        "The provider's client certificate or private key cannot be read, or they do not belong together."
        "Paste both again in PEM form, from the first to the last line.";
    TlsFailed "tls.handshake_failed"
        "The TLS handshake failed for another reason."
        "Check the server's TLS: version 1.2 or 1.3 and a valid certificate are needed.";

    VaultSealed "vault.sealed"
        "Vault is sealed: it gives no secret until it is unsealed."
        "Unseal it (`vault operator unseal`). Postern goes on by itself.";
    VaultNotInitialised "vault.not_initialised"
        "Vault has never been initialised."
        "Initialise and unseal it (`vault operator init`).";
    VaultTokenInvalid "vault.token_invalid"
        "Vault does not accept the token: it is wrong, expired or revoked. Vault tells these not apart."
        "Create a new token and replace it in the secret provider; or choose AppRole, with which Postern gets tokens by itself.";
    VaultPermissionDenied "vault.permission_denied"
        "The token is good, but its policies do not allow reading that path."
        "Add the policy that is shown with the failure to one of the token's policies.";
    VaultDenied "vault.denied"
        "Vault refused, and the token may not ask why."
        "Check the token and its policies. With the `default` policy attached, Postern can say more.";
    VaultLoginRefused "vault.login_refused"
        "Vault does not accept what the provider logs in with."
        "Replace it in the secret provider; the message says what is checked for each Authentication Method.";
    VaultLoginNotAllowed "vault.login_not_allowed"
        "Vault refused the login without a reason: no such method is mounted there, or its conditions are not met."
        "Check the Mount Path and what the role is bound to (`vault auth list`).";
    VaultNoServiceAccount "vault.no_service_account"
        "Postern does not run in a pod with a service account's token, so it cannot log in with Kubernetes."
        "Mount the service account's token, or choose another Authentication Method.";
    VaultTokenFileNotAllowed "vault.token_file_not_allowed"
        "The provider reads its token from a file, and the server's configuration gives its gateway group no folder of token files."
        "Allow it with the setting `token_files`, or enter a token in the secret provider.";
    VaultTokenFileNotFound "vault.token_file_not_found"
        "There is no such file in the folder of token files, or no such folder."
        "Write a token there, or correct the Token File in the secret provider. Postern looks again by itself.";
    VaultTokenFileUnreadable "vault.token_file_unreadable"
        "The token file may not be read by the user that Postern runs as, or is no file."
        "Let that user read it, and enter its folders.";
    VaultTokenFileOutside "vault.token_file_outside"
        "The token file is a link that leads out of the folder of token files."
        "Put the file itself, or a link to one inside, into the folder.";
    VaultTokenFileUnusable "vault.token_file_unusable"
        "The token file is empty, or what is in it cannot be a token."
        "Write the token alone into it; best into another file that is then renamed to this one.";
    VaultTokenOfOtherNamespace "vault.token_of_other_namespace"
        "The token is valid, but in another namespace than the provider's; a token serves its own namespace and those below."
        "Correct the provider's Namespace, or give it a token of that namespace.";
    VaultNamespaceNotFound "vault.namespace_not_found"
        "Vault has no such namespace."
        "Write all of it, from the root, as in team-a/project (`vault namespace list`).";
    VaultKvVersionMismatch "vault.kv_version_mismatch"
        "The provider says one KV version, and the mount is the other."
        "Switch the provider to the mount's version, or to Auto-detect.";
    VaultNoVersions "vault.no_versions"
        "The reference names a version, and the mount is KV version 1, which keeps no versions."
        "Remove `?version=` from the reference, or keep the secret in a mount of KV version 2.";
    VaultMountHidden "vault.mount_not_visible"
        "Vault shows this token no mount behind the Secret Prefix: there is none, or no policy of the token reaches into it."
        "Check that the Secret Prefix begins with a mount's path, and add the policy that is shown.";
    VaultMountNotKv "vault.mount_not_kv"
        "The mount behind the Secret Prefix is a secrets engine that keeps no secrets to read."
        "Use the path of a key/value mount as the Secret Prefix.";
    VaultPrefixHasData "vault.prefix_has_data"
        "A warning: the Secret Prefix contains `data`, which belongs to the API of KV version 2 and not to the path. Postern leaves it out."
        "Write the prefix without it.";
    VaultTokenRoot "vault.token_root"
        "A warning: the token is a root token, which may do everything in Vault."
        "Use a token that may only read the secrets in use.";
    VaultTokenUses "vault.token_limited_uses"
        "A warning: the token ends after a number of uses, and every read is one."
        "Use a token without a limit of uses.";
    VaultTokenEnds "vault.token_ends_soon"
        "A warning: the token ends soon and cannot be renewed beyond that."
        "Use a token with a longer life, or choose AppRole.";
    VaultTokenUnknown "vault.token_life_unknown"
        "A warning: the token may not look at itself, so its life and policies are unknown."
        "Attach the `default` policy to the token.";
    VaultReadUnknown "vault.read_unknown"
        "A warning: the token may not ask what it may do, so only a read will tell."
        "Attach the `default` policy to the token, or explain a reference.";

    AwsAccessKeyUnknown "aws.access_key_unknown"
        "AWS does not know the Access Key ID, or the Session Token does not belong to it."
        "Check in IAM that the key is spelt like this and active.";
    AwsSignatureMismatch "aws.signature_mismatch"
        "The Secret Access Key is not the one of this Access Key ID."
        "Enter it again, or make a new access key.";
    AwsSessionExpired "aws.session_expired"
        "The temporary keys have expired."
        "Enter new ones with their Session Token, or use keys that do not expire.";
    AwsClockSkew "aws.clock_skew"
        "AWS refuses the signature because of its time: this machine's clock is wrong."
        "Set the clock where Postern runs.";
    AwsAmbientNotAllowed "aws.ambient_not_allowed"
        "The provider needs the server's own AWS credentials or a role, and the server's configuration does not allow its gateway group that."
        "Allow it with the setting `ambient_credentials`, or give the provider an access key of its own.";
    AwsAmbientNotFound "aws.ambient_not_found"
        "The server's environment gives no AWS credentials that work."
        "Give the process variables, a profile, a web identity or a role, as the AWS SDKs look for them.";
    AwsRoleDenied "aws.role_denied"
        "AWS does not let the provider's credentials assume the role. It says the same where there is no such role."
        "Check the role's name, its trust policy and the External ID, then add the policy that is shown with the failure.";
    AwsOtherRegion "aws.other_region"
        "The ARN in the reference is of another region than the secret provider's."
        "Use a provider of that region, or the ARN of the secret's replica.";
    AwsAccessDenied "aws.access_denied"
        "AWS accepts the access key, but its user may not read the secret; or has no right to know that it is not there."
        "Check the secret's name, then add the policy that is shown with the failure.";
    AwsKmsDenied "aws.kms_denied"
        "AWS cannot decrypt the secret with its KMS key."
        "Check that the key is enabled, and that the user may use kms:Decrypt with it.";
    AwsScheduledForDeletion "aws.scheduled_for_deletion"
        "The secret is scheduled for deletion, and AWS no longer gives its value."
        "Restore it (`aws secretsmanager restore-secret`), or refer to another.";
    AwsNoCurrentVersion "aws.no_current_version"
        "The secret has no version with the stage AWSCURRENT."
        "Store a value, or finish the rotation.";
    AwsRefused "aws.refused"
        "AWS refused with a code that needs no words of its own here."
        "Look the code in the message up in the documentation of GetSecretValue, or of AssumeRole.";
    AwsTemporaryKeys "aws.temporary_keys"
        "A warning: when the session of these temporary keys ends, no secret can be read."
        "Use the keys of an IAM user who may read these secrets only.";
    AwsReadUnknown "aws.read_unknown"
        "A warning: the user may not read secrets of every name. If a policy names certain secrets, that is as it should be."
        "Explain a reference to see whether its secret may be read.";

    KubernetesTokenInvalid "kubernetes.token_invalid"
        "The API server does not accept the token: it is wrong, has expired, or its service account is gone."
        "Create a new token (`kubectl create token`) and replace it in the secret provider.";
    KubernetesForbidden "kubernetes.forbidden"
        "The token is accepted, and its user may not read that Secret."
        "Apply the role and role binding that are shown with the failure.";
    KubernetesNoServiceAccount "kubernetes.no_service_account"
        "Postern does not run in a pod with a service account's token."
        "Mount the service account's token, or give the provider an address and a token.";
    KubernetesReadUnknown "kubernetes.read_unknown"
        "A warning: the user may not read every Secret of the cluster. If a role names certain Secrets, that is as it should be."
        "Explain a reference to see whether its Secret may be read.";
    EnvUnset "env.unset"
        "The environment that Postern was started with has no such variable."
        "Set it where Postern is started (a service's unit, a container's definition), and restart Postern.";
    EnvOutsidePrefix "env.outside_prefix"
        "References may read environment variables with a prefix only, so that whoever edits the configuration cannot read the process's own."
        "Give the variable a name with the prefix that the message has, or change `--env-prefix`.";

    SecretNotFound "secret.not_found"
        "The secret manager has no secret at that path or of that name."
        "Check path or name and the provider's prefix or Region, or write the secret.";
    SecretDeleted "secret.deleted"
        "The secret's version was deleted, and can be restored: the current one, or the one that the reference names."
        "Restore it (`vault kv undelete`), or write the secret again.";
    SecretDestroyed "secret.destroyed"
        "The secret's version was destroyed for good: the current one, or the one that the reference names."
        "Write the secret again, or name another version.";
    SecretNoSuchVersion "secret.no_such_version"
        "The secret has no version of the number, id or stage that the reference names. Managers keep a limited number of versions."
        "Name one that is there, or remove it from the reference to use the current version.";
    SecretKeyMissing "secret.key_missing"
        "The secret is there and has keys, but not this one. `vault kv put` replaces all keys of a secret."
        "Correct the key at the end of the reference, or add the key (`vault kv patch`).";
    SecretNotJson "secret.not_json"
        "A key or a JSON pointer is asked for, but there is no JSON that could have it."
        "Leave it out to use the whole text, or store JSON (in AWS: key/value pairs).";
    SecretDecodingFailed "secret.decoding_failed"
        "The reference says `?decode=base64`, and the value is no base64."
        "Remove `?decode=base64` from the reference, or store the value in base64.";
    SecretPointerMissing "secret.pointer_missing"
        "The value is JSON, and the JSON pointer in the reference leads to nothing in it."
        "Correct the pointer, what begins with `#/`; the message has the names that are there.";
    SecretBinary "secret.binary"
        "The secret holds bytes, not text."
        "Store it as text.";
    SecretNotText "secret.not_text"
        "The value is an object, a list or null, or bytes that are no text."
        "Store a text.";
    SecretEmpty "secret.empty"
        "The value is empty, and an empty value never authenticates anyone."
        "Store a value.";
    SecretNotUsable "secret.not_usable"
        "The value has control characters, such as a line break at its end, or is longer than 8 KiB: no request can carry it."
        "Store it without them; `echo` adds a line break, `printf` does not.";

    FieldEmpty "field.empty"
        "There is a value, but it is empty, and the field that it is for takes no empty text."
        "Store a value, or refer to another key. Postern takes the new value by itself.";
    FieldTooShort "field.too_short"
        "There is a value, but it is shorter than the field that it is for takes."
        "Store a longer one, or refer to another key. Postern takes the new value by itself.";
    FieldTooLong "field.too_long"
        "There is a value, but it is longer than the field that it is for takes."
        "Store a shorter one, or refer to another key. Postern takes the new value by itself.";
    FieldControlCharacter "field.control_character"
        "There is a value, but it has control characters, such as line ends, which the field that it is for does not take."
        "Store it without them, or refer to another key; `echo` adds a line break, `printf` does not.";
    FieldWrongForm "field.wrong_form"
        "There is a value, but not of the form that the field needs: it is no distinguished name, for instance."
        "Store what the message describes, or refer to another key. Postern takes the new value by itself.";
    FieldNoKey "field.not_a_key"
        "There is a value, but it is no key for the credential's algorithm."
        "Store such a key, or correct Algorithm and Base64 Secret in the credential.";
    FieldNotPem "field.not_pem"
        "There is a value, but it is no certificate, or no private key, in PEM."
        "Store it in PEM form, from the first to the last line.";
    FieldNotAPair "field.not_a_pair"
        "Certificate and private key both have a value, but cannot be read, or do not belong together."
        "Store a certificate and its own private key, both in PEM form.";
}

impl Reason {
    /// Its area, the part before the dot.
    #[must_use]
    pub fn area(self) -> &'static str {
        self.code().split_once('.').map_or("", |(area, _)| area)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

// By its code. Of more than a hundred names, a derived reader would be the browser's largest.
impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Reason {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        let reason = Self::ALL.iter().find(|reason| reason.code() == code);
        reason.copied().ok_or_else(|| de::Error::custom("no reason code"))
    }
}
