//! `mailserver queue …`: what an administrator sees of the queue, in the form of `mailq`, and does to it.

use jiff::Zoned;
use jiff::tz::TimeZone;
use mailcore::admin::{QueueDesk, Selection};
use mailcore::intake::QueueId;
use mailcore::store::queue::{Entry, Lane, Outcome};
use std::io;
use std::time::SystemTime;
use tokio::io::{AsyncWrite, AsyncWriteExt};

/// What can be done.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Command {
    /// The messages in the queue, each with its recipients and why they wait
    List,
    /// A message: envelope, header and body
    Show {
        /// Its queue id
        id: String,
    },
    /// Put messages on hold: no delivery is tried until they are released
    Hold {
        /// Queue ids, or ALL
        #[arg(required = true)]
        ids: Vec<String>,
    },
    /// Release messages from hold
    Release {
        /// Queue ids, or ALL
        #[arg(required = true)]
        ids: Vec<String>,
    },
    /// Try deferred messages now
    Retry {
        /// Queue ids, or ALL [default: ALL]
        ids: Vec<String>,
    },
    /// Delete messages; nobody is told
    Delete {
        /// Queue ids, or ALL
        #[arg(required = true)]
        ids: Vec<String>,
    },
}

impl Command {
    /// The command as words for the server.
    pub fn words(&self) -> Vec<String> {
        let (verb, ids) = match self {
            Self::List => ("list", Vec::new()),
            Self::Show { id } => ("show", vec![id.clone()]),
            Self::Hold { ids } => ("hold", ids.clone()),
            Self::Release { ids } => ("release", ids.clone()),
            Self::Retry { ids } if ids.is_empty() => ("retry", vec!["ALL".to_owned()]),
            Self::Retry { ids } => ("retry", ids.clone()),
            Self::Delete { ids } => ("delete", ids.clone()),
        };
        [verb.to_owned()].into_iter().chain(ids).collect()
    }
}

/// Runs a command in the server; gives back its exit code.
pub async fn run<W>(words: &[String], desk: &QueueDesk, out: &mut W) -> io::Result<u8>
where
    W: AsyncWrite + Unpin + Send,
{
    let Some((verb, ids)) = words.split_first() else {
        return Ok(64);
    };
    match verb.as_str() {
        "list" => list(desk, out).await,
        "show" => show(desk, ids.first().map_or("", String::as_str), out).await,
        "hold" | "release" | "retry" | "delete" => change(verb, ids, desk, out).await,
        _ => {
            say(out, &format!("mailserver: no such request: {verb}\n")).await?;
            Ok(64)
        }
    }
}

async fn say<W: AsyncWrite + Unpin>(out: &mut W, text: &str) -> io::Result<()> {
    out.write_all(text.as_bytes()).await
}

async fn failed<W: AsyncWrite + Unpin>(
    out: &mut W,
    error: &mailcore::store::Error,
) -> io::Result<u8> {
    say(out, &format!("mailserver: {error}\n")).await?;
    Ok(75)
}

async fn change<W>(verb: &str, ids: &[String], desk: &QueueDesk, out: &mut W) -> io::Result<u8>
where
    W: AsyncWrite + Unpin,
{
    // Said at the end, and all at once: nobody's slow reading stops a change half-way. As bounded as the request is.
    let (mut code, mut said) = (0, String::new());
    for id in ids {
        let which = match id.as_str() {
            "ALL" => Selection::All,
            id => Selection::Id(id.to_owned()),
        };
        let done = match verb {
            "hold" => desk.hold(&which).await,
            "release" => desk.release(&which).await,
            "retry" => desk.retry(&which).await,
            _ => desk.delete(&which).await,
        };
        match done {
            Ok(0) if which != Selection::All => {
                said.push_str(&format!("{id}: no such message, or nothing to {verb}\n"));
                code = 1;
            }
            Ok(n) => said.push_str(&format!("{}: {n} {}\n", past(verb), messages(n))),
            Err(error) => {
                said.push_str(&format!("mailserver: {error}\n"));
                code = 75;
            }
        }
    }
    say(out, &said).await?;
    Ok(code)
}

fn past(verb: &str) -> &'static str {
    match verb {
        "hold" => "Placed on hold",
        "release" => "Released from hold",
        "retry" => "Tried again",
        _ => "Deleted",
    }
}

fn messages(n: usize) -> &'static str {
    if n == 1 { "message" } else { "messages" }
}

