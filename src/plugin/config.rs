//! The configuration of one plugin: its fields, checked, and its secrets apart from them.

use super::about::{KnownBy, OnConsumer, Placement, ServerAt};
use super::meta::{self, META, Meta};
use super::schema::{self, Field, found, is_reference, may_be_text, secret_patterns, with_defaults};
use super::text::parse_object;
use super::{EnteredField, MaskedField, PluginName, STORED};
use crate::name::ConsumerName;
use crate::problem::FieldProblem;
use crate::reference::Reference;
use crate::sensitive::SecretField;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt;

/// The configuration of one plugin. `F` is how its secrets are held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginConfig<F = MaskedField> {
    name: PluginName,
    placement: Placement,
    /// As they were entered. Where a secret stands, its [`SecretAt`].
    fields: Map<String, Value>,
    secrets: BTreeMap<SecretAt, F>,
}

/// Where in a configuration a secret stands: `redis_password`, `servers/0/password`. In a plugin's own type this
/// stands for the secret; [`PluginConfig::secret`] gives it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretAt(Box<str>);

impl SecretAt {
    /// The place with this path, without the first `/`.
    #[must_use]
    pub fn new(path: &str) -> Self {
        Self(path.into())
    }

    /// The path, without the first `/`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A stored configuration is none that this version knows. The text is for the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{plugin}: {why}")]
pub struct UnknownConfig {
    pub plugin: &'static str,
    pub why: String,
}

impl From<UnknownConfig> for String {
    fn from(unknown: UnknownConfig) -> Self {
        unknown.to_string()
    }
}

impl fmt::Display for SecretAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<F> PluginConfig<F> {
    /// Which plugin it configures.
    #[must_use]
    pub fn name(&self) -> PluginName {
        self.name
    }

    /// What it belongs to.
    #[must_use]
    pub fn placement(&self) -> Placement {
        self.placement
    }

    /// What it says about its own running.
    #[must_use]
    pub fn meta(&self) -> Meta {
        Meta::of(&self.fields)
    }

    /// The plugin's own type, made of the fields and of what holds for those that were left out. Each secret in it
    /// is its [`SecretAt`].
    ///
    /// # Errors
    /// The configuration was stored by a version that knew others.
    pub fn settings<T: DeserializeOwned>(&self) -> Result<T, UnknownConfig> {
        serde_json::from_value(Value::Object(self.full())).map_err(|error| self.unknown(error.to_string()))
    }

    pub(super) fn unknown(&self, why: String) -> UnknownConfig {
        UnknownConfig { plugin: self.name.slug(), why }
    }

    /// The fields with what holds for those that were left out; without `_meta`.
    pub(super) fn full(&self) -> Map<String, Value> {
        let mut full = with_defaults(self.own_fields(), &self.fields);
        full.remove(META);
        full
    }

    /// The secret that stands there.
    #[must_use]
    pub fn secret(&self, at: &SecretAt) -> Option<&F> {
        self.secrets.get(at)
    }

    /// Every secret, and where it stands.
    pub fn secrets(&self) -> impl Iterator<Item = (&SecretAt, &F)> {
        self.secrets.iter()
    }

    /// The consumers that it names, which must exist; each with its field.
    pub fn consumers(&self) -> impl Iterator<Item = (&'static str, ConsumerName)> + '_ {
        let naming = self.own_fields().iter().filter(|field| field.is_consumer);
        naming.filter_map(|field| Some((field.name, self.fields.get(field.name)?.as_str()?.parse().ok()?)))
    }

    /// How requests find the consumer that has this plugin, if they do.
    #[must_use]
    pub fn known_by(&self) -> Option<KnownBy> {
        match (self.placement, self.name.about().on_consumer) {
            (Placement::Consumer, OnConsumer::With { known_by, .. }) => known_by,
            _ => None,
        }
    }

    /// The servers that it names, which the gateway connects to.
    #[must_use]
    pub fn servers(&self) -> Vec<ServerAt> {
        self.name.about().servers_of(self.placement, &self.full())
    }

    /// The text of a field that holds no secret.
    #[must_use]
    pub fn text(&self, field: &str) -> Option<&str> {
        self.fields.get(field)?.as_str().filter(|_| !self.secrets.contains_key(&SecretAt::new(field)))
    }

    /// To whom its secrets are shown: one typed in for another server is not shown to this one.
    #[must_use]
    pub fn server(&self) -> Vec<Option<Value>> {
        let full = self.full();
        self.own_fields().iter().filter(|field| field.is_server).map(|field| full.get(field.name).cloned()).collect()
    }

    /// Converts the holder of every secret in it; `f` gets where it stands.
    ///
    /// # Errors
    /// Whatever `f` answers.
    pub fn try_map<G, E>(&self, mut f: impl FnMut(&SecretAt, &F) -> Result<G, E>) -> Result<PluginConfig<G>, E> {
        let secrets = self.secrets.iter().map(|(at, secret)| Ok((at.clone(), f(at, secret)?)));
        Ok(PluginConfig {
            name: self.name,
            placement: self.placement,
            fields: self.fields.clone(),
            secrets: secrets.collect::<Result<_, E>>()?,
        })
    }

    fn own_fields(&self) -> &'static [Field] {
        self.name.fields(self.placement)
    }

