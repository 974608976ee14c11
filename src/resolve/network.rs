//! In words, why there was no usable answer.

use super::{Explanation, TlsProblem, UnreachableBecause};

pub(super) fn explain_unreachable(address: &str, why: &UnreachableBecause) -> Explanation {
    let (what, fix) = match why {
        UnreachableBecause::NameNotFound { host } => (
            format!("The host name '{host}' has no address here."),
            "Check the spelling of the Vault Server URL; the name must be known where Postern runs.".to_owned(),
        ),
        UnreachableBecause::ForbiddenAddress { address: ip, kind } => (
            format!("{address} leads to {ip}: {}. Postern never connects there.", kind.describe()),
            "Enter the address of Vault in the Vault Server URL; if it is a name, see to what address it leads here.".to_owned(),
        ),
        UnreachableBecause::ConnectionRefused => (
            format!("Nothing answers at {address}: the connection was refused."),
            "Check that Vault runs and that the port in the Vault Server URL is right, as seen from where Postern runs.".to_owned(),
        ),
        UnreachableBecause::TimedOut { after_ms } => (
            format!("Vault at {address} did not answer within {} s.", after_ms.div_ceil(1000)),
            "Check the network between Postern and Vault: a firewall that drops packets looks like this.".to_owned(),
        ),
        UnreachableBecause::ConnectionLost => (
            format!("The connection to {address} was lost before the answer was complete."),
            "Postern tries again by itself. If it stays so, look at Vault's log and at what stands between.".to_owned(),
        ),
        UnreachableBecause::Tls { detail } => return explain_tls(address, detail),
        UnreachableBecause::Redirected => (
            format!("{address} answered with a redirect. Postern never sends a token to another address."),
            "Put the address of the active Vault, or of its load balancer, into the Vault Server URL.".to_owned(),
        ),
        UnreachableBecause::Throttled => (
            format!("Vault at {address} answers that there are too many requests."),
            "Postern slows down by itself. Raise the rate limit quota for this path if it stays so.".to_owned(),
        ),
        UnreachableBecause::Status { status } => (
            format!("{address} answered with status {status}, which is no answer to a read."),
            "Check that the Vault Server URL leads to Vault; if it does, look at Vault's log.".to_owned(),
        ),
        UnreachableBecause::NotUnderstood => (
            format!("{address} answered something that is not a Vault answer."),
            "Check that the Vault Server URL leads to Vault and not to a proxy, a login page or another server.".to_owned(),
        ),
    };
    Explanation::new(what, fix)
}

fn explain_tls(address: &str, detail: &TlsProblem) -> Explanation {
    let (what, fix) = match detail {
        TlsProblem::UnknownAuthority => (
            format!("The certificate of {address} was issued by an authority that is not trusted here."),
            "Paste the issuing authority's certificate into CA Certificate.",
        ),
        TlsProblem::WrongName { host } => (
            format!("The certificate of {address} is not for the name '{host}'."),
            "Enter the name that the certificate is for as TLS Server Name (Advanced), or use it in the Vault Server URL.",
        ),
        TlsProblem::Expired => (format!("The certificate of {address} has expired."), "Renew Vault's certificate."),
        TlsProblem::NotYetValid => {
            (format!("The certificate of {address} is not valid yet."), "Check the clocks of both machines.")
        }
        TlsProblem::NotTls => (
            format!("{address} does not speak TLS."),
            "Write http:// in the Vault Server URL if Vault really listens without TLS.",
        ),
        TlsProblem::ClientCertificateWanted => (
            format!("{address} demands a client certificate, which this provider does not have."),
            "Enter a TLS Client Certificate and its key (Advanced), or choose TLS certificate as the Authentication Method.",
        ),
        TlsProblem::ClientCertificateRefused => (
            format!("{address} does not accept the client certificate of this secret provider."),
            "Check its end date, that it is for client authentication, and which authority the listener wants it from.",
        ),
        TlsProblem::AuthorityUnreadable => (
            "The CA Certificate of this secret provider cannot be read.".to_owned(),
            "Paste the authority's certificate again, in PEM form, from the first to the last line.",
        ),
        TlsProblem::IdentityUnreadable => (
            "The client certificate or its private key cannot be read, or they do not belong together.".to_owned(),
            "Paste both again, in PEM form, from the first to the last line.",
        ),
        TlsProblem::Other => (
            format!("The TLS handshake with {address} failed."),
            "Check Vault's listener: TLS 1.2 or 1.3 and a valid certificate are needed.",
        ),
    };
    Explanation::new(what, fix)
}
