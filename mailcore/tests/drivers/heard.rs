//! What the server logs, as lines; what differs from run to run is made the same.

use std::cell::RefCell;
use std::fmt::{Debug, Write as _};
use std::sync::Once;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

thread_local! {
    // A test and the servers that it calls run on one thread.
    static LINES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// The log of this thread since it was last listened to.
pub struct Log;

impl Log {
    pub fn listen() -> Self {
        // One subscriber for all threads: whether a line is wanted must not depend on who asked first.
        static ONCE: Once = Once::new();
        ONCE.call_once(|| tracing::subscriber::set_global_default(Ear).unwrap());
        LINES.take();
        Self
    }

    /// The lines in Postfix's and Dovecot's form so far: `program: text`, and nothing else that was logged.
    pub fn mail(&self) -> Vec<String> {
        LINES.with_borrow(Clone::clone)
    }

    pub fn text(&self) -> String {
        self.mail().join("\n")
    }
}

struct Ear;

impl Subscriber for Ear {
    fn enabled(&self, meta: &Metadata<'_>) -> bool {
        meta.target().starts_with("mailcore::log::")
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut words = Words::default();
        event.record(&mut words);
        let line = format!("{}: {}", words.program, words.message);
        LINES.with_borrow_mut(|lines| lines.push(same(&line)));
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[derive(Default)]
struct Words {
    program: String,
    message: String,
}

impl Visit for Words {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "program" {
            value.clone_into(&mut self.program);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let word = match field.name() {
            "program" => &mut self.program,
            "message" => &mut self.message,
            _ => return,
        };
        let _ = write!(word, "{value:?}");
    }
}

/// Process ids, queue ids, session ids and delays are the same in every line.
pub fn same(line: &str) -> String {
    let pid = std::process::id().to_string();
    let part = |c: char| !(c.is_ascii_alphanumeric() || c == '+' || c == '/');
    let mut out = String::new();
    for piece in line.split_inclusive(part) {
        let word = piece.trim_end_matches(part);
        let hex = |b: u8| b.is_ascii_digit() || (b'A'..=b'F').contains(&b);
        let shown = match word {
            w if w == pid => "PID",
            w if w.len() == 22 => "SESSION",
            w if w.len() == 11 && w.bytes().all(hex) => "QUEUEID",
            w => w,
        };
        out.push_str(shown);
        out.push_str(&piece[word.len()..]);
    }
    match (out.find("delay="), out.find(", dsn=")) {
        (Some(from), Some(to)) => format!("{}delay=…{}", &out[..from], &out[to..]),
        _ => out,
    }
}
