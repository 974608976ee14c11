//! A field of a plugin's configuration that holds a secret, whosever the plugin is.

use super::schema;
use super::{OnConsumer, Placement, PluginConfig, PluginName, SecretAt};
use crate::resolve::Failure;
use crate::sensitive::Plain;

/// Where a secret stands. All that is said of a value there depends on this alone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretPlace {
    pub plugin: PluginName,
    pub placement: Placement,
    pub at: SecretAt,
}

impl SecretPlace {
    /// Whether requests find a consumer by what stands there.
    #[must_use]
    pub fn is_known_by(&self) -> bool {
        let known_by = match (self.placement, self.plugin.about().on_consumer) {
            (Placement::Consumer, OnConsumer::With { known_by, .. }) => known_by,
            _ => None,
        };
        known_by.is_some_and(|known_by| known_by.field == self.at.as_str())
    }

    /// Whether the value of a reference may stand there.
    ///
    /// # Errors
    /// [`Failure::Unfit`]: it breaks the rule that a text typed in there must not break either.
    pub fn check(&self, value: &Plain) -> Result<(), Failure> {
        let fields = self.plugin.about().fields(self.placement);
        #[expect(clippy::disallowed_methods, reason = "looked at by the rules of its field; nothing of it is kept")]
        let checked = schema::check_value(fields, self.at.as_str(), value.expose());
        checked.map_err(|rule| Failure::Unfit { field: self.at.to_string(), rule })
    }
}

impl<F> PluginConfig<F> {
    /// Where one of its secrets stands.
    #[must_use]
    pub fn place(&self, at: &SecretAt) -> SecretPlace {
        SecretPlace { plugin: self.name(), placement: self.placement(), at: at.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reason::Reason;
    use Placement::{Consumer, Route};

    fn place(plugin: PluginName, placement: Placement, at: &str) -> SecretPlace {
        SecretPlace { plugin, placement, at: SecretAt::new(at) }
    }

    /// The code of the rule that the value breaks there, and what is said of it: nothing of the value.
    fn check(place: &SecretPlace, value: &str, expected: Option<(Reason, &str)>) {
        let failure = place.check(&Plain::new(value.to_owned())).err();
        assert_eq!(failure.as_ref().map(Failure::reason), expected.map(|(reason, _)| reason), "{place:?}");
        let (Some(failure), Some((_, part))) = (failure, expected) else { return };
        let told = format!("{:?} {failure:?}", failure.explain());
        assert!(told.contains(part) && told.contains(place.at.as_str()), "{told}");
        assert!(!told.contains("canary"), "{told}");
    }

    #[test]
    fn a_value_that_breaks_its_fields_rule_is_told_by_the_rule() {
        use PluginName::{AuthzCasdoor, LdapAuth, LimitCount, ProxyRewrite, ResponseRewrite, WolfRbac};
        let long = "canary".repeat(1000);
        let too_long = Some((Reason::FieldTooLong, "longer than 4096"));
        let form = |part| Some((Reason::FieldWrongForm, part));
        for (plugin, placement, at) in [
            (LimitCount, Route, "redis_username"),
            (LimitCount, Route, "redis_password"),
            (LimitCount, Route, "sentinel_username"),
            (LimitCount, Consumer, "sentinel_password"),
            (AuthzCasdoor, Route, "client_id"),
            (AuthzCasdoor, Route, "client_secret"),
            (LdapAuth, Consumer, "user_dn"),
            (WolfRbac, Consumer, "appid"),
            (ProxyRewrite, Route, "headers/set/X-A"),
            (ProxyRewrite, Route, "headers/X-A/1"),
            (ResponseRewrite, Route, "headers/set/x~1y"),
        ] {
            check(&place(plugin, placement, at), &long, too_long);
        }
        for (plugin, placement, at, value, expected) in [
            (LimitCount, Route, "redis_password", "", Some((Reason::FieldEmpty, "is empty"))),
            (LimitCount, Route, "redis_password", "canary", None),
            (LdapAuth, Consumer, "user_dn", "canary", form("type=value")),
            (LdapAuth, Consumer, "user_dn", "cn=canary;", form("not escaped")),
            (LdapAuth, Consumer, "user_dn", "cn=canary,ou=users", None),
            (WolfRbac, Consumer, "appid", "can#canary", form("no '#'")),
            (WolfRbac, Consumer, "appid", "canary", None),
            (ProxyRewrite, Route, "headers/set/X-A", "canary\ncanary", form("no line ends")),
            // It is no text with variables.
            (ProxyRewrite, Route, "headers/set/X-A", "${canary", None),
            (ProxyRewrite, Route, "headers/add/X-A/0", "$arg_canary-$", None),
            (ResponseRewrite, Route, "headers/X-A", "canary\0", form("no line ends")),
        ] {
            check(&place(plugin, placement, at), value, expected);
        }
    }

    #[test]
    fn what_is_typed_in_and_what_a_reference_gives_are_judged_alike() {
        for (json, at, value) in [
            (r#"{"user_dn": "VALUE"}"#, "user_dn", "users"),
            (r#"{"user_dn": "VALUE"}"#, "user_dn", "cn=user01,ou=users"),
            (r#"{"user_dn": "VALUE"}"#, "user_dn", &format!("cn={}", "a".repeat(5000))),
        ] {
            let typed = PluginConfig::parse_for(Consumer, PluginName::LdapAuth, &json.replace("VALUE", value));
            let given = place(PluginName::LdapAuth, Consumer, at).check(&Plain::new(value.to_owned()));
            assert_eq!(typed.is_ok(), given.is_ok(), "{typed:?} {given:?}");
        }
    }

    /// Whoever adds a field with a secret: its rules repeat nothing of the value.
    #[test]
    fn no_rule_of_any_field_repeats_a_value() {
        for plugin in PluginName::ALL {
            for placement in [Route, Consumer] {
                for at in plugin.secret_fields(placement) {
                    for value in
                        ["canary", "can\ncanary", "$canary", "canary=canary;", "#canary\0", "${canary", " canary "]
                    {
                        if let Err(failure) = place(*plugin, placement, &at).check(&Plain::new(value.to_owned())) {
                            let told = format!("{failure:?} {:?}", failure.explain());
                            assert!(!told.contains("canary"), "{told}");
                        }
                    }
                }
            }
        }
    }
}
