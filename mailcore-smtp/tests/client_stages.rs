//! Every kind of fault at every stage, with and without commands sent ahead, in SMTP and in LMTP: every recipient has
//! the right outcome.

#![allow(clippy::unwrap_used)] // in a test a panic is the right end

#[allow(unreachable_pub)]
mod sender;
#[allow(unreachable_pub)]
mod support;

use mailcore_smtp::client::{Ended, Outcome, Stage, Tls, Trouble};
use sender::{Client, Job, lmtp, message, smtp};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Says(&'static str),
    Closes,
    IsSilent,
}

const FAULTS: [Fault; 7] = [
    Fault::Says("450 4.7.0 not now\r\n"),
    Fault::Says("550-5.7.0 no\r\n550 5.7.0 never\r\n"),
    Fault::Says("421 4.3.2 going\r\n"),
    Fault::Says("HTTP/1.1 200 OK\r\n"),
    Fault::Says("250-half of a reply\r\n"),
    Fault::Closes,
    Fault::IsSilent,
];

impl Fault {
    fn is_refusal(self) -> bool {
        matches!(self, Self::Says(text) if text.starts_with("450") || text.starts_with("550"))
    }

    fn is_permanent(self) -> bool {
        matches!(self, Self::Says(text) if text.starts_with("550"))
    }

