//! Reason codes: what each means, and what to do. The same table as `docs/reasons.md`.

use crate::api::{self, ReasonText};
use crate::load::{Live, load};
use crate::parts::group::group_signal;
use crate::parts::page::PageHead;
use leptos::prelude::*;

/// The page.
#[component]
pub fn ReasonsPage() -> impl IntoView {
    let group = group_signal();
    load(move || group.get(), |_| api::reasons(), |live, _| view! { <Table live/> }.into_any())
}

#[component]
fn Table(live: Live<Vec<ReasonText>>) -> impl IntoView {
    view! {
        <PageHead
            title="Reason codes"
            text="Everything that can go wrong on the way to a secret: what each code means, and what to do."
        />
        <div class="table-box">
            <table class="table">
                <thead>
                    <tr>
                        <th scope="col">"Code"</th>
                        <th scope="col">"Meaning"</th>
                        <th scope="col">"What to do"</th>
                    </tr>
                </thead>
                <tbody>
                    {move || live.get().into_iter().map(|text| view! { <Row text/> }.into_any()).collect_view()}
                </tbody>
            </table>
        </div>
    }
    .into_any()
}

#[component]
fn Row(text: ReasonText) -> impl IntoView {
    let code = text.reason.code();
    view! {
        <tr id=code>
            <td data-label="Code" class="whitespace-nowrap">
                <code>{code}</code>
            </td>
            <td data-label="Meaning">{text.meaning}</td>
            <td data-label="What to do">{text.remedy}</td>
        </tr>
    }
    .into_any()
}
