//! Writes the mail log to standard error: Postfix's and Dovecot's lines with the local time in front, everything
//! else as a line of `mailserver`.

use mailcore::log;
use std::fmt::Write as _;
use std::io::Write as _;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// The layer that writes lines.
#[derive(Debug)]
pub struct MailLog {
    /// The first word of the host's name, as syslog shows it.
    host: String,
}

impl MailLog {
    /// A log of this host.
    pub fn new(hostname: &str) -> Self {
        Self {
            host: hostname.split('.').next().unwrap_or(hostname).to_owned(),
        }
    }
}

/// What an event says.
#[derive(Default)]
struct Words {
    program: String,
    message: String,
    rest: String,
}

impl Visit for Words {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "program" => value.clone_into(&mut self.program),
            "message" => value.clone_into(&mut self.message),
            name => drop(write!(self.rest, " {name}={value}")),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        match field.name() {
            "program" => self.program = format!("{value:?}"),
            "message" => self.message = format!("{value:?}"),
            name => drop(write!(self.rest, " {name}={value:?}")),
        }
    }
}

impl<S: Subscriber> Layer<S> for MailLog {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut words = Words::default();
        event.record(&mut words);
        let meta = event.metadata();
        let now = jiff::Zoned::now().strftime("%b %d %H:%M:%S").to_string();
        let Words {
            program,
            message,
            rest,
        } = words;
        let pid = std::process::id();
        let line = match meta.target() {
            log::POSTFIX => format!("{now} {} {program}[{pid}]: {message}{rest}\n", self.host),
            log::DOVECOT => format!(
                "{now} {program}: {}: {message}{rest}\n",
                level(*meta.level())
            ),
            _ => format!(
                "{now} {} mailserver[{pid}]: {}: {message}{rest}\n",
                self.host,
                level(*meta.level())
            ),
        };
        // A log that nobody reads must not stop the mail.
        let _ = std::io::stderr().lock().write_all(line.as_bytes());
    }
}

fn level(level: Level) -> &'static str {
    match level {
        Level::ERROR => "Error",
        Level::WARN => "Warning",
        Level::INFO => "Info",
        _ => "Debug",
    }
}
