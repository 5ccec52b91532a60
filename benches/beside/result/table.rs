//! The results as a table in Markdown.

use super::{Outcome, Rounds, median};
use std::fmt::Write;

/// The table. Whether a target is met is said, and judged by nobody.
pub fn table(outcomes: &[Outcome], names: [&str; 2]) -> String {
    let [theirs, ours] = names;
    let mut out = format!(
        "| what | {theirs} | {ours} | times | wanted | CPU s per 1,000: theirs, ours, times | wanted | bare calls |\n\
         |---|---|---|---|---|---|---|---|\n"
    );
    for outcome in outcomes {
        let line = match &outcome.failure {
            Some(failure) => format!("| {} | {failure} | | | | | | |", outcome.case),
            None => row(outcome),
        };
        out += &line;
        out.push('\n');
    }
    out
}

fn row(outcome: &Outcome) -> String {
    let mut out = format!(
        "| {} | {} | {} | {} | {} | ",
        outcome.case,
        told(outcome, &outcome.theirs),
        told(outcome, &outcome.ours),
        outcome
            .ratio()
            .map_or(String::new(), |it| format!("{it:.1}")),
        wanted(outcome.target.times, outcome.ratio()),
    );
    if let (Some(theirs), Some(ours)) = (median(&outcome.theirs.cpu), median(&outcome.ours.cpu)) {
        let times = outcome.cpu_ratio().unwrap_or_default();
        let _ = write!(out, "{theirs:.3}, {ours:.3}, {times:.1}");
    }
    let cpu = outcome
        .target
        .cpu
        .map(|cpu| wanted(cpu, outcome.cpu_ratio()));
    let bare = match outcome.bare.value() {
        Some(_) => told(outcome, &outcome.bare),
        None => String::new(),
    };
    let _ = write!(out, " | {} | {bare} |", cpu.unwrap_or_default());
    out
}

fn wanted(target: f64, reached: Option<f64>) -> String {
    let met = match reached {
        Some(reached) if reached >= target => "met",
        _ => "not met",
    };
    format!("{target} {met}")
}

fn told(outcome: &Outcome, rounds: &Rounds) -> String {
    let Some(value) = rounds.value() else {
        return "–".to_owned();
    };
    let spread = rounds.spread() * 100.0;
    match outcome.memory {
        true => format!("{:.1} KiB ±{spread:.0} %", value / 1024.0),
        false => format!("{} {}/s ±{spread:.0} %", rounded(value), outcome.unit),
    }
}

/// Three figures, and thousands apart.
fn rounded(value: f64) -> String {
    if value < 100.0 {
        return format!("{value:.1}");
    }
    let digits = format!("{value:.0}");
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
