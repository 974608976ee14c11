//! Timers that are set again and again.
//!
//! Each request waits for its answer no longer than its upstream allows. A new timer is entered among the runtime's under a
//! lock, and taken out of them again; one that is only put off is not, so timers are kept for the requests to come.

use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep};

/// Timers kept by one worker; more are in use while it has more requests.
const MOST: usize = 1024;

/// The timers that nobody uses now. One that was left running wakes its last task once, for nothing.
#[derive(Default)]
pub(super) struct Alarms(Mutex<Vec<Pin<Box<Sleep>>>>);

/// A timer in use.
pub(super) struct Alarm<'a> {
    sleep: Option<Pin<Box<Sleep>>>,
    kept: &'a Alarms,
}

impl Alarms {
    /// A timer that is not set.
    pub(super) fn take(&self) -> Alarm<'_> {
        Alarm { sleep: self.lock().pop(), kept: self }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Pin<Box<Sleep>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Alarm<'_> {
    /// Waits so long from now.
    pub(super) fn wait(&mut self, time: Duration) -> Pin<&mut Sleep> {
        match &mut self.sleep {
            Some(sleep) => {
                // As `sleep` does it with times that no clock can tell.
                let year = Duration::from_secs(365 * 24 * 3600);
                sleep.as_mut().reset(Instant::now() + time.min(year));
                sleep.as_mut()
            }
            none => none.insert(Box::pin(sleep(time))).as_mut(),
        }
    }
}

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        let mut kept = self.kept.lock();
        if kept.len() < MOST {
            kept.extend(self.sleep.take());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_kept_timer_rings_no_earlier_than_it_was_set_to() {
        let alarms = Alarms::default();
        for milliseconds in [10, 1, 20, 20, 0] {
            let (time, began) = (Duration::from_millis(milliseconds), Instant::now());
            alarms.take().wait(time).await;
            assert!(began.elapsed() >= time, "{time:?}");
            assert_eq!(alarms.lock().len(), 1);
        }
    }

    #[tokio::test]
    async fn one_that_was_given_back_running_rings_for_nobody_else() {
        let alarms = Alarms::default();
        let mut first = alarms.take();
        assert!(futures_util::poll!(first.wait(Duration::from_millis(1))).is_pending());
        drop(first);
        let began = Instant::now();
        alarms.take().wait(Duration::from_millis(50)).await;
        assert!(began.elapsed() >= Duration::from_millis(50));
    }
}
