//! How many deliveries at once a destination is trusted with, learned from how they end. Knows no time.

use super::options::TransportOptions;

/// A destination's concurrency.
///
/// It grows by one when answers have added up to one, never far beyond what is in use, and shrinks by one as soon as
/// failures do not merely undo each other: quick to yield, slow to press. Failures in a row, each weighed by the
/// concurrency it is a part of, add up to cohorts; when enough whole cohorts have failed, the destination is dead.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Window {
    size: u32,
    gained: f64,
    spared: f64,
    failed_cohorts: f64,
}

/// Sums of fractions such as three thirds must reach one.
const ROUNDING: f64 = 1e-9;

impl Window {
    /// For a destination that is new, or alive again.
    pub(super) fn new(options: &TransportOptions) -> Self {
        Self {
            size: options.first(),
            gained: 0.0,
            spared: 0.0,
            failed_cohorts: 0.0,
        }
    }

    /// Deliveries at once under the options of today.
    pub(super) fn size(&self, options: &TransportOptions) -> u32 {
        self.size.clamp(1, options.most())
    }

    /// A delivery was answered while so many were in use, itself included.
    pub(super) fn answered(&mut self, in_use: u32, options: &TransportOptions) {
        self.size = self.size(options);
        self.failed_cohorts = 0.0;
        let wanted = in_use.saturating_add(options.first());
        if self.size >= options.most() || self.size >= wanted {
            return;
        }
        self.gained += options.positive.at(self.size);
        if self.gained >= 1.0 - ROUNDING {
            self.gained = (self.gained - 1.0).max(0.0);
            self.spared = 0.0;
            self.size += 1;
        }
    }

    /// A delivery failed to reach the destination; says whether that is now dead.
    pub(super) fn failed(&mut self, options: &TransportOptions) -> bool {
        self.size = self.size(options);
        self.failed_cohorts += 1.0 / f64::from(self.size);
        if options.failed_cohorts > 0.0 && self.failed_cohorts >= options.failed_cohorts - ROUNDING
        {
            return true;
        }
        self.spared -= options.negative.at(self.size);
        if self.spared < -ROUNDING {
            self.spared += 1.0;
            self.gained = 0.0;
            self.size = (self.size - 1).max(1);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::super::options::Rate;
    use super::*;

    #[test]
    fn a_destination_that_answers_is_trusted_with_more_up_to_the_limit() {
        let options = TransportOptions::default();
        let mut window = Window::new(&options);
        assert_eq!(window.size(&options), 5);
        for n in 6..=20 {
            window.answered(n, &options);
            assert_eq!(window.size(&options), n);
        }
        window.answered(20, &options);
        assert_eq!(window.size(&options), 20);
    }

    #[test]
    fn what_is_not_used_does_not_grow() {
        let options = TransportOptions::default();
        let mut window = Window::new(&options);
        (0..100).for_each(|_| window.answered(1, &options));
        assert_eq!(window.size(&options), 6);
    }

    #[test]
    fn a_destination_is_dead_once_a_cohort_has_failed_without_an_answer_between() {
        let options = TransportOptions::default();
        let mut window = Window::new(&options);
        // 1/5 + 1/4 + 1/3 + 1/2 is the first sum to reach one.
        assert_eq!(
            [(); 4].map(|()| window.failed(&options)),
            [false, false, false, true]
        );

        let mut window = Window::new(&options);
        for _ in 0..50 {
            assert!(!window.failed(&options));
            window.answered(20, &options);
        }
        let never = TransportOptions {
            failed_cohorts: 0.0,
            ..options
        };
        assert!((0..1000).all(|_| !window.failed(&never)));
        assert_eq!(window.size(&never), 1);
    }

    #[test]
    fn fractions_of_feedback_add_up_and_failures_weigh_first() {
        let options = TransportOptions {
            positive: Rate::PerConcurrency(1.0),
            negative: Rate::Fixed(0.25),
            failed_cohorts: 100.0,
            initial: 3,
            ..TransportOptions::default()
        };
        let mut window = Window::new(&options);
        let mut sizes = |of: fn(&mut Window, &TransportOptions), times: usize| -> Vec<u32> {
            let mut size = || {
                of(&mut window, &options);
                window.size(&options)
            };
            (0..times).map(|_| size()).collect()
        };
        assert_eq!(sizes(|w, o| w.answered(9, o), 3), [3, 3, 4]);
        let failing = sizes(|w, o| _ = w.failed(o), 5);
        assert_eq!(failing, [3, 3, 3, 3, 2]);
    }

    #[test]
    fn options_without_sense_make_a_window_of_at_least_one() {
        for n in [f64::NAN, f64::INFINITY, -1.0, 1e300] {
            let options = TransportOptions {
                positive: Rate::Fixed(n),
                negative: Rate::PerRoot(n),
                failed_cohorts: n,
                initial: 0,
                limit: 0,
                ..TransportOptions::default()
            };
            let mut window = Window::new(&options);
            for _ in 0..10 {
                window.failed(&options);
                assert!(window.size(&options) >= 1);
                window.answered(u32::MAX, &options);
            }
        }
    }
}
