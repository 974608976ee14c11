//! The arithmetic of windows. Redis does the same in its scripts.

/// What became of one request at one limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    pub(crate) passes: bool,
    pub(crate) remaining: u64,
    /// Until the window ends, in ms; never 0.
    pub(crate) reset_ms: u64,
}

/// One counter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Window {
    /// Of a fixed window: when it ends, in ms. Of a sliding one: which it is, counted from the beginning of time.
    pub(super) mark: u64,
    pub(super) count: u64,
    /// What the window before it had.
    pub(super) before: u64,
}

impl Decision {
    /// After `count` requests, this one included.
    pub(super) fn fixed(limit: u64, count: u64, reset_ms: u64) -> Self {
        Self { passes: count <= limit, remaining: limit.saturating_sub(count), reset_ms: reset_ms.max(1) }
    }
}

impl Window {
    /// The window begins with its first request.
    pub(super) fn fixed(&mut self, now_ms: u64, limit: u64, size_ms: u64) -> Decision {
        if now_ms >= self.mark {
            *self = Self { mark: now_ms.saturating_add(size_ms), count: 0, before: 0 };
        }
        self.count = self.count.saturating_add(1);
        Decision::fixed(limit, self.count, self.mark - now_ms)
    }

    /// Of the window before, as much counts as the sliding window still covers. Only what passes is counted.
    pub(super) fn sliding(&mut self, now_ms: u64, limit: u64, size_ms: u64) -> Decision {
        let id = now_ms / size_ms;
        if id != self.mark {
            let before = if id == self.mark + 1 { self.count } else { 0 };
            *self = Self { mark: id, count: 0, before };
        }
        let left = size_ms - now_ms % size_ms;
        #[expect(clippy::cast_precision_loss, reason = "an estimate; amounts are below 2^53")]
        let covered = self.before.min(limit) as f64 * (left as f64 / size_ms as f64);
        #[expect(clippy::cast_precision_loss, reason = "an estimate; amounts are below 2^53")]
        let room = limit as f64 - self.count as f64 - covered;
        let passes = room >= 1.0;
        if passes {
            self.count += 1;
        }
        let after = if passes { room - 1.0 } else { 0.0 };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and the limit")]
        let remaining = after.max(0.0) as u64;
        Decision { passes, remaining, reset_ms: left }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Requests at these ms: whether each passes, what remains, and the ms until the reset.
    fn check(step: fn(&mut Window, u64, u64, u64) -> Decision, requests: &[(u64, bool, u64, u64)]) {
        let mut window = Window::default();
        for (now, passes, remaining, reset_ms) in requests {
            let expected = Decision { passes: *passes, remaining: *remaining, reset_ms: *reset_ms };
            assert_eq!(step(&mut window, *now, 3, 1000), expected, "at {now}");
        }
    }

    #[test]
    fn a_fixed_window_begins_with_its_first_request() {
        check(
            Window::fixed,
            &[
                (500, true, 2, 1000),
                (600, true, 1, 900),
                (700, true, 0, 800),
                (1499, false, 0, 1),
                (1500, true, 2, 1000),
            ],
        );
    }

    #[test]
    fn a_sliding_window_counts_what_it_still_covers() {
        check(
            Window::sliding,
            &[
                (10_500, true, 2, 500),
                (10_600, true, 1, 400),
                (10_700, true, 0, 300),
                (10_800, false, 0, 200),
                // Nine tenths of three are covered.
                (11_100, false, 0, 900),
                (11_400, true, 0, 600),
                (11_500, false, 0, 500),
                (13_000, true, 2, 1000),
            ],
        );
    }
}
