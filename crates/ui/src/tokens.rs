//! The colour tokens keep their contrasts: WCAG 2.2 asks 4.5 for text and 3 for the borders of controls.

const TOKENS: &str = include_str!("../../../style/tokens.css");

/// Relative luminance of an OKLCH colour (Björn Ottosson's OKLab to linear sRGB, then WCAG 2.2).
fn luminance([lightness, chroma, hue]: [f64; 3]) -> f64 {
    let (a, b) = (chroma * hue.to_radians().cos(), chroma * hue.to_radians().sin());
    let l = (lightness + 0.396_337_777_4 * a + 0.215_803_757_3 * b).powi(3);
    let m = (lightness - 0.105_561_345_8 * a - 0.063_854_172_8 * b).powi(3);
    let s = (lightness - 0.089_484_177_5 * a - 1.291_485_548 * b).powi(3);
    let red = 4.076_741_662_1 * l - 3.307_711_591_3 * m + 0.230_969_929_2 * s;
    let green = -1.268_438_004_6 * l + 2.609_757_401_1 * m - 0.341_319_396_5 * s;
    let blue = -0.004_196_086_3 * l - 0.703_418_614_7 * m + 1.707_614_701 * s;
    let clip = |part: f64| part.clamp(0.0, 1.0);
    0.2126 * clip(red) + 0.7152 * clip(green) + 0.0722 * clip(blue)
}

/// The colour of `name` in the light (0) or dark (1) theme.
fn colour(name: &str, theme: usize) -> [f64; 3] {
    let start = format!("--c-{name}: light-dark(");
    let line = TOKENS.lines().find_map(|line| line.trim().strip_prefix(&start)).unwrap_or_else(|| panic!("no {name}"));
    let part = line.split("oklch(").nth(theme + 1).unwrap();
    let numbers: Vec<f64> = part.split(')').next().unwrap().split(' ').map(|n| n.parse().unwrap()).collect();
    [numbers[0], numbers[1], numbers[2]]
}

fn check(front: &str, back: &str, least: f64) {
    for (theme, theme_name) in ["light", "dark"].into_iter().enumerate() {
        let (one, two) = (luminance(colour(front, theme)), luminance(colour(back, theme)));
        let contrast = (one.max(two) + 0.05) / (one.min(two) + 0.05);
        assert!(contrast >= least, "{front} on {back}, {theme_name}: {contrast:.2}");
    }
}

#[test]
fn every_text_is_readable_on_every_ground_it_stands_on() {
    for ground in ["canvas", "surface", "sunken", "hover"] {
        for text in ["text", "muted", "subtle", "accent-text"] {
            check(text, ground, 4.5);
        }
        check("control", ground, 3.0);
        check("accent", ground, 3.0);
    }
    for status in ["ok", "warn", "danger", "info", "ref"] {
        check(status, &format!("{status}-soft"), 4.5);
        check(status, "surface", 4.5);
        check("text", &format!("{status}-soft"), 4.5);
    }
    check("on-accent", "accent", 4.5);
    check("on-accent", "accent-hover", 4.5);
    check("accent-text", "accent-soft", 4.5);
}
