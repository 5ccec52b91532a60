//! A reception's verdicts at every stage, as they go over the wire and into the log.

use crate::heard::Log;
use crate::world::{Calls, World};
use async_trait::async_trait;
use mailcore::reception::{Envelope, Message, Outcome, Reception, Recipient, Sink, Verdict, Visit};
use mailcore_base::address::ReversePath;
use mailcore_base::envelope::MailParameters;
use mailcore_base::reply::Reply;

/// Refuses at one stage and takes everything at the others.
#[derive(Debug)]
struct Judge(&'static str);

impl Judge {
    fn at(&self, stage: &str) -> Verdict {
        match self.0 == stage {
            true => Verdict::reject(format!("no at {stage}")),
            false => Verdict::Accept,
        }
    }
}

#[async_trait]
impl Reception for Judge {
    async fn connect(&self, _: &Visit) -> Verdict {
        self.at("connect")
    }
    async fn hello(&self, _: &Visit) -> Verdict {
        self.at("hello")
    }
    async fn sender(&self, _: &Visit, _: &ReversePath, _: &MailParameters) -> Verdict {
        self.at("sender")
    }
    async fn recipient(&self, _: &Visit, _: &Envelope, _: &Recipient) -> Verdict {
        match self.0 {
            "hang up" => Verdict::Disconnect("421 4.7.0 Enough".parse().unwrap()),
            "defer" => Verdict::defer("come back later"),
            _ => self.at("recipient"),
        }
    }
    async fn begin(&self, _: &Visit, _: &Envelope) -> Result<Option<Box<dyn Sink>>, Verdict> {
        match (self.0, self.at("begin")) {
            ("write" | "finish", _) => Ok(Some(Box::new(Picky(self.0)))),
            (_, Verdict::Accept) => Ok(None),
            (_, no) => Err(no),
        }
    }
    async fn message(&self, _: &Visit, message: Message) -> Verdict {
        assert_eq!(message.field("subject").as_deref(), Some("hi"));
        self.at("message")
    }
}

/// A sink that refuses.
#[derive(Debug)]
struct Picky(&'static str);

#[async_trait]
impl Sink for Picky {
    async fn write(&mut self, _: &[u8]) -> Result<(), Reply> {
        match self.0 {
            "write" => Err("552 5.3.4 too much".parse().unwrap()),
            _ => Ok(()),
        }
    }
    async fn finish(self: Box<Self>) -> Vec<Outcome> {
        vec![Outcome::Refused("550 5.7.1 after all no".parse().unwrap())]
    }
}

/// Goes through a whole dialogue; every reply up to the end of the connection.
async fn dialogue(stage: &'static str) -> (Vec<String>, String) {
    let log = Log::listen();
    let world = World::new().received_by(Judge(stage));
    let mut smtp = world.call(Calls::Smtp);
    let mut heard = vec![smtp.reply().await];
    for line in [
        "EHLO client.test",
        "MAIL FROM:<a@b.test>",
        "RCPT TO:<c@d.test>",
        "DATA",
    ] {
        heard.push(smtp.say(line).await);
    }
    if heard.last().is_some_and(|said| said.starts_with("354")) {
        smtp.send("Subject: hi\r\n\r\nFirst mail.\r\n.\r\n").await;
        heard.push(smtp.reply().await);
    }
    drop(smtp);
    tokio::time::sleep(std::time::Duration::from_secs(10)).await;
    (heard, log.text())
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_said_at_its_stage_and_logged_with_what_is_known_by_then() {
    let client = "unknown[192.0.2.7]";
    let cases = [
        (
            "connect",
            0,
            format!("CONNECT from {client}: 554 5.7.1 no at connect; proto=SMTP"),
        ),
        (
            "hello",
            1,
            format!("EHLO from {client}: 554 5.7.1 no at hello; proto=ESMTP helo=<client.test>"),
        ),
        (
            "sender",
            2,
            format!(
                "MAIL from {client}: 554 5.7.1 no at sender; from=<a@b.test> proto=ESMTP helo=<client.test>"
            ),
        ),
        (
            "recipient",
            3,
            format!(
                "RCPT from {client}: 554 5.7.1 no at recipient; from=<a@b.test> to=<c@d.test> proto=ESMTP helo=<client.test>"
            ),
        ),
        (
            "begin",
            4,
            format!(
                "DATA from {client}: 554 5.7.1 no at begin; from=<a@b.test> proto=ESMTP helo=<client.test>"
            ),
        ),
        (
            "message",
            5,
            format!(
                "END-OF-MESSAGE from {client}: 554 5.7.1 no at message; from=<a@b.test> to=<c@d.test> proto=ESMTP helo=<client.test>"
            ),
        ),
    ];
    for (stage, place, line) in cases {
        let (heard, log) = dialogue(stage).await;
        for (n, said) in heard.iter().enumerate().take(place + 1) {
            let refused = said.contains(&format!("no at {stage}"));
            assert_eq!(refused, n == place, "{stage}: {heard:?}");
        }
        assert!(
            log.contains(&format!("postfix/smtpd: NOQUEUE: reject: {line}")),
            "{stage}:\n{log}"
        );
        // Postfix takes mail without a greeting, unless it is told not to.
        assert_eq!(
            log.contains("client=unknown"),
            stage == "hello",
            "{stage}:\n{log}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_taken_is_said_and_logged_under_one_id() {
    let (heard, log) = dialogue("").await;
    assert_eq!(heard.len(), 6);
    let id = heard[5].strip_prefix("250 2.0.0 Ok: queued as ").unwrap();
    assert_eq!(crate::heard::same(id), "QUEUEID");
    assert!(
        log.contains("postfix/smtpd: QUEUEID: client=unknown[192.0.2.7]\n"),
        "{log}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_sink_refuses_while_content_comes_or_at_its_end() {
    assert_eq!(dialogue("write").await.0[5], "552 5.3.4 too much");
    assert_eq!(dialogue("finish").await.0[5], "550 5.7.1 after all no");
}

#[tokio::test(start_paused = true)]
async fn a_deferral_is_temporary_and_a_disconnection_ends_it() {
    assert_eq!(dialogue("defer").await.0[3], "450 4.7.1 come back later");
    let (heard, log) = dialogue("hang up").await;
    assert_eq!(heard[3..], ["421 4.7.0 Enough", ""]);
    assert!(
        log.contains("NOQUEUE: reject: RCPT from unknown[192.0.2.7]: 421 4.7.0 Enough;"),
        "{log}"
    );
}
