//! What every list begins with.

use crate::go::OpenButton;
use crate::parts::page::PageHead;
use leptos::prelude::*;
use ui::{Empty, Glyph, Look};

/// Heading, the way to add one, and the table; while there is none, what it would be good for.
#[component]
pub fn List(
    title: &'static str,
    text: &'static str,
    is_empty: Memo<bool>,
    glyph: Glyph,
    empty_title: &'static str,
    empty_text: &'static str,
    /// What stands in the address of the dialog: `?add=consumer`.
    add: &'static str,
    add_label: &'static str,
    /// The table.
    children: ChildrenFn,
) -> impl IntoView {
    let button = move || {
        view! { <OpenButton key="add" value=add label=add_label look=Look::Primary glyph=Glyph::Plus/> }.into_any()
    };
    view! {
        <PageHead title text>
            {move || (!is_empty.get()).then(button)}
        </PageHead>
        {move || {
            if is_empty.get() {
                view! {
                    <Empty glyph title=empty_title text=empty_text>
                        {button()}
                    </Empty>
                }
                    .into_any()
            } else {
                children()
            }
        }}
    }
    .into_any()
}
