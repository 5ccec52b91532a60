//! What must be true at the end of a life.

use crate::journal::{Page, Told};
use crate::letter::{Letter, USERS, user};
use crate::remote::{Others, whole};
use crate::world::mailboxes;
use mailcore::base::mailbox::MailboxName;
use mailcore::store::auth::User;
use mailcore::store::disk::SimDisk;
use mailcore::store::mailbox::{Access, Clock, MailStore};
use mailcore::store::{Error, Kind, Result};
use std::sync::Arc;

/// Where something arrived, and what.
#[derive(Debug, Clone)]
pub struct Arrived {
    place: String,
    /// For another server: the recipient it was told.
    remote: bool,
    content: Vec<u8>,
}

#[derive(Debug, Default)]
pub struct Judged {
    pub wrong: Vec<String>,
    pub again: usize,
}

/// What lies in the mailboxes.
pub async fn found(disk: &SimDisk) -> Result<Vec<Arrived>> {
    let time = disk.clone();
    let store = mailboxes(Arc::new(disk.clone()), Clock::new(move || time.now()));
    let mut found = Vec::new();
    for name in USERS {
        let account = store.account(&User::new(name)).await?;
        let inbox = account.open(&MailboxName::inbox(), Access::Read).await?;
        let now = inbox.sync(None).await?.now;
        for uid in now.uids.iter() {
            let body = inbox.body(uid).await?;
            let body = body.ok_or_else(|| Error::new(Kind::NotFound, "a message"))?;
            found.push(Arrived {
                place: name.to_owned(),
                remote: false,
                content: whole(&*body).await.unwrap_or_default(),
            });
        }
    }
    Ok(found)
}

pub fn judge(letters: &[Letter], others: &Others, page: &Page, found: &[Arrived]) -> Judged {
    let elsewhere = page.accepted.iter().map(|it| Arrived {
        place: it.recipient.clone(),
        remote: true,
        content: it.content.clone(),
    });
    let all: Vec<Arrived> = found.iter().cloned().chain(elsewhere).collect();
    let mut judged = Judged::default();
    let (reports, mails): (Vec<_>, Vec<_>) = all.into_iter().partition(is_report);
    for mail in &mails {
        if !letters.iter().any(|letter| is_copy(mail, letter)) {
            let text = String::from_utf8_lossy(&mail.content);
            let text: String = text.chars().take(400).collect();
            judged
                .wrong
                .push(format!("{}: this is no whole letter: {text}", mail.place));
        }
    }
    for report in &reports {
        if !letters.iter().any(|letter| is_report_on(report, letter)) {
            let what = format!("{}: a report on nothing, or not whole", report.place);
            judged.wrong.push(what);
        }
    }
    for letter in letters {
        judged.letter(letter, others, page, &mails, &reports);
    }
    judged
}

impl Judged {
    fn letter(
        &mut self,
        letter: &Letter,
        others: &Others,
        page: &Page,
        mails: &[Arrived],
        reports: &[Arrived],
    ) {
        let token = &letter.token;
        let copies: Vec<&Arrived> = mails.iter().filter(|it| is_copy(it, letter)).collect();
        let on: Vec<&Arrived> = reports
            .iter()
            .filter(|it| is_report_on(it, letter))
            .collect();
        let answer = page.answers.get(token).copied().flatten();
        let nowhere = copies.is_empty() && on.is_empty();
        match answer {
            Some(Told::Taken) => {}
            // Nobody was told that it was taken: it is with all of them, or with nobody.
            Some(Told::Refused | Told::Nothing) | None if nowhere => return,
            Some(Told::Refused) if page.is_refused_for_good(token) => {
                return self.wrong.push(format!("{token} was refused, and arrived"));
            }
            Some(Told::Refused | Told::Nothing) => {}
            None => {
                return self
                    .wrong
                    .push(format!("{token} was never sent, and arrived"));
            }
        }
        for to in letter.finals() {
            self.recipient(letter, &to, others, page, &copies, &on);
        }
    }

    fn recipient(
        &mut self,
        letter: &Letter,
        to: &str,
        others: &Others,
        page: &Page,
        copies: &[&Arrived],
        reports: &[&Arrived],
    ) {
        let token = &letter.token;
        let place = user(to);
        let at = |it: &&&Arrived| match place {
            Some(user) => !it.remote && it.place == user,
            None => it.remote && it.place == to,
        };
        let here = copies.iter().filter(at).count();
        let told = reports.iter().filter(|it| names(it, to)).count();
        let refused = place.is_none() && others.refuse(token, to);
        let owed = usize::from(refused && !letter.sender.is_empty());
        let (wanted, reported) = (usize::from(!refused), owed);
        // A mailbox knows what it has; others get again what was not recorded.
        let spare = match place {
            Some(_) => 0,
            None => page.forgotten(token, Some(to)),
        };
        if here < wanted || here > wanted + wanted * spare {
            self.wrong
                .push(format!("{token} to {to}: {here} copies, {spare} forgotten"));
        }
        let spare = page.cut_off() + page.forgotten("", None);
        if told < reported || told > reported * (1 + spare) {
            self.wrong.push(format!(
                "{token} to {to}: {told} reports, {spare} forgotten"
            ));
        }
        self.again += here.saturating_sub(wanted) + told.saturating_sub(reported);
    }
}

/// The letter octet for octet, behind nothing but trace fields.
fn is_copy(mail: &Arrived, letter: &Letter) -> bool {
    let front = mail.content.strip_suffix(&letter.content[..]);
    front.is_some_and(|front| {
        let text = String::from_utf8_lossy(front);
        let trace = [
            "Received: ",
            "Return-Path: ",
            "Delivered-To: ",
            "X-Original-To: ",
        ];
        let folded = |line: &str| line.starts_with(['\t', ' ']);
        let known = |line: &str| trace.iter().any(|name| line.starts_with(name));
        !front.is_empty()
            && front.ends_with(b"\r\n")
            && text.lines().all(|line| folded(line) || known(line))
    })
}

fn is_report(mail: &Arrived) -> bool {
    let text = String::from_utf8_lossy(&mail.content);
    text.contains("\r\nAuto-Submitted: auto-replied\r\n")
}

/// A whole report, with the whole letter (or its header, where that is long) in it, to its sender.
fn is_report_on(report: &Arrived, letter: &Letter) -> bool {
    let text = String::from_utf8_lossy(&report.content);
    let end = text
        .split("boundary=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .map(|boundary| format!("\r\n--{boundary}--\r\n"));
    let content = match letter.content.len() {
        0..40_000 => String::from_utf8_lossy(&letter.content).into_owned(),
        _ => letter.mark(),
    };
    report.place == letter.sender
        && end.is_some_and(|end| text.ends_with(&end))
        && text.contains(&content)
}

fn names(report: &Arrived, to: &str) -> bool {
    let text = String::from_utf8_lossy(&report.content);
    text.contains(&format!("\r\nFinal-Recipient: rfc822; {to}\r\n"))
}
