//! The plugins of one request in the order in which they run: by phase, then by priority, the higher first.

use super::condition::When;
use super::fill::{OfKept, OfRequest};
use super::{Access, Answer, Plugin, compile};
use crate::own_answer::OwnBody;
use crate::reject::Reject;
use postern::plugin::condition::Condition;
use postern::plugin::variable::Variable;
use postern::plugin::{OnConsumer, Phase, PluginConfig, PluginName};
use postern::snapshot::LiveField;
use std::cmp::Reverse;
use std::sync::Arc;

/// A plugin with what its configuration says about its running.
pub(crate) struct Installed {
    pub(crate) name: PluginName,
    pub(crate) plugin: Plugin,
    place: (Phase, Reverse<i32>, PluginName),
    /// Stands in for the body of its refusals.
    refusal: Option<OwnBody>,
    /// Which requests it runs for; absent for all.
    filter: Option<When>,
}

/// Plugins in order.
#[derive(Clone, Default)]
pub(crate) struct Chain {
    plugins: Vec<Arc<Installed>>,
    /// How many of them are of the rewrite phase; they stand first.
    rewrites: usize,
    /// Those whose configuration says that they are not run.
    disabled: Vec<PluginName>,
    /// Whether one of them changes answers.
    answers: bool,
}

/// The plugins of a route with those of a consumer, which replace the ones of the same name. Both are in order already: for
/// a request nothing is sorted, or kept.
#[derive(Clone, Copy)]
pub(crate) struct Overlaid<'a> {
    of_route: &'a Chain,
    of_consumer: &'a Chain,
}

/// Runs plugins until one of them refuses the request.
pub(crate) async fn run<'p>(
    plugins: impl IntoIterator<Item = &'p Arc<Installed>>,
    access: &mut Access<'_>,
) -> Result<(), Reject> {
    for installed in plugins {
        installed.run(access).await?;
    }
    Ok(())
}

impl Installed {
    /// Lets the request pass, changed or not, or refuses it.
    async fn run(&self, access: &mut Access<'_>) -> Result<(), Reject> {
        if !self.is_for(access) {
            return Ok(());
        }
        self.plugin.access(access).await.map_err(|reject| {
            access.answer.refused_by = Some(self.name);
            match &self.refusal {
                Some(body) => reject.with_body(body),
                None => reject,
            }
        })
    }

    /// Changes an answer, if it is one that it changes.
    pub(crate) async fn answer(&self, answer: &mut Answer<'_>) {
        if self.filter.as_ref().is_none_or(|filter| filter.holds(&OfKept(answer.record))) {
            self.plugin.answer(answer).await;
        }
    }

    /// Whether it runs for this request.
    pub(super) fn is_for(&self, access: &Access<'_>) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter.holds(&OfRequest { access, captures: &[] }))
    }

    /// The variables of the request that say whether it changes the answer.
    pub(super) fn filter_variables(&self) -> Vec<&Variable> {
        self.filter.as_ref().map(When::of_requests).unwrap_or_default()
    }

    fn compile(owner: &str, config: &PluginConfig<LiveField>) -> Result<Self, String> {
        let (name, meta) = (config.name(), config.meta());
        let about = name.about();
        Ok(Self {
            name,
            plugin: compile(owner, config)?,
            place: (about.phase, Reverse(meta.priority.unwrap_or(about.priority)), name),
            refusal: meta.error_response.as_ref().map(OwnBody::of),
            filter: meta.filter.map(|filter| When::compile(&Condition::try_from(filter)?)).transpose()?,
        })
    }
}

