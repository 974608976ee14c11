//! What stands in place of a page that cannot be shown.

use crate::error::AppError;
use crate::title::PageTitle;
use leptos::prelude::*;
use postern::control::ControlError;
use ui::{Dialog, DialogBody, DialogFoot, Glyph, Icon};

/// The page's data could not be had.
#[component]
pub fn LoadFailure(error: AppError) -> impl IntoView {
    ui::ready_scope();
    let title = match &error {
        AppError::Control(ControlError::NotFound { what, .. }) => format!("No such {what}"),
        _ => "This page cannot be shown".to_owned(),
    };
    view! {
        <PageTitle text=title.clone()/>
        <div class="card empty">
            <Icon glyph=Glyph::Offline/>
            <h1>{title}</h1>
            <p>{error.sentence()}</p>
            <a class="link" href="/">"Go to the overview"</a>
        </div>
    }
    .into_any()
}

/// The code of a page's dialogs could not be fetched.
#[component]
pub fn DialogFailure(on_close: Callback<()>) -> impl IntoView {
    view! {
        <Dialog title="This dialog cannot be shown" on_close>
            <DialogBody>
                <NotFetched/>
            </DialogBody>
            <DialogFoot dismiss="Close"/>
        </Dialog>
    }
    .into_any()
}

#[component]
fn NotFetched() -> impl IntoView {
    view! {
        <p>
            "The browser could not fetch this part of the dashboard: Postern does not answer, or has been updated \
            since the dashboard was opened."
        </p>
        // Through the server, which has the code that belongs to its answer.
        <a class="link" href="" rel="external">"Load the page anew"</a>
    }
    .into_any()
}

/// The page's own code could not be fetched: the server is away, or is another version by now.
#[component]
pub fn CodeFailure() -> impl IntoView {
    view! {
        <PageTitle text="This page cannot be shown"/>
        <div class="card empty">
            <Icon glyph=Glyph::Offline/>
            <h1>"This page cannot be shown"</h1>
            <NotFetched/>
        </div>
    }
    .into_any()
}

/// What stands in place of a dialog about something that is not there.
#[component]
pub fn Gone(what: &'static str, name: String, on_close: Callback<()>) -> impl IntoView {
    view! {
        <Dialog title=format!("No such {what}") on_close>
            <DialogBody>
                <p>{format!("There is no {what} '{name}'. It may have been deleted meanwhile.")}</p>
            </DialogBody>
            <DialogFoot dismiss="Close"/>
        </Dialog>
    }
    .into_any()
}
