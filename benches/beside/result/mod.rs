//! What came out: the rounds of each case, their medians and spread, and how the two sides compare.

mod chart;
mod table;

pub use chart::chart;
pub use table::table;

use crate::cases::{Case, Target};
use crate::sample::Sample;
use serde::Serialize;

/// One side's rounds of one case.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Rounds {
    /// Things a second, or octets of one thing, round by round.
    pub values: Vec<f64>,
    /// Seconds of the processors for a thousand things, likewise.
    pub cpu: Vec<f64>,
    /// The load driver's own, likewise.
    pub driver: Vec<f64>,
}

impl Rounds {
    pub fn add(&mut self, sample: &Sample) {
        match sample {
            Sample::Work { count, driver, .. } => {
                self.values.push(sample.score());
                self.driver
                    .push(driver.as_secs_f64() * 1000.0 / *count as f64);
            }
            Sample::Memory { octets } => self.values.push(*octets as f64),
        }
        self.cpu.extend(sample.cpu());
    }

    pub fn value(&self) -> Option<f64> {
        median(&self.values)
    }

    /// The distance of the two middle quarters from each other, as a part of the median.
    pub fn spread(&self) -> f64 {
        let mut sorted = self.values.clone();
        sorted.sort_by(f64::total_cmp);
        let at = |part: usize| sorted.get(sorted.len() * part / 4).copied().unwrap_or(0.0);
        match self.value() {
            Some(median) if median > 0.0 => (at(3).max(at(1)) - at(1)) / median,
            _ => 0.0,
        }
    }
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() % 2 {
        1 => sorted.get(middle).copied(),
        _ => Some((sorted.get(middle)? + sorted.get(middle.checked_sub(1)?)?) / 2.0),
    }
}

/// What a case came to.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    pub case: String,
    pub unit: &'static str,
    /// Whether less is better.
    pub memory: bool,
    pub theirs: Rounds,
    pub ours: Rounds,
    /// The bare system calls, where they stand beside it.
    pub bare: Rounds,
    #[serde(skip)]
    pub target: Target,
    /// Why there is no result, or only half of one.
    pub failure: Option<String>,
}

impl Outcome {
    pub fn of(case: &Case) -> Self {
        Self {
            case: case.name.clone(),
            unit: case.unit,
            memory: case.unit == "octets",
            theirs: Rounds::default(),
            ours: Rounds::default(),
            bare: Rounds::default(),
            target: case.target,
            failure: None,
        }
    }

    /// So many times better ours is.
    pub fn ratio(&self) -> Option<f64> {
        let (ours, theirs) = (self.ours.value()?, self.theirs.value()?);
        match self.memory {
            true => Some(theirs / ours.max(1.0)),
            false => Some(ours / theirs),
        }
    }

    /// So many times more of the processors theirs takes.
    pub fn cpu_ratio(&self) -> Option<f64> {
        Some(median(&self.theirs.cpu)? / median(&self.ours.cpu)?.max(1e-9))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounds(values: &[f64]) -> Rounds {
        Rounds {
            values: values.to_vec(),
            ..Rounds::default()
        }
    }

    #[test]
    fn a_median_is_in_the_middle_whatever_the_order() {
        assert_eq!(rounds(&[3.0, 1.0, 2.0]).value(), Some(2.0));
        assert_eq!(rounds(&[4.0, 1.0, 2.0, 3.0]).value(), Some(2.5));
        assert_eq!(rounds(&[]).value(), None);
    }

    #[test]
    fn the_spread_leaves_out_what_is_far_off() {
        let spread = rounds(&[10.0, 10.0, 10.0, 10.0, 1000.0]).spread();
        assert!(spread < 0.01, "{spread}");
    }
}
