//! Distinguished names as texts (RFC 4514): made of a username without that changing what it means, and compared
//! however they are spelled.

use serde::Deserialize;
use std::fmt;

/// The longest name that is read, in bytes.
const LONGEST: usize = 8192;

/// A distinguished name, in one spelling: types in lower case, values escaped in one way, no blanks around them.
///
/// Values are compared as they are. Whether a directory tells `Ann` from `ann` is its own affair, and two users of
/// which it does must not become one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Dn(String);

/// Why a text is no distinguished name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DnError {
    #[error("It is empty; a distinguished name looks like cn=alice,ou=users,dc=example,dc=org.")]
    Empty,
    #[error("It is longer than {LONGEST} bytes.")]
    TooLong,
    #[error("It has a line break or a NUL, which no distinguished name needs.")]
    Control,
    #[error("Each part of a distinguished name is type=value, such as cn=alice.")]
    NoValue,
    #[error("A part begins with something that is no attribute type; a type is like cn, uid, ou, dc or 2.5.4.3.")]
    BadType,
    #[error("A '\\' stands before something that it cannot escape; write '\\\\' for a backslash itself.")]
    BadEscape,
    #[error("It has one of \" + ; < > that is not escaped: write '\\' before it.")]
    Unescaped,
    #[error("What its '\\' stand for is not UTF-8.")]
    NotUtf8,
}

impl std::str::FromStr for Dn {
    type Err = DnError;

    fn from_str(text: &str) -> Result<Self, DnError> {
        match text {
            _ if text.trim().is_empty() => return Err(DnError::Empty),
            _ if text.len() > LONGEST => return Err(DnError::TooLong),
            _ if text.contains(['\r', '\n', '\0']) => return Err(DnError::Control),
            _ => {}
        }
        let names = split(text, ',').into_iter().map(relative_name);
        Ok(Self(names.collect::<Result<Vec<_>, _>>()?.join(",")))
    }
}

impl Dn {
    /// `{attribute}={user},{self}`: the entry named `user` below this one.
    #[must_use]
    pub fn child(&self, attribute: &AttributeType, user: &str) -> Self {
        Self(format!("{attribute}={},{self}", escaped(user)))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Dn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What names an entry: `cn`, `uid`, or a number with dots (RFC 4512 §1.4). In lower case.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct AttributeType(String);

impl std::str::FromStr for AttributeType {
    type Err = DnError;

    fn from_str(text: &str) -> Result<Self, DnError> {
        let is_name = text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let is_numbers = text.contains('.') && text.split('.').all(is_number);
        if text.len() <= 256 && (is_name || is_numbers) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(DnError::BadType)
        }
    }
}

macro_rules! read_from_text {
    ($($kind:ty),*) => {$(
        impl TryFrom<String> for $kind {
            type Error = DnError;

            fn try_from(text: String) -> Result<Self, DnError> {
                text.parse()
            }
        }

        impl From<$kind> for String {
            fn from(name: $kind) -> Self {
                name.0
            }
        }
    )*};
}

read_from_text!(Dn, AttributeType);

impl fmt::Display for AttributeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `value` so that it is one value wherever it stands in a name (RFC 4514 §2.4). More is escaped than has to be:
/// what is escaped always means itself.
fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let last = value.chars().count().saturating_sub(1);
    for (index, character) in value.chars().enumerate() {
        match character {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' | '=' => text.extend(['\\', character]),
            '#' if index == 0 => text.push_str("\\#"),
            ' ' if index == 0 || index == last => text.push_str("\\ "),
            character if character.is_ascii_control() => text.push_str(&format!("\\{:02x}", u32::from(character))),
            character => text.push(character),
        }
    }
    text
}

/// Parts between separators that are not escaped.
fn split(text: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut begin, mut is_escaped) = (0, false);
    for (index, character) in text.char_indices() {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            character if character == separator => {
                parts.push(&text[begin..index]);
                begin = index + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[begin..]);
    parts
}

/// `cn=alice`, or several of them with `+`, whose order means nothing.
fn relative_name(text: &str) -> Result<String, DnError> {
    let mut pairs = split(text, '+').into_iter().map(pair).collect::<Result<Vec<_>, _>>()?;
    pairs.sort_unstable();
    Ok(pairs.join("+"))
}

