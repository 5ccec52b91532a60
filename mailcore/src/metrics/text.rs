//! Figures in Prometheus's text format, version 0.0.4. Pure: what is to be told is handed in.

use super::{Metrics, Process, Spread, TRANSPORTS, Waiting, Way};
use crate::server::Protocol;
use mailcore_store::queue::Lane;
use std::fmt::Write as _;

/// The `Content-Type` of the format.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What a figure is.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// A text under way.
struct Page<'o>(&'o mut String);

impl Page<'_> {
    /// Begins a figure: its samples follow.
    fn figure(&mut self, name: &str, kind: Kind, help: &str) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        self.line(&format!("# HELP {name} {help}"));
        self.line(&format!("# TYPE {name} {kind}"));
    }

    fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        self.0.push_str(name);
        for (at, (label, text)) in labels.iter().enumerate() {
            self.0.push(if at == 0 { '{' } else { ',' });
            // Nothing is refused by a String.
            let _ = write!(self.0, "{label}=\"{}\"", escaped(text));
        }
        if !labels.is_empty() {
            self.0.push('}');
        }
        let _ = writeln!(self.0, " {value}");
    }

    /// A figure that has one sample.
    fn alone(&mut self, name: &str, kind: Kind, help: &str, value: u64) {
        self.figure(name, kind, help);
        self.sample(name, &[], value);
    }

    /// The samples of a histogram; `unit` is what its values are divided by.
    fn spread(&mut self, name: &str, labels: &[(&str, &str)], spread: &Spread, unit: u32) {
        let unit = f64::from(unit);
        let mut all = 0;
        for (bound, count) in spread.cumulative() {
            let bound = bound.map_or("+Inf".to_owned(), |it| (it as f64 / unit).to_string());
            let labels = [labels, &[("le", bound.as_str())]].concat();
            self.sample(&format!("{name}_bucket"), &labels, count);
            all = count;
        }
        self.sample(&format!("{name}_sum"), labels, spread.sum() as f64 / unit);
        self.sample(&format!("{name}_count"), labels, all);
    }
}

/// A label's value, in which three characters have a meaning.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

/// Writes all figures. What waits in the queue and what the process takes are left out where nobody knows.
pub fn write_to(out: &mut String, metrics: &Metrics, waiting: Option<&Waiting>, process: Process) {
    let mut page = Page(out);
    sessions(&mut page, metrics);
    mail(&mut page, metrics);
    logins(&mut page, metrics);
    deliveries(&mut page, metrics);
    if let Some(waiting) = waiting {
        queue(&mut page, waiting);
    }
    storage(&mut page, metrics);
    this_process(&mut page, process);
}

fn sessions(page: &mut Page<'_>, metrics: &Metrics) {
    let all = Protocol::ALL.map(|it| (it.name(), metrics.sessions(it)));
    let name = "mailcore_sessions";
    page.figure(name, Kind::Gauge, "Sessions now.");
    for (protocol, it) in &all {
        page.sample(name, &[("protocol", protocol)], it.now());
    }
    let name = "mailcore_sessions_total";
    page.figure(name, Kind::Counter, "Connections that were let in.");
    for (protocol, it) in &all {
        page.sample(name, &[("protocol", protocol)], it.begun.get());
    }
    let name = "mailcore_sessions_refused_total";
    page.figure(name, Kind::Counter, "Connections that were one too many.");
    for (protocol, it) in &all {
        page.sample(name, &[("protocol", protocol)], it.refused.get());
    }
}

fn mail(page: &mut Page<'_>, metrics: &Metrics) {
    let name = "mailcore_accepted_messages_total";
    page.figure(name, Kind::Counter, "Messages that were acknowledged.");
    for way in Way::ALL {
        let value = metrics.taken(way).messages.get();
        page.sample(name, &[("protocol", way.name())], value);
    }
    let name = "mailcore_accepted_bytes_total";
    page.figure(name, Kind::Counter, "Octets of the messages acknowledged.");
    for way in Way::ALL {
        let value = metrics.taken(way).octets.get();
        page.sample(name, &[("protocol", way.name())], value);
    }
}

fn logins(page: &mut Page<'_>, metrics: &Metrics) {
    let name = "mailcore_logins_total";
    page.figure(name, Kind::Counter, "Logins that have ended, by mechanism.");
    for (mechanism, outcome, count) in metrics.logins().all() {
        let labels = [("mechanism", mechanism), ("outcome", outcome.name())];
        page.sample(name, &labels, count);
    }
}