    /// The fields with each secret in its place, as `show` gives it.
    fn shown(&self, show: impl Fn(&F) -> Value) -> Value {
        let mut shown = Value::Object(self.fields.clone());
        for (at, secret) in &self.secrets {
            if let Some(place) = shown.pointer_mut(&format!("/{at}")) {
                *place = show(secret);
            }
        }
        shown
    }
}

impl<S> PluginConfig<SecretField<S>> {
    /// Its references, and where they stand.
    pub fn references(&self) -> impl Iterator<Item = (&SecretAt, &Reference)> {
        self.secrets.iter().filter_map(|(at, field)| Some((at, field.reference()?)))
    }

    /// The text for the JSON editor, in the order of the plugin's table: a reference as its text, and of a stored
    /// secret only that there is one.
    #[must_use]
    pub fn to_json(&self) -> String {
        let shown = self.shown(|field| match field {
            SecretField::Reference(reference) => reference.to_string().into(),
            SecretField::Literal(_) => STORED.into(),
        });
        serde_json::to_string_pretty(&InOrder { fields: &all_fields(self.placement, self.own_fields()), value: &shown })
            .unwrap_or_default()
    }
}

impl PluginConfig<EnteredField> {
    /// Reads the JSON editor's text for a service or route.
    ///
    /// # Errors
    /// As [`PluginConfig::parse_for`].
    pub fn parse(name: PluginName, text: &str) -> Result<Self, Vec<FieldProblem>> {
        Self::parse_for(Placement::Route, name, text)
    }

