//! Ranges of addresses: `10.0.0.0/8`, `2001:db8::/32`, or one address alone.

use super::schema::{Form, Kind};
use crate::text_form::text_form;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

/// A range of addresses, with the text it was given as.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network {
    text: String,
    range: IpNet,
}

/// Why a text names no network: a sentence for its field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NetworkError(String);

impl Network {
    /// Whether the address is in it. `address` is not an IPv4 address in IPv6 form: see `IpAddr::to_canonical`.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.range.contains(&address)
    }
}

/// A range of addresses as a field.
pub(super) const NETWORK: Kind = Kind::Form(&Form { pattern: "^[0-9A-Fa-f:.]+(/[0-9]{1,3})?$", read: is_network });

fn is_network(text: &str) -> Result<(), String> {
    text.parse::<Network>().map(drop).map_err(|error| error.to_string())
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let range: Option<IpNet> = text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
        let Some(range) = range else {
            return Err(NetworkError(
                "This is an address or a range of addresses, such as 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32."
                    .to_owned(),
            ));
        };
        if is_mapped(range) {
            return Err(NetworkError(
                "No request comes from an IPv4 address in IPv6 form. Write it as an IPv4 address.".to_owned(),
            ));
        }
        Ok(Self { text: text.to_owned(), range })
    }
}

/// It would never match, since addresses are compared in their own form.
fn is_mapped(range: IpNet) -> bool {
    match range {
        IpNet::V4(_) => false,
        IpNet::V6(range) => range.prefix_len() >= 96 && Ipv6Addr::to_ipv4_mapped(&range.addr()).is_some(),
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

text_form!(Network);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_in_a_range_or_not() {
        for (network, address, is_in) in [
            ("127.0.0.1", "127.0.0.1", true),
            ("127.0.0.1", "127.0.0.2", false),
            ("127.0.0.1/32", "127.0.0.1", true),
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.0", false),
            ("113.74.26.106/24", "113.74.26.1", true),
            ("113.74.26.106/24", "113.74.27.106", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "::1", false),
            ("::1", "::1", true),
            ("2001:db8::/32", "2001:db8:1::7", true),
            ("2001:db8::/32", "2001:db9::", false),
            ("::/0", "2001:db8::1", true),
            ("::/0", "192.0.2.1", false),
            ("fe80::/10", "fe80::1", true),
        ] {
            let network: Network = network.parse().unwrap();
            assert_eq!(network.contains(address.parse().unwrap()), is_in, "{network} {address}");
        }
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in [
            "",
            "a",
            "10.0.0.0/33",
            "10.0.0",
            "10.0.0.0/-1",
            "10.0.0.0/8/8",
            "::/129",
            "127.0.0.1:80",
            " 10.0.0.1",
            "::ffff:10.0.0.0/104",
            "::ffff:10.0.0.1",
        ] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }
}