fn deliveries(page: &mut Page<'_>, metrics: &Metrics) {
    let name = "mailcore_deliveries_total";
    let help = "What became of recipients: each attempt has one outcome.";
    page.figure(name, Kind::Counter, help);
    for transport in TRANSPORTS {
        let it = metrics.deliveries(transport);
        let outcomes = [
            ("sent", &it.sent),
            ("deferred", &it.deferred),
            ("bounced", &it.bounced),
        ];
        for (outcome, count) in outcomes {
            let labels = [("transport", transport), ("outcome", outcome)];
            page.sample(name, &labels, count.get());
        }
    }
    let name = "mailcore_delivery_delay_seconds";
    let help = "From a message's arrival to a recipient's being sent.";
    page.figure(name, Kind::Histogram, help);
    for transport in TRANSPORTS {
        let it = metrics.deliveries(transport);
        page.spread(name, &[("transport", transport)], &it.delays, 1_000);
    }
}

/// What a lane is called.
fn lane(lane: Lane) -> &'static str {
    match lane {
        Lane::Incoming => "incoming",
        Lane::Active => "active",
        Lane::Deferred => "deferred",
        Lane::Hold => "hold",
        Lane::Corrupt => "corrupt",
        _ => "other",
    }
}

fn queue(page: &mut Page<'_>, waiting: &Waiting) {
    let name = "mailcore_queue_messages";
    page.figure(name, Kind::Gauge, "Messages in the queue, by lane.");
    for (which, count) in &waiting.lanes {
        page.sample(name, &[("lane", lane(*which))], count);
    }
    let name = "mailcore_queue_destination_recipients";
    let help = "Recipients to whom mail waits, by domain: the 20 with the most of the messages first in line.";
    page.figure(name, Kind::Gauge, help);
    for it in &waiting.destinations {
        page.sample(name, &[("destination", &it.domain)], it.recipients);
    }
}

fn storage(page: &mut Page<'_>, metrics: &Metrics) {
    if let Some(queue) = metrics.queue() {
        let name = "mailcore_queue_flush_changes";
        let help = "Flushes of the queue's log, and the changes that shared each.";
        page.figure(name, Kind::Histogram, help);
        page.spread(name, &[], queue.flushes().spread(), 1);
    }
    let mailboxes = metrics.mailboxes();
    let name = "mailcore_mailbox_batch_messages";
    let help = "Batches of deliveries into mailboxes, and the messages that shared each.";
    page.figure(name, Kind::Histogram, help);
    page.spread(name, &[], mailboxes.batches.spread(), 1);
    let name = "mailcore_index_messages_total";
    let help = "Messages told of: from the index, or by opening them.";
    page.figure(name, Kind::Counter, help);
    page.sample(name, &[("result", "hit")], mailboxes.kept.get());
    page.sample(name, &[("result", "miss")], mailboxes.opened.get());
}

fn this_process(page: &mut Page<'_>, process: Process) {
    // The names that Prometheus's own clients have for them.
    let figures = [
        (
            "process_resident_memory_bytes",
            "Resident memory.",
            process.resident,
        ),
        (
            "process_virtual_memory_bytes",
            "Address space.",
            process.address_space,
        ),
        (
            "process_open_fds",
            "Open files and sockets.",
            process.open_files,
        ),
    ];
    for (name, help, value) in figures {
        if let Some(value) = value {
            page.alone(name, Kind::Gauge, help, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_meaning_in_a_label_is_escaped() {
        let mut out = String::new();
        Page(&mut out).sample("x", &[("a", "q\"b\\s\nn"), ("b", "")], 1);
        assert_eq!(out, "x{a=\"q\\\"b\\\\s\\nn\",b=\"\"} 1\n");
    }

    #[test]
    fn a_spread_is_told_in_the_unit_of_its_name() {
        let spread = Spread::new(&[500, 1_000]);
        spread.record(500);
        spread.record(2_000);
        let mut out = String::new();
        Page(&mut out).spread("d", &[], &spread, 1_000);
        let lines = [
            "d_bucket{le=\"0.5\"} 1",
            "d_bucket{le=\"1\"} 1",
            "d_bucket{le=\"+Inf\"} 2",
            "d_sum 2.5",
            "d_count 2",
        ];
        assert_eq!(out.lines().collect::<Vec<_>>(), lines);
    }
}
