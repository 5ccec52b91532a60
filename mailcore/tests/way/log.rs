//! What the log says on the way.

use crate::peer::{CLOSE, Peer};
use crate::scene::{deliver, options};
use std::cell::RefCell;
use std::fmt::{Debug, Write as _};
use std::sync::Once;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

thread_local! {
    // A test and its servers run on one thread.
    static LINES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

struct Ear;

impl Subscriber for Ear {
    fn enabled(&self, meta: &Metadata<'_>) -> bool {
        meta.target() == mailcore::log::POSTFIX
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut words = Words::default();
        event.record(&mut words);
        let line = format!("{}: {}", words.0, words.1);
        LINES.with_borrow_mut(|lines| lines.push(line));
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[derive(Default)]
struct Words(String, String);

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "program" => write!(self.0, "{value:?}").unwrap(),
            "message" => write!(self.1, "{value:?}").unwrap(),
            _ => {}
        }
    }
}

/// From now on the log of this test is kept; what was kept before is forgotten.
pub fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| tracing::subscriber::set_global_default(Ear).unwrap());
    LINES.take();
}

/// The lines since then.
pub fn heard() -> Vec<String> {
    LINES.with_borrow(Clone::clone)
}

#[tokio::test]
async fn the_log_tells_of_tls_and_why_a_message_goes_on() {
    listen();
    let silent = Peer::start(&[("", CLOSE)]).await;
    let grey = Peer::start(&[("MAIL", "451 4.7.1 grey")]).await;
    let sure = Peer::secured(&[("EHLO", "250-mx.test\r\n250 STARTTLS")]).await;
    let mut absent = Peer::start(&[]).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    absent.at = listener.local_addr().unwrap();
    drop(listener);
    deliver(options(), &[&silent, &absent, &grey, &sure]).await;
    let lines = LINES.take();
    assert_eq!(
        lines,
        [
            "\"postfix/smtp\": 4bXyz1: lost connection with mx0.test[127.0.0.1] while receiving \
             the initial server greeting"
                .to_owned(),
            format!(
                "\"postfix/smtp\": connect to mx1.test[127.0.0.1]:{}: Connection refused",
                absent.at.port()
            ),
            "\"postfix/smtp\": 4bXyz1: host mx2.test[127.0.0.1] said: 451 4.7.1 grey (in reply to \
             MAIL FROM command)"
                .to_owned(),
            format!(
                "\"postfix/smtp\": Untrusted TLS connection established to \
                 mx3.test[127.0.0.1]:{}: TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)",
                sure.at.port()
            ),
        ]
    );
}