async fn list<W: AsyncWrite + Unpin>(desk: &QueueDesk, out: &mut W) -> io::Result<u8> {
    let zone = TimeZone::system();
    let (mut count, mut octets, mut after) = (0u64, 0u64, None);
    loop {
        let page = match desk.page(after).await {
            Ok(page) => page,
            Err(error) => return failed(out, &error).await,
        };
        let Some(last) = page.last() else { break };
        after = Some(last.identity);
        for entry in &page {
            if count == 0 {
                say(out, HEADING).await?;
            }
            count += 1;
            octets += entry.size;
            say(out, &row(entry, &zone)).await?;
        }
    }
    let end = match count {
        0 => "Mail queue is empty\n".to_owned(),
        n => format!(
            "-- {} Kbytes in {n} Request{}.\n",
            octets.div_ceil(1024),
            if n == 1 { "" } else { "s" }
        ),
    };
    say(out, &end).await?;
    Ok(0)
}

const HEADING: &str = "-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------\n";

/// A message and its recipients, as `mailq` shows them, with an empty line behind.
fn row(entry: &Entry, zone: &TimeZone) -> String {
    let mark = match entry.lane {
        Lane::Active => '*',
        Lane::Hold => '!',
        Lane::Corrupt => '#',
        _ => ' ',
    };
    let id = format!("{}{mark}", QueueId::of(entry.identity));
    let sender = match entry.envelope.sender.to_string() {
        empty if empty.is_empty() || empty == "<>" => "MAILER-DAEMON".to_owned(),
        sender => sender,
    };
    let mut out = format!(
        "{id:<12}{:>8} {} {sender}\n",
        entry.size,
        date(entry.arrived, zone)
    );
    let mut reason = "";
    for (at, recipient) in entry.envelope.recipients.iter().enumerate() {
        let outcome = entry.outcomes.get(at).and_then(Option::as_ref);
        match outcome {
            Some(Outcome::Done | Outcome::Failed(_)) => continue,
            Some(Outcome::Deferred(why)) if why != reason => {
                reason = why;
                out.push_str(&format!("{:>78}\n", format!("({why})")));
            }
            _ => {}
        }
        out.push_str(&format!("{:41}{}\n", "", recipient.path));
    }
    out.push('\n');
    out
}

fn date(at: SystemTime, zone: &TimeZone) -> String {
    jiff::Timestamp::try_from(at)
        .map(|at| {
            Zoned::new(at, zone.clone())
                .strftime("%a %b %e %H:%M:%S")
                .to_string()
        })
        .unwrap_or_default()
}

async fn show<W: AsyncWrite + Unpin>(desk: &QueueDesk, id: &str, out: &mut W) -> io::Result<u8> {
    let entry = match desk.find(id).await {
        Ok(Some(entry)) => entry,
        Ok(None) => {
            say(out, &format!("{id}: no such message\n")).await?;
            return Ok(1);
        }
        Err(error) => return failed(out, &error).await,
    };
    say(out, &envelope(&entry, &TimeZone::system())).await?;
    let content = match desk.content(entry.identity).await {
        Ok(Some(content)) => content,
        Ok(None) => return Ok(1),
        Err(error) => return failed(out, &error).await,
    };
    let mut at = 0;
    while at < content.len() {
        match content.read(at..content.len().min(at + 64 * 1024)).await {
            Ok(run) if run.is_empty() => break,
            Ok(run) => {
                at += run.len() as u64;
                // A carriage return may be the last of a run and its line feed the first of the next.
                let bare: Vec<u8> = run.iter().copied().filter(|b| *b != b'\r').collect();
                out.write_all(&bare).await?;
            }
            Err(error) => return failed(out, &error).await,
        }
    }
    say(out, "*** MESSAGE FILE END ***\n").await?;
    Ok(0)
}

fn envelope(entry: &Entry, zone: &TimeZone) -> String {
    let mut out = format!("*** ENVELOPE RECORDS {} ***\n", QueueId::of(entry.identity));
    out.push_str(&format!("message_size: {}\n", entry.size));
    out.push_str(&format!("arrival_time: {}\n", date(entry.arrived, zone)));
    if let Some(due) = entry.due {
        out.push_str(&format!("next_attempt: {}\n", date(due, zone)));
    }
    out.push_str(&format!("sender: {}\n", entry.envelope.sender));
    for (at, recipient) in entry.envelope.recipients.iter().enumerate() {
        if let Some(original) = &recipient.original {
            out.push_str(&format!("original_recipient: {original}\n"));
        }
        let done = match entry.outcomes.get(at).and_then(Option::as_ref) {
            Some(Outcome::Done | Outcome::Failed(_)) => "done_recipient",
            _ => "recipient",
        };
        out.push_str(&format!("{done}: {}\n", recipient.path));
    }
    out.push_str("*** MESSAGE CONTENTS ***\n");
    out
}