    /// Whether this is what the fault comes to at a stage.
    fn shows(self, stage: Stage, trouble: &Trouble) -> bool {
        match (self, trouble) {
            (Self::Says(text), Trouble::Garbled(at, Some(_))) => {
                text.starts_with("HTTP") && *at == stage
            }
            (Self::Says(text), Trouble::TimedOut(at)) => text.contains('-') && *at == stage,
            (Self::Says(text), Trouble::Said { stage: at, reply }) => {
                text.starts_with(&reply.code().to_string()) && *at == stage
            }
            (Self::Closes, Trouble::Lost(at)) => *at == stage,
            (Self::IsSilent, Trouble::TimedOut(at)) => *at == stage,
            _ => false,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    OneByOne,
    Ahead,
    Lmtp,
}

const STAGES: [Stage; 9] = [
    Stage::Greeting,
    Stage::Ehlo,
    Stage::Probe,
    Stage::Mail,
    Stage::Rcpt,
    Stage::Data,
    Stage::EndOfData,
    Stage::Quit,
    // No fault.
    Stage::Idle,
];

/// A server that does well but at one stage. It knows nothing but words.
struct Server {
    at: Stage,
    fault: Fault,
    way: Way,
    in_data: bool,
    recipients: u32,
    faulted: bool,
}

impl Server {
    /// What it says to a line; `None` once it does what is wrong with it.
    fn answer(&mut self, line: &str, out: &mut String) {
        let stage = match line.split(' ').next().unwrap_or_default() {
            _ if self.in_data && line != "." => return,
            "." => Stage::EndOfData,
            "EHLO" | "LHLO" => Stage::Ehlo,
            "RSET" => Stage::Probe,
            "MAIL" => Stage::Mail,
            "RCPT" => Stage::Rcpt,
            "DATA" => Stage::Data,
            "QUIT" => Stage::Quit,
            _ => Stage::Idle,
        };
        let good = match stage {
            Stage::Ehlo if self.way == Way::OneByOne => "250 mx.test\r\n",
            Stage::Ehlo => "250-mx.test\r\n250 PIPELINING\r\n",
            Stage::Data => "354 go\r\n",
            _ => "250 2.0.0 Ok\r\n",
        };
        self.in_data = stage == Stage::Data && !(self.at == stage && self.fault.is_refusal());
        self.recipients += u32::from(stage == Stage::Rcpt);
        // It is the second recipient that is not liked.
        let first = stage == Stage::Rcpt && self.recipients == 1;
        let both = self.at != Stage::Rcpt;
        if stage == Stage::EndOfData && self.way == Way::Lmtp && both {
            self.say(Stage::Idle, good, out);
        }
        self.say(if first { Stage::Idle } else { stage }, good, out);
    }

    fn say(&mut self, stage: Stage, good: &str, out: &mut String) {
        match self.fault {
            _ if self.faulted => {}
            _ if stage != self.at || stage == Stage::Idle => out.push_str(good),
            Fault::Says(text) => {
                out.push_str(text);
                self.faulted = !self.fault.is_refusal();
            }
            _ => self.faulted = true,
        }
    }
}

fn converse(server: &mut Server, chunk: usize, seed: u64) -> Client {
    let mut options = if server.way == Way::Lmtp {
        lmtp()
    } else {
        smtp()
    };
    options.tls = Tls::Off;
    options.await_quit = true;
    let content = b"Subject: x\r\n\r\ny\r\n".to_vec();
    let message = message(&["x@example.org", "y@example.org"], &content);
    let jobs = vec![Job::Rest(5), Job::Send(message, content)];
    let mut client = Client::new(options, jobs, chunk, seed);
    let mut heard = String::new();
    server.say(Stage::Greeting, "220 mx.test\r\n", &mut heard);
    for _ in 0..30 {
        let mut said = client.hear(heard.as_bytes());
        if said.is_empty() && client.closed {
            return client;
        }
        if said.is_empty() {
            said = match server.fault {
                // A rest is over when its time is.
                _ if !server.faulted => client.expire(),
                Fault::Closes => client.close(),
                _ => client.expire(),
            };
        }
        heard.clear();
        said.lines()
            .for_each(|line| server.answer(line, &mut heard));
    }
    panic!("a conversation without end");
}

fn outcomes(client: &Client) -> Vec<Outcome> {
    client.desk.outcomes.concat()
}

fn check(at: Stage, fault: Fault, way: Way, client: &Client) -> bool {
    let outcomes = outcomes(client);
    let stage = match (at, way) {
        (Stage::Ehlo, Way::Lmtp) => Stage::Lhlo,
        _ => at,
    };
    let ended = client.session.ended().unwrap();
    let quit = *ended == Ended::Quit;
    let broke = matches!(ended, Ended::Trouble(trouble) if fault.shows(stage, trouble));
    let bad = |n: usize| match outcomes.get(n) {
        Some(Err(trouble)) => {
            let permanent = trouble.is_permanent() == fault.is_permanent();
            permanent && fault.shows(stage, trouble)
        }
        _ => false,
    };
    let good = |n: usize| outcomes.get(n).is_some_and(Result::is_ok);
    let refused = fault.is_refusal();
    match at {
        Stage::Idle => good(0) && good(1) && quit,
        Stage::Ehlo if refused && way != Way::Lmtp => good(0) && good(1) && quit,
        Stage::Greeting | Stage::Ehlo => outcomes.is_empty() && broke,
        Stage::Probe => bad(0) && bad(1) && broke && client.desk.begun == [false],
        Stage::Mail | Stage::Data => bad(0) && bad(1) && if refused { quit } else { broke },
        Stage::Rcpt if refused => good(0) && bad(1) && quit,
        Stage::EndOfData if way == Way::Lmtp => {
            good(0) && bad(1) && if refused { quit } else { broke }
        }
        Stage::Rcpt | Stage::EndOfData => bad(0) && bad(1) && if refused { quit } else { broke },
        Stage::Quit => good(0) && good(1) && (quit || broke),
        _ => false,
    }
}

#[test]
fn every_fault_at_every_stage_has_its_outcome() {
    let mut failed = String::new();
    for way in [Way::OneByOne, Way::Ahead, Way::Lmtp] {
        for at in STAGES {
            for fault in FAULTS {
                for (chunk, seed) in [(usize::MAX, 0), (1, 0), (3, 5)] {
                    let mut server = Server {
                        at,
                        fault,
                        way,
                        in_data: false,
                        recipients: 0,
                        faulted: false,
                    };
                    let client = converse(&mut server, chunk, seed);
                    if !check(at, fault, way, &client) {
                        let seen = &client.desk.seen;
                        failed += &format!(
                            "{way:?} {at:?} {fault:?} chunk {chunk}: {seen:#?} {}\n",
                            sender::ended(&client.session)
                        );
                        break;
                    }
                }
            }
        }
    }
    assert!(failed.is_empty(), "{failed}");
}
