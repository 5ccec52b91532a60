//! Writes the mail log to standard error: Postfix's and Dovecot's lines with the local time in front, everything
//! else as a line of `mailserver`.

use mailcore::log;
use std::cell::RefCell;
use std::fmt::Write as _;
use std::io::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// The layer that writes lines.
#[derive(Debug)]
pub struct MailLog {
    /// The first word of the host's name, as syslog shows it.
    host: String,
    pid: u32,
}

impl MailLog {
    /// A log of this host and this process.
    pub fn new(hostname: &str) -> Self {
        Self {
            host: hostname.split('.').next().unwrap_or(hostname).to_owned(),
            pid: std::process::id(),
        }
    }

    fn write_to(&self, line: &mut String, event: &Event<'_>, now: &str, words: &Words) {
        let meta = event.metadata();
        let Self { host, pid } = self;
        let Words {
            program,
            message,
            rest,
        } = words;
        let level = level(*meta.level());
        // A `String` takes whatever is written to it.
        let _ = match meta.target() {
            log::POSTFIX => writeln!(line, "{now} {host} {program}[{pid}]: {message}{rest}"),
            log::DOVECOT => writeln!(line, "{now} {program}: {level}: {message}{rest}"),
            _ => writeln!(
                line,
                "{now} {host} mailserver[{pid}]: {level}: {message}{rest}"
            ),
        };
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
            "program" => self.program.push_str(value),
            "message" => self.message.push_str(value),
            name => drop(write!(self.rest, " {name}={value}")),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        // A `String` takes whatever is written to it.
        let _ = match field.name() {
            "program" => write!(self.program, "{value:?}"),
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.rest, " {name}={value:?}"),
        };
    }
}

/// What a thread writes its lines with. The buffers are used again and again, for lines are many.
#[derive(Default)]
struct Pen {
    words: Words,
    line: String,
    /// The second that `now` tells.
    second: u64,
    now: String,
}

/// Octets of a line that a pen keeps room for.
const USUAL: usize = 1024;

impl Pen {
    fn clear(&mut self) {
        let Words {
            program,
            message,
            rest,
        } = &mut self.words;
        for text in [program, message, rest, &mut self.line] {
            text.clear();
            text.shrink_to(USUAL);
        }
    }

    /// The local time to the second, which is told once for all lines of it.
    fn look_at_the_clock(&mut self) {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let second = since.map_or(0, |since| since.as_secs());
        if second != self.second || self.now.is_empty() {
            self.second = second;
            self.now = jiff::Zoned::now().strftime("%b %d %H:%M:%S").to_string();
        }
    }

    fn write(&mut self, log: &MailLog, event: &Event<'_>) {
        self.clear();
        event.record(&mut self.words);
        self.look_at_the_clock();
        log.write_to(&mut self.line, event, &self.now, &self.words);
        // A log that nobody reads must not stop the mail.
        let _ = std::io::stderr().lock().write_all(self.line.as_bytes());
    }
}

thread_local! {
    static PEN: RefCell<Pen> = RefCell::default();
}

impl<S: Subscriber> Layer<S> for MailLog {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let written = PEN.try_with(|pen| {
            let free = pen.try_borrow_mut();
            free.is_ok_and(|mut pen| {
                pen.write(self, event);
                true
            })
        });
        // Where what is told of tells of something itself, or the thread comes to its end, another pen is taken.
        if !matches!(written, Ok(true)) {
            Pen::default().write(self, event);
        }
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
