//! Lucide's icons, from the sprite `public/icons.svg`.

use leptos::prelude::*;

macro_rules! glyphs {
    ($($name:ident = $id:literal),* $(,)?) => {
        /// An icon of the sprite.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Glyph { $($name),* }

        impl Glyph {
            /// Every icon.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The symbol's id in the sprite.
            #[must_use]
            pub fn id(self) -> &'static str {
                match self { $(Self::$name => $id),* }
            }
        }
    };
}

glyphs! {
    Overview = "layout-dashboard",
    Service = "route",
    Consumer = "users",
    Provider = "key-round",
    Reference = "link-2",
    Instance = "server",
    Vault = "vault",
    Plus = "plus",
    Close = "x",
    Check = "check",
    Ok = "circle-check",
    Warn = "triangle-alert",
    Danger = "octagon-x",
    Untested = "circle-dashed",
    Busy = "loader-circle",
    Refresh = "refresh-cw",
    Delete = "trash-2",
    Edit = "pencil",
    Copy = "copy",
    Show = "eye",
    Hide = "eye-off",
    Test = "plug",
    Explain = "list-checks",
    Search = "search",
    Open = "chevron-right",
    Next = "arrow-right",
    Light = "sun",
    Dark = "moon",
    System = "monitor",
    Menu = "menu",
    Circle = "circle",
    Lock = "lock",
    Offline = "unplug",
    Skipped = "minus",
    Generate = "wand-sparkles",
    Plugin = "puzzle",
    Group = "boxes",
    Info = "info",
}

/// An icon beside a word; it never stands for one alone.
#[component]
pub fn Icon(
    glyph: Glyph,
    /// Further classes, such as `icon-20`.
    #[prop(optional)]
    class: &'static str,
) -> impl IntoView {
    view! {
        <svg class=format!("icon {class}") aria-hidden="true" focusable="false">
            <use href=format!("/icons.svg#{}", glyph.id())></use>
        </svg>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sprite_has_every_icon() {
        let sprite = include_str!("../../../public/icons.svg");
        for glyph in Glyph::ALL {
            assert!(sprite.contains(&format!("<symbol id=\"{}\"", glyph.id())), "{glyph:?}");
        }
    }
}