fn pair(text: &str) -> Result<String, DnError> {
    let (attribute, value) = text.split_once('=').ok_or(DnError::NoValue)?;
    let attribute: AttributeType = attribute.trim_matches(' ').parse()?;
    let value = trimmed(value);
    if value.is_empty() {
        return Err(DnError::NoValue);
    }
    // A value in BER, in hex. It stays one: `#04…` and the text it stands for are not known to be the same.
    if let Some(hex) = value.strip_prefix('#') {
        let is_hex = !hex.is_empty() && hex.len() % 2 == 0 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        return is_hex.then(|| format!("{attribute}=#{}", hex.to_ascii_lowercase())).ok_or(DnError::Unescaped);
    }
    Ok(format!("{attribute}={}", escaped(&unescaped(value)?)))
}

/// Without the blanks around it, but with one that is escaped.
fn trimmed(value: &str) -> &str {
    let value = value.trim_start_matches(' ');
    let short = value.trim_end_matches(' ');
    let backslashes = short.len() - short.trim_end_matches('\\').len();
    match value[short.len()..].chars().next() {
        Some(blank) if backslashes % 2 == 1 => &value[..short.len() + blank.len_utf8()],
        _ => short,
    }
}

fn unescaped(value: &str) -> Result<String, DnError> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let [first, after @ ..] = rest {
        rest = match (first, after) {
            (b'\\', [high, low, after @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                bytes.push(digit(*high) << 4 | digit(*low));
                after
            }
            (b'\\', [special, after @ ..]) if b" \"#+,;<=>\\".contains(special) => {
                bytes.push(*special);
                after
            }
            (b'\\', _) => return Err(DnError::BadEscape),
            (b'"' | b'+' | b';' | b'<' | b'>', _) => return Err(DnError::Unescaped),
            (plain, after) => {
                bytes.push(*plain);
                after
            }
        };
    }
    if bytes.iter().any(|byte| matches!(byte, 0 | b'\r' | b'\n')) {
        return Err(DnError::Control);
    }
    String::from_utf8(bytes).map_err(|_| DnError::NotUtf8)
}

