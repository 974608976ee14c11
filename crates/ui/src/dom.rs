//! The few things asked of the browser itself.

use leptos::prelude::*;
use std::time::Duration;
use wasm_bindgen::JsCast;

/// Runs `work` every `period` while the page is visible, until the caller's owner goes away.
/// Does nothing on the server.
pub fn every(period: Duration, work: impl Fn() + 'static) {
    let visible = || document().visibility_state() == web_sys::VisibilityState::Visible;
    let work = move || {
        if visible() {
            work();
        }
    };
    if let Ok(handle) = set_interval_with_handle(work, period) {
        on_cleanup(move || handle.clear());
    }
}

/// Moves the focus to the element of that id, if there is one.
pub fn focus_id(id: &str) {
    if let Some(element) = document().get_element_by_id(id).and_then(|e| e.dyn_into::<web_sys::HtmlElement>().ok()) {
        let _ = element.focus();
    }
}

/// Sets a cookie for the whole site that lasts a year.
pub fn set_cookie(name: &str, value: &str) {
    if let Ok(document) = document().dyn_into::<web_sys::HtmlDocument>() {
        let _ = document.set_cookie(&format!("{name}={value}; Path=/; Max-Age=31536000; SameSite=Lax"));
    }
}

/// A key of 256 random bits, as 43 characters that are safe in URLs and headers.
#[must_use]
pub fn random_key() -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut random = [0_u8; 43];
    let filled = window().crypto().and_then(|crypto| crypto.get_random_values_with_u8_array(&mut random)).is_ok();
    if !filled {
        return String::new();
    }
    random.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 63)])).collect()
}

/// Puts `text` on the clipboard; answers whether the browser allowed it.
pub(crate) async fn copy(text: String) -> bool {
    let promise = window().navigator().clipboard().write_text(&text);
    wasm_bindgen_futures::JsFuture::from(promise).await.is_ok()
}
