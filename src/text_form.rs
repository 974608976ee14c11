//! Types that are stored and sent as their text, `#[serde(try_from = "String", into = "String")]`: what serde needs
//! follows from how they are written and read.

/// For types with `Display` and `FromStr`.
macro_rules! text_form {
    ($($name:ident),*) => {$(
        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.to_string()
            }
        }
        impl TryFrom<String> for $name {
            type Error = <$name as std::str::FromStr>::Err;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }
    )*};
}
pub(crate) use text_form;
