//! References, as they look everywhere: mono on violet, and violet means nothing else.

use crate::parts::group::paths;
use leptos::prelude::*;
use postern::env_ref::EnvRef;
use postern::provider::Manager;
use postern::reference::Reference;
use postern::secret_ref::{RefError, SecretRef};
use postern::selection::{Encoding, Pin, Selector};
use ui::{Glyph, Icon};

/// A reference; leads to its provider, if it has one.
#[component]
pub fn ReferenceChip(reference: Reference) -> impl IntoView {
    let text = reference.to_string();
    match reference {
        Reference::Secret(secret) => {
            let key = secret.provider_key();
            view! {
                <span class="ref-chip">
                    <Icon glyph=Glyph::Provider/>
                    <a href=paths().provider(&key) title="Open the secret provider">{text}</a>
                </span>
            }
            .into_any()
        }
        Reference::Env(_) => view! {
            <span class="ref-chip">
                <Icon glyph=Glyph::Reference/>
                <span title="A variable of the environment that Postern was started with">{text}</span>
            </span>
        }
        .into_any(),
    }
}

/// What a reference to the environment says.
#[component]
pub fn EnvParts(reference: EnvRef) -> impl IntoView {
    let selector = reference.selector();
    let key = (!selector.key.is_empty()).then(|| {
        view! {
            "the key "
            <code class="text-ref">{selector.key.clone()}</code>
            " of the JSON in "
        }
    });
    view! {
        "Reads "
        {key}
        "the environment variable "
        <code class="text-ref">{reference.name().to_owned()}</code>
        ", as it was when Postern was started."
        {steps(selector)}
    }
    .into_any()
}

/// What a reference says, part by part.
#[component]
pub fn ReferenceParts(reference: SecretRef) -> impl IntoView {
    let provider = format!("{}/{}", reference.manager().slug(), reference.provider());
    let through = view! {
        {version(&reference)}
        " through the secret provider "
        <code class="text-ref">{provider}</code>
        "."
        {steps(reference.selector())}
    };
    let path = reference.path().join("/");
    match (reference.manager(), reference.key()) {
        (Manager::Vault, key) => view! {
            "Reads the key "
            <code class="text-ref">{key.to_owned()}</code>
            " of the secret "
            <code class="text-ref">{path}</code>
            {through}
        }
        .into_any(),
        (Manager::Kubernetes, key) => view! {
            "Reads the key "
            <code class="text-ref">{key.to_owned()}</code>
            " of the Secret "
            <code class="text-ref">{path}</code>
            {through}
        }
        .into_any(),
        (Manager::Aws, "") => view! {
            "Reads the whole secret "
            <code class="text-ref">{path}</code>
            {through}
        }
        .into_any(),
        (Manager::Aws, key) => view! {
            "Reads the secret "
            <code class="text-ref">{format!("{path}/{key}")}</code>
            " if there is one, else the key "
            <code class="text-ref">{key.to_owned()}</code>
            " of the secret "
            <code class="text-ref">{path}</code>
            {through}
        }
        .into_any(),
    }
}

/// ", in version 3,", where the reference names one.
fn version(reference: &SecretRef) -> Option<impl IntoView + use<>> {
    let (before, named) = match reference.pin()? {
        Pin::Version(number) => (", in version ", number.to_string()),
        Pin::VersionId(id) => (", in the version ", id.clone()),
        Pin::Stage(stage) => (", in the version with the stage ", stage.clone()),
    };
    Some(view! {
        {before}
        <code class="text-ref">{named}</code>
        ","
    })
}

/// What is done to the value, where the reference says.
fn steps(selector: &Selector) -> impl IntoView + use<> {
    let decode = selector.decode.map(|encoding| match encoding {
        Encoding::Base64 => " The value is decoded from base64.",
    });
    let pointer = selector.pointer.as_ref().map(|pointer| {
        view! {
            " The value is JSON, and what stands at "
            <code class="text-ref">{pointer.to_string()}</code>
            " in it is used."
        }
    });
    view! {
        {decode}
        {pointer}
    }
}

/// A text that is no reference, with the part at fault underlined, and why, unless that is told already.
#[component]
pub fn Malformed(text: String, error: RefError, #[prop(optional)] is_told: bool) -> impl IntoView {
    let [before, fault, after] = split(&text, &error);
    view! {
        <p class="ref-text text-xs" aria-hidden="true">
            {before}
            <mark>{fault}</mark>
            {after}
        </p>
        {(!is_told).then(|| view! { <p class="text-danger">{error.to_string()}</p> })}
    }
    .into_any()
}

/// The text around the part at fault. A fault at the end shows as a blank behind the text.
fn split(text: &str, error: &RefError) -> [String; 3] {
    let (start, end) = (error.at.start.min(text.len()), error.at.end.min(text.len()));
    let cut = |from: usize, to: usize| text.get(from..to).unwrap_or_default().to_owned();
    let fault = if start == end { "\u{a0}\u{a0}".to_owned() } else { cut(start, end) };
    [cut(0, start), fault, cut(end, text.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, parts: [&str; 3]) {
        let error = text.parse::<SecretRef>().unwrap_err();
        assert_eq!(split(text, &error), parts.map(str::to_owned), "{text}");
    }

    #[test]
    fn the_part_at_fault_is_cut_out() {
        check("$secret://Vault/v/a/k", ["$secret://", "Vault", "/v/a/k"]);
        check("$secret://vault/my-vault", ["$secret://vault/my-vault", "\u{a0}\u{a0}", ""]);
        check("$secret://vault/v/ä/../k", ["$secret://vault/v/ä/", "..", "/k"]);
        check("$secret://vault/v/a/k;x", ["$secret://vault/v/a/k", ";", "x"]);
        check("$secret://vault/v/a/k?version=x", ["$secret://vault/v/a/k?", "version=x", ""]);
    }
}
