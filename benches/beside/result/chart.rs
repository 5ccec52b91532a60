//! The results as a picture: how many times better ours is, each case a bar, on a scale of logarithms.

use super::Outcome;
use std::fmt::Write;

const LINE: f64 = 20.0;
const LABELS: f64 = 380.0;
const WIDTH: f64 = 900.0;
/// Octets of a bar for each factor of ten.
const DECADE: f64 = 130.0;

/// An SVG.
pub fn chart(outcomes: &[Outcome], title: &str) -> String {
    let height = LINE * (outcomes.len() as f64 + 3.0);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"8\" y=\"18\" font-size=\"14\">{}</text>\n",
        escaped(title)
    );
    for decade in 0..4 {
        let x = LABELS + DECADE * f64::from(decade);
        let _ = writeln!(
            out,
            "<line x1=\"{x}\" x2=\"{x}\" y1=\"30\" y2=\"{height}\" stroke=\"#ccc\"/><text x=\"{x}\" y=\"28\" \
             fill=\"#888\">{}×</text>",
            10_i32.pow(decade)
        );
    }
    for (at, outcome) in outcomes.iter().enumerate() {
        let y = LINE * (at as f64 + 2.0);
        let _ = writeln!(
            out,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
            LABELS - 8.0,
            y + 13.0,
            escaped(&outcome.case)
        );
        if let Some(ratio) = outcome.ratio() {
            out += &bar(ratio, outcome.target.times, y);
        }
    }
    out + "</svg>\n"
}

fn bar(ratio: f64, target: f64, y: f64) -> String {
    let length = ratio.max(0.01).log10() * DECADE;
    let (x, width) = (LABELS + length.min(0.0), length.abs());
    let colour = match ratio >= target {
        true => "#3a7d44",
        false => "#c06014",
    };
    let mark = LABELS + target.max(0.01).log10() * DECADE;
    format!(
        "<rect x=\"{x:.1}\" y=\"{}\" width=\"{width:.1}\" height=\"14\" fill=\"{colour}\"/>\
         <line x1=\"{mark:.1}\" x2=\"{mark:.1}\" y1=\"{y}\" y2=\"{}\" stroke=\"black\"/>\
         <text x=\"{:.1}\" y=\"{}\">{ratio:.1}</text>\n",
        y + 2.0,
        y + 18.0,
        x + width.max(mark - x) + 6.0,
        y + 13.0
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
