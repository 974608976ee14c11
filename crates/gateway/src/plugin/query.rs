//! Arguments of a query string.

use super::auth::Several;
use percent_encoding::percent_decode;
use std::borrow::Cow;

/// The value of the argument `name`; two different ones are none.
pub(super) fn find<'q>(query: &'q str, name: &str) -> Result<Option<Cow<'q, [u8]>>, Several> {
    let mut values = query.split('&').filter(|pair| is_named(pair, name)).map(value_of);
    let Some(first) = values.next() else { return Ok(None) };
    if values.any(|other| other != first) { Err(Several) } else { Ok(Some(first)) }
}

/// The query without the argument `name`, otherwise as it was; `None` when nothing is left.
pub(super) fn without(query: &str, name: &str) -> Option<String> {
    let kept: Vec<&str> = query.split('&').filter(|pair| !is_named(pair, name)).collect();
    if kept.is_empty() { None } else { Some(kept.join("&")) }
}

fn is_named(pair: &str, name: &str) -> bool {
    let spelled = pair.split_once('=').map_or(pair, |(name, _)| name);
    *form_decoded(spelled) == *name.as_bytes()
}

fn value_of(pair: &str) -> Cow<'_, [u8]> {
    form_decoded(pair.split_once('=').map_or("", |(_, value)| value))
}

/// `+` is a blank, `%41` is `A` (HTML forms; nginx's `ngx.req.get_uri_args`).
fn form_decoded(text: &str) -> Cow<'_, [u8]> {
    if text.contains('+') {
        return percent_decode(text.replace('+', " ").as_bytes()).collect::<Vec<u8>>().into();
    }
    percent_decode(text.as_bytes()).into()
}