fn digit(hex: u8) -> u8 {
    match hex {
        b'0'..=b'9' => hex - b'0',
        _ => hex.to_ascii_lowercase() - b'a' + 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn dn(text: &str) -> Result<String, DnError> {
        text.parse::<Dn>().map(|dn| dn.to_string())
    }

    #[test]
    fn spellings_of_one_name_are_one() {
        let name = "cn=user01,ou=users,dc=example,dc=org";
        for spelling in [
            name,
            "CN=user01,OU=users,DC=example,dc=org",
            " cn = user01 , ou=users,dc=example , dc=org ",
            "cn=\\75ser01,ou=users,dc=example,dc=org",
            "cn=user\\30\\31,ou=users,dc=example,dc=org",
        ] {
            assert_eq!(dn(spelling).as_deref(), Ok(name), "{spelling}");
        }
        for (spelling, one) in [
            ("cn=a\\,b", "cn=a\\,b"),
            ("cn=a\\2cb", "cn=a\\,b"),
            ("cn=a\\2Cb", "cn=a\\,b"),
            ("cn=a=b", "cn=a\\=b"),
            ("cn=\\ a\\ ", "cn=\\ a\\ "),
            ("cn= \\ a\\   ", "cn=\\ a\\ "),
            ("cn=a\\\\ ", "cn=a\\\\"),
            ("cn=\\#a", "cn=\\#a"),
            ("cn=a#", "cn=a#"),
            ("cn=#04024869", "cn=#04024869"),
            ("cn=#04024869,DC=x", "cn=#04024869,dc=x"),
            ("sn=b+cn=a,dc=x", "cn=a+sn=b,dc=x"),
            ("2.5.4.3=a", "2.5.4.3=a"),
            ("cn=Lu\\C4\\8Di\\C4\\87", "cn=Lučić"),
        ] {
            assert_eq!(dn(spelling).as_deref(), Ok(one), "{spelling}");
        }
    }

    #[test]
    fn different_names_stay_different() {
        for (one, other) in [
            ("cn=ann,dc=x", "cn=Ann,dc=x"),
            ("cn=a  b,dc=x", "cn=a b,dc=x"),
            ("cn=a\\,dc\\=x", "cn=a,dc=x"),
            ("cn=a\\ ,dc=x", "cn=a,dc=x"),
            ("cn=a\\+sn\\=b,dc=x", "cn=a+sn=b,dc=x"),
            ("cn=\\#0401,dc=x", "cn=#0401,dc=x"),
        ] {
            assert_ne!(dn(one).unwrap(), dn(other).unwrap());
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for (text, error) in [
            ("", DnError::Empty),
            ("  ", DnError::Empty),
            ("alice", DnError::NoValue),
            ("cn=alice,", DnError::NoValue),
            ("cn=,dc=x", DnError::NoValue),
            ("cn=alice,,dc=x", DnError::NoValue),
            ("=alice", DnError::BadType),
            ("c n=alice", DnError::BadType),
            ("1.=alice", DnError::BadType),
            ("cn=a\\", DnError::BadEscape),
            ("cn=a\\zz", DnError::BadEscape),
            ("cn=a\\2", DnError::BadEscape),
            ("cn=\"a,b\"", DnError::Unescaped),
            ("cn=a;dc=x", DnError::Unescaped),
            ("cn=#zz", DnError::Unescaped),
            ("cn=a\nb", DnError::Control),
            ("cn=a\\0ab", DnError::Control),
            ("cn=a\\00", DnError::Control),
            ("cn=\\ff", DnError::NotUtf8),
        ] {
            assert_eq!(dn(text), Err(error), "{text:?}");
        }
        assert_eq!(dn(&format!("cn={}", "a".repeat(LONGEST))), Err(DnError::TooLong));
    }

    #[test]
    fn a_username_stays_one_value() {
        let base: Dn = "ou=users,dc=example,dc=org".parse().unwrap();
        let uid = "cn".parse().unwrap();
        for (user, expected) in [
            ("user01", "cn=user01,ou=users,dc=example,dc=org"),
            ("a,ou=admins", "cn=a\\,ou\\=admins,ou=users,dc=example,dc=org"),
            ("a+uid=b", "cn=a\\+uid\\=b,ou=users,dc=example,dc=org"),
            ("#0401", "cn=\\#0401,ou=users,dc=example,dc=org"),
            (" a ", "cn=\\ a\\ ,ou=users,dc=example,dc=org"),
            ("a\\2c", "cn=a\\\\2c,ou=users,dc=example,dc=org"),
            ("\"<>;", "cn=\\\"\\<\\>\\;,ou=users,dc=example,dc=org"),
            ("a\tb", "cn=a\\09b,ou=users,dc=example,dc=org"),
            ("Lučić", "cn=Lučić,ou=users,dc=example,dc=org"),
            ("*)(cn=*", "cn=*)(cn\\=*,ou=users,dc=example,dc=org"),
        ] {
            assert_eq!(base.child(&uid, user).as_str(), expected);
        }
    }

    proptest! {
        #[test]
        fn any_username_is_the_first_value_and_no_other(user in "[^\r\n\0]{1,40}", base in "[a-z]{1,9}") {
            let base: Dn = format!("dc={base}").parse().unwrap();
            let child = base.child(&"cn".parse().unwrap(), &user);
            let (first, rest) = child.as_str().split_at(child.as_str().len() - base.as_str().len() - 1);
            prop_assert_eq!(rest, format!(",{base}"));
            prop_assert_eq!(unescaped(first.strip_prefix("cn=").unwrap()).unwrap(), user);
            prop_assert_eq!(split(child.as_str(), ',').len(), 2);
            prop_assert_eq!(split(first, '+').len(), 1);
            prop_assert_eq!(child.as_str().parse::<Dn>().unwrap(), child);
        }

        #[test]
        fn reading_never_panics_and_is_done_after_once(text in "[cn=, +\\\\a-f0-9#\"]{0,40}") {
            if let Ok(name) = text.parse::<Dn>() {
                prop_assert_eq!(name.as_str().parse::<Dn>().unwrap(), name);
            }
        }
    }
}
