//! What the variables in plugin configurations stand for in one request.

use super::Access;
use super::query::argument;
use http::header::COOKIE;
use postern::plugin::variable::{Part, Template, Variable};

/// The variable's text; nothing when the request does not have it, or has it empty.
pub(super) fn value(variable: &Variable, access: &Access<'_>) -> Option<String> {
    let scene = access.scene;
    let text = match variable {
        Variable::RemoteAddr => scene.client.to_string(),
        Variable::ConsumerName => access.identity.as_ref()?.consumer.name.to_string(),
        Variable::RequestMethod => access.method.to_string(),
        Variable::Uri => scene.path.to_owned(),
        Variable::RequestUri => access.target.to_string(),
        Variable::Args => access.query.clone()?,
        Variable::Scheme => scene.scheme.to_owned(),
        Variable::Host => scene.host.to_owned(),
        Variable::RouteId => scene.route.to_owned(),
        Variable::ServiceId => scene.service.to_owned(),
        Variable::Http(name) => String::from_utf8_lossy(access.headers.get(name)?.as_bytes()).into_owned(),
        Variable::Arg(name) => argument(access.query.as_deref()?, name)?,
        Variable::Cookie(name) => cookie(access, name)?,
    };
    Some(text).filter(|text| !text.is_empty())
}

/// The template's text; nothing when it has variables and none of them is in the request.
pub(super) fn render(template: &Template, access: &Access<'_>) -> Option<String> {
    let (mut text, mut variables, mut found) = (String::new(), 0, 0);
    for part in template.parts() {
        match part {
            Part::Text(plain) => text.push_str(plain),
            Part::Variable(variable) => {
                variables += 1;
                if let Some(value) = value(variable, access) {
                    found += 1;
                    text.push_str(&value);
                }
            }
        }
    }
    (variables == 0 || found > 0).then_some(text)
}

fn cookie(access: &Access<'_>, name: &str) -> Option<String> {
    let lines = access.headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(other, _)| *other == name).map(|(_, value)| value.to_owned())
}