    /// Reads the JSON editor's text.
    ///
    /// # Errors
    /// Problems by JSON path (`/header`); `json` for text that is no JSON object, and for a plugin that cannot be
    /// there.
    pub fn parse_for(placement: Placement, name: PluginName, text: &str) -> Result<Self, Vec<FieldProblem>> {
        let about = name.about();
        if let (Placement::Consumer, OnConsumer::Refused(why)) = (placement, about.on_consumer) {
            return Err(vec![FieldProblem::new("json", why)]);
        }
        if placement == Placement::Metadata && about.metadata.is_empty() {
            return Err(vec![FieldProblem::new("json", format!("{} has no metadata.", about.slug))]);
        }
        let mut fields = parse_object(text).map_err(|why| vec![FieldProblem::new("json", why)])?;
        let own = about.fields(placement);
        let checked = schema::check(about.slug, &all_fields(placement, own), &fields);
        mark_secrets(&mut fields, own);
        let mut full = with_defaults(own, &fields);
        full.remove(META);
        // Of one field the first of these says the most.
        let mut problems: Vec<FieldProblem> = Vec::new();
        let servers = about.servers_of(placement, &full);
        let unreachable = servers.iter().filter_map(ServerAt::problem);
        let own =
            about.check(placement)(&full).into_iter().chain(unreachable).chain(meta::problem(name, placement, &fields));
        for problem in checked.misplaced.into_iter().chain(own).chain(checked.problems) {
            if problems.iter().all(|known| known.field != problem.field) {
                problems.push(problem);
            }
        }
        match problems.is_empty() {
            true => Ok(Self { name, placement, fields, secrets: checked.secrets }),
            false => Err(problems),
        }
    }
}

/// A plugin's own fields, and the one that all have that run.
pub(super) fn all_fields(placement: Placement, own: &[Field]) -> Vec<Field> {
    let meta = match placement {
        Placement::Route | Placement::Consumer => Some(meta::FIELD),
        // It does not run.
        Placement::Metadata => None,
    };
    own.iter().copied().chain(meta).collect()
}

/// Puts its path in the place of every secret.
fn mark_secrets(fields: &mut Map<String, Value>, own: &[Field]) -> Vec<(SecretAt, Value)> {
    let (texts, secrets): (Vec<_>, Vec<_>) = secret_patterns(own).into_iter().partition(|at| may_be_text(own, at));
    let (texts, secrets) = (found(fields, &texts), found(fields, &secrets));
    let mut object = Value::Object(std::mem::take(fields));
    let mut taken = Vec::new();
    for (path, is_secret) in
        texts.into_iter().map(|path| (path, false)).chain(secrets.into_iter().map(|path| (path, true)))
    {
        match object.pointer_mut(&format!("/{path}")) {
            Some(place) if is_secret || is_reference(place) => {
                taken.push((SecretAt::new(&path), std::mem::replace(place, Value::from(path))));
            }
            _ => {}
        }
    }
    if let Value::Object(marked) = object {
        *fields = marked;
    }
    taken
}

/// As it is stored and sent: `{"plugin": …, "config": …}`, each secret in its place.
#[derive(Serialize, Deserialize)]
struct Written {
    plugin: PluginName,
    #[serde(default, skip_serializing_if = "is_on_route")]
    on: Placement,
    config: Value,
}

fn is_on_route(placement: &Placement) -> bool {
    *placement == Placement::Route
}

impl<F: Serialize> Serialize for PluginConfig<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let config = self.shown(|secret| serde_json::to_value(secret).unwrap_or_default());
        Written { plugin: self.name, on: self.placement, config }.serialize(serializer)
    }
}

impl<'de, F: Deserialize<'de>> Deserialize<'de> for PluginConfig<F> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Written { plugin: name, on: placement, config } = Written::deserialize(deserializer)?;
        let Value::Object(mut fields) = config else { return Err(D::Error::custom("a plugin's config is an object")) };
        let secrets = mark_secrets(&mut fields, name.fields(placement));
        let secrets = secrets.into_iter().map(|(at, value)| Ok((at, F::deserialize(value)?)));
        // The cause may quote the secret.
        let secrets = secrets.collect::<Result<_, serde_json::Error>>();
        let secrets = secrets.map_err(|_| D::Error::custom("a secret in a plugin's config cannot be read"))?;
        Ok(Self { name, placement, fields, secrets })
    }
}

/// An object whose members are written in the order of a table.
struct InOrder<'a> {
    fields: &'a [Field],
    value: &'a Value,
}

impl Serialize for InOrder<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Value::Object(members) = self.value else { return self.value.serialize(serializer) };
        let place = |name: &str| self.fields.iter().position(|field| field.name == name).unwrap_or(usize::MAX);
        let mut ordered: Vec<(&String, &Value)> = members.iter().collect();
        ordered.sort_by_key(|(name, _)| place(name));
        serializer.collect_map(ordered)
    }
}

/// Converts the holder of every secret in all plugins; `f` gets the plugin and where the secret stands.
///
/// # Errors
/// Whatever `f` answers.
pub fn try_map_all<F, G, E>(
    plugins: &super::Plugins<F>,
    mut f: impl FnMut(PluginName, &SecretAt, &F) -> Result<G, E>,
) -> Result<super::Plugins<G>, E> {
    let convert = |(name, config): (&PluginName, &PluginConfig<F>)| {
        Ok((*name, config.try_map(|at, secret| f(*name, at, secret))?))
    };
    plugins.iter().map(convert).collect()
}

impl<F: Clone> PluginConfig<F> {
    /// The secret at a place that [`PluginConfig::settings`] gave.
    ///
    /// # Errors
    /// There is none; a configuration that was read whole has it.
    pub fn held(&self, at: &SecretAt) -> Result<F, UnknownConfig> {
        self.secrets.get(at).cloned().ok_or_else(|| self.unknown(format!("there is no secret at {at}")))
    }
}
