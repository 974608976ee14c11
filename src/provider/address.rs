//! Addresses that no secret manager has, whatever a provider or a name server says.
//!
//! Private and loopback addresses are allowed: managers live there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why Postern never connects to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forbidden {
    /// 169.254/16 and fe80::/10. Clouds answer there with the machine's own credentials.
    LinkLocal,
    /// Where a cloud answers with the machine's own credentials outside of the link-local range:
    /// fd00:ec2::254 and ::23 (AWS) and 100.100.100.200 (Alibaba Cloud).
    CloudMetadata,
    /// 0.0.0.0 and `::`, which lead to this machine by a side door.
    Unspecified,
    Multicast,
}

impl Forbidden {
    /// What the address is, within a sentence.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::LinkLocal => "a link-local address, where clouds hand out the machine's own credentials",
            Self::CloudMetadata => "the address where a cloud hands out the machine's own credentials",
            Self::Unspecified => "the unspecified address, which is no server's",
            Self::Multicast => "a multicast address, which is no server's",
        }
    }
}

/// Whether Postern may never connect to `address`, and why. An IPv4 address in IPv6's clothes
/// (`::ffff:169.254.169.254`, `64:ff9b::…` of RFC 6052) is judged as what it is.
#[must_use]
pub fn forbidden(address: IpAddr) -> Option<Forbidden> {
    match address {
        IpAddr::V4(address) => forbidden_v4(address),
        IpAddr::V6(address) => match embedded(address) {
            Some(address) => forbidden_v4(address),
            None => forbidden_v6(address),
        },
    }
}

fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    if let [0x64, 0xff9b, 0, 0, 0, 0, high, low] = address.segments() {
        return Some(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    }
    address.to_ipv4_mapped()
}

fn forbidden_v4(address: Ipv4Addr) -> Option<Forbidden> {
    match address {
        _ if address.is_link_local() => Some(Forbidden::LinkLocal),
        _ if address == Ipv4Addr::new(100, 100, 100, 200) => Some(Forbidden::CloudMetadata),
        // The whole of 0/8 is "this network" (RFC 791).
        _ if address.octets()[0] == 0 => Some(Forbidden::Unspecified),
        _ if address.is_multicast() || address.is_broadcast() => Some(Forbidden::Multicast),
        _ => None,
    }
}

fn forbidden_v6(address: Ipv6Addr) -> Option<Forbidden> {
    match address {
        _ if address.is_unicast_link_local() => Some(Forbidden::LinkLocal),
        _ if matches!(address.segments(), [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254 | 0x23]) => {
            Some(Forbidden::CloudMetadata)
        }
        _ if address.is_unspecified() => Some(Forbidden::Unspecified),
        _ if address.is_multicast() => Some(Forbidden::Multicast),
        _ => None,
    }
}

/// Where AWS gives a machine or a container its own credentials: instances (IMDS), ECS, and EKS Pod Identity.
/// Forbidden like all of these addresses but to the SDK's own chain, where the server's configuration allows that.
#[must_use]
pub fn gives_aws_credentials(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => matches!(address.octets(), [169, 254, 169, 254] | [169, 254, 170, 2 | 23]),
        IpAddr::V6(address) => matches!(address.segments(), [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254 | 0x23]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_aws_gives_credentials_is_forbidden_to_all_others() {
        for (address, gives) in [
            ("169.254.169.254", true),
            ("169.254.170.2", true),
            ("169.254.170.23", true),
            ("fd00:ec2::254", true),
            ("fd00:ec2::23", true),
            ("169.254.169.253", false),
            ("100.100.100.200", false),
            ("127.0.0.1", false),
        ] {
            let address = address.parse().unwrap();
            assert_eq!(gives_aws_credentials(address), gives, "{address}");
            assert!(!gives || forbidden(address).is_some(), "{address}");
        }
    }

    #[test]
    fn what_is_never_connected_to() {
        for (address, expected) in [
            ("169.254.169.254", Some(Forbidden::LinkLocal)),
            ("169.254.170.2", Some(Forbidden::LinkLocal)),
            ("169.254.0.1", Some(Forbidden::LinkLocal)),
            ("fe80::1", Some(Forbidden::LinkLocal)),
            ("febf::1", Some(Forbidden::LinkLocal)),
            ("::ffff:169.254.169.254", Some(Forbidden::LinkLocal)),
            ("64:ff9b::a9fe:a9fe", Some(Forbidden::LinkLocal)),
            ("fd00:ec2::254", Some(Forbidden::CloudMetadata)),
            ("fd00:ec2::23", Some(Forbidden::CloudMetadata)),
            ("100.100.100.200", Some(Forbidden::CloudMetadata)),
            ("::ffff:100.100.100.200", Some(Forbidden::CloudMetadata)),
            ("0.0.0.0", Some(Forbidden::Unspecified)),
            ("0.1.2.3", Some(Forbidden::Unspecified)),
            ("::", Some(Forbidden::Unspecified)),
            ("::ffff:0.0.0.0", Some(Forbidden::Unspecified)),
            ("224.0.0.1", Some(Forbidden::Multicast)),
            ("255.255.255.255", Some(Forbidden::Multicast)),
            ("ff02::1", Some(Forbidden::Multicast)),
            ("127.0.0.1", None),
            ("::1", None),
            ("::ffff:127.0.0.1", None),
            ("10.0.0.1", None),
            ("192.168.1.1", None),
            ("172.16.0.1", None),
            ("100.100.100.201", None),
            ("fd00::1", None),
            ("fec0::1", None),
            ("203.0.113.1", None),
            ("52.94.0.1", None),
            ("2001:db8::1", None),
        ] {
            assert_eq!(forbidden(address.parse().unwrap()), expected, "{address}");
        }
    }
}