impl Chain {
    /// Each configuration with whom it belongs to: a service, a route, a consumer.
    ///
    /// # Errors
    /// Why one of them cannot be enforced, for the log.
    pub(crate) fn compile<'a>(
        configs: impl IntoIterator<Item = (&'a str, &'a PluginConfig<LiveField>)>,
    ) -> Result<Self, String> {
        let (mut plugins, mut disabled) = (Vec::new(), Vec::new());
        for (owner, config) in configs {
            if config.meta().disable {
                disabled.push(config.name());
            } else {
                plugins.push(Arc::new(Installed::compile(owner, config)?));
            }
        }
        Ok(Self::of(plugins, disabled))
    }

    fn of(mut plugins: Vec<Arc<Installed>>, disabled: Vec<PluginName>) -> Self {
        plugins.sort_by_key(|installed| installed.place);
        let rewrites = plugins.partition_point(|installed| installed.place.0 == Phase::Rewrite);
        let answers = plugins.iter().any(|installed| installed.plugin.answers());
        Self { plugins, rewrites, disabled, answers }
    }

    /// Who it comes from, and what it is made into.
    pub(crate) fn rewrite(&self) -> &[Arc<Installed>] {
        &self.plugins[..self.rewrites]
    }

    /// Whether it may pass.
    pub(crate) fn access(&self) -> &[Arc<Installed>] {
        &self.plugins[self.rewrites..]
    }

    /// Those that change answers.
    pub(crate) fn answering(&self) -> impl Iterator<Item = &Arc<Installed>> {
        // Most chains have none.
        let all: &[Arc<Installed>] = if self.answers { &self.plugins } else { &[] };
        all.iter().filter(|installed| installed.plugin.answers())
    }

    pub(crate) fn has(&self, plugin: PluginName) -> bool {
        self.disabled.contains(&plugin) || self.plugins.iter().any(|installed| installed.name == plugin)
    }

    /// Whether its configuration says that it is not run.
    pub(crate) fn is_disabled(&self, plugin: PluginName) -> bool {
        self.disabled.contains(&plugin)
    }

    /// The plugin, if it is one of these and runs.
    pub(crate) fn get(&self, plugin: PluginName) -> Option<&Plugin> {
        self.plugins.iter().find(|installed| installed.name == plugin).map(|installed| &installed.plugin)
    }

    /// These with those of a consumer.
    pub(crate) fn overlaid_by<'a>(&'a self, of_consumer: &'a Self) -> Overlaid<'a> {
        Overlaid { of_route: self, of_consumer }
    }
}

impl<'a> Overlaid<'a> {
    /// What is to run before it is known whether the request may pass, and has not run for the route.
    pub(crate) fn added_rewrite(self) -> impl Iterator<Item = &'a Arc<Installed>> {
        self.of_the_consumer(self.of_consumer.rewrite()).filter(move |installed| !self.of_route.has(installed.name))
    }

    /// Whether it may pass.
    pub(crate) fn access(self) -> impl Iterator<Item = &'a Arc<Installed>> {
        in_order(self.of_the_route(self.of_route.access()), self.of_the_consumer(self.of_consumer.access()))
    }

    /// Those that change answers.
    pub(crate) fn answering(self) -> impl Iterator<Item = &'a Arc<Installed>> {
        in_order(self.of_the_route(&self.of_route.plugins), self.of_the_consumer(&self.of_consumer.plugins))
            .filter(|installed| installed.plugin.answers())
    }

    fn of_the_route(self, plugins: &'a [Arc<Installed>]) -> impl Iterator<Item = &'a Arc<Installed>> {
        plugins.iter().filter(move |installed| !self.of_consumer.has(installed.name))
    }

    fn of_the_consumer(self, plugins: &'a [Arc<Installed>]) -> impl Iterator<Item = &'a Arc<Installed>> {
        plugins.iter().filter(|installed| installed.runs_for_a_consumer())
    }
}

/// Two lists that are in order as one that is.
fn in_order<'a>(
    left: impl Iterator<Item = &'a Arc<Installed>>,
    right: impl Iterator<Item = &'a Arc<Installed>>,
) -> impl Iterator<Item = &'a Arc<Installed>> {
    let (mut left, mut right) = (left.peekable(), right.peekable());
    std::iter::from_fn(move || match (left.peek(), right.peek()) {
        (Some(one), Some(other)) if one.place <= other.place => left.next(),
        (Some(_), None) => left.next(),
        _ => right.next(),
    })
}

impl Installed {
    /// What a consumer has for the plugin of a route to find, as the user of ldap-auth, does nothing by itself.
    fn runs_for_a_consumer(&self) -> bool {
        matches!(self.name.about().on_consumer, OnConsumer::AsOnRoute)
    }
}
