//! Clients that note what they are promised. Each stops at the first answer that is not a yes.

use crate::promises::{Promise, Promises, message};
use crate::world::{PASSWORD, World};

const ALICE: &str = "alice@example.test";
const BOB: &str = "bob@example.test";
/// Longer than what the store holds in memory before it writes.
const LONG: usize = 5_000;

fn kept(user: &'static str, name: &str) -> Promise {
    Promise::Kept {
        user,
        mailboxes: vec!["INBOX"],
        name: name.to_owned(),
    }
}

/// Sends by SMTP: to one, to both, by BDAT, and one that is long.
pub async fn smtp(world: World, told: Promises, round: &str) -> Option<()> {
    let mut talk = world.smtp();
    talk.reply("220").await?;
    talk.say("EHLO client.test", "250").await?;
    for (name, lines, to) in [
        ("short", 3, &[ALICE][..]),
        ("both", 20, &[ALICE, BOB]),
        ("long", LONG, &[BOB]),
    ] {
        let name = format!("{round} smtp {name}");
        let content = message(&name, lines);
        told.sends(&name, &content);
        talk.say("MAIL FROM:<a@client.test>", "250").await?;
        for user in to {
            talk.say(&format!("RCPT TO:<{user}>"), "250").await?;
        }
        if lines == 20 {
            talk.send(format!("BDAT {} LAST\r\n", content.len()).as_bytes())
                .await;
            talk.send(&content).await;
            talk.reply("250").await?;
        } else {
            talk.say("DATA", "354").await?;
            talk.send(&content).await;
            talk.say(".", "250").await?;
        }
        for user in to {
            told.make(kept(user, &name));
        }
    }
    talk.say("QUIT", "221").await.map(drop)
}

/// Sends by LMTP, where each recipient has an answer.
pub async fn lmtp(world: World, told: Promises, round: &str) -> Option<()> {
    let mut talk = world.lmtp();
    talk.reply("220").await?;
    talk.say("LHLO client.test", "250").await?;
    for (name, lines) in [("first", 5), ("second", LONG), ("third", 1)] {
        let name = format!("{round} lmtp {name}");
        let content = message(&name, lines);
        told.sends(&name, &content);
        talk.say("MAIL FROM:<a@client.test>", "250").await?;
        for user in [ALICE, BOB] {
            talk.say(&format!("RCPT TO:<{user}>"), "250").await?;
        }
        talk.say("DATA", "354").await?;
        talk.send(&content).await;
        talk.send(b".\r\n").await;
        let mut refused = false;
        for user in [ALICE, BOB] {
            let line = talk.line().await?;
            match line.starts_with("250 ") {
                true => told.make(kept(user, &name)),
                false => refused = true,
            }
        }
        if refused {
            return None;
        }
    }
    talk.say("QUIT", "221").await.map(drop)
}

/// Appends by IMAP, then flags, copies and moves.
pub async fn imap(world: World, told: Promises, round: &str) -> Option<()> {
    let mut talk = world.imap();
    talk.line().await?;
    let login = format!("a LOGIN {ALICE} {PASSWORD}\r\n");
    talk.send(login.as_bytes()).await;
    talk.answer("a").await?;
    for mailbox in ["Archive", "Elsewhere"] {
        talk.send(format!("a CREATE {mailbox}\r\n").as_bytes())
            .await;
        talk.answer("a").await?;
    }
    let mut uids = Vec::new();
    for (name, lines) in [("one", 4), ("two", LONG), ("three", 40)] {
        let name = format!("{round} append {name}");
        let content = message(&name, lines);
        told.sends(&name, &content);
        talk.send(format!("a APPEND Archive {{{}+}}\r\n", content.len()).as_bytes())
            .await;
        talk.send(&content).await;
        talk.send(b"\r\n").await;
        let answer = talk.answer("a").await?;
        let (validity, uid) = placed(&answer)?;
        told.make(Promise::Kept {
            user: ALICE,
            mailboxes: vec!["Archive"],
            name: name.clone(),
        });
        told.make(Promise::Numbered {
            user: ALICE,
            mailbox: "Archive",
            name: name.clone(),
            validity,
            uid,
        });
        uids.push((name, uid));
    }
    talk.send(b"a SELECT Archive\r\n").await;
    talk.answer("a").await?;
    let (_, flagged) = uids.first()?.clone();
    talk.send(format!("a UID STORE {flagged} +FLAGS (\\Flagged $Work)\r\n").as_bytes())
        .await;
    talk.answer("a").await?;
    told.make(Promise::Flagged {
        user: ALICE,
        mailbox: "Archive",
        uid: flagged,
    });
    let (name, copied) = uids.get(1)?.clone();
    talk.send(format!("a UID COPY {copied} INBOX\r\n").as_bytes())
        .await;
    talk.answer("a").await?;
    told.make(kept(ALICE, &name));
    let (name, moved) = uids.get(2)?.clone();
    // From here on it is in the one or the other, and in neither at no moment.
    told.release(|p| match p {
        Promise::Kept { name: of, .. } | Promise::Numbered { name: of, .. } => *of == name,
        _ => false,
    });
    told.make(Promise::Kept {
        user: ALICE,
        mailboxes: vec!["Archive", "Elsewhere"],
        name: name.clone(),
    });
    talk.send(format!("a UID MOVE {moved} Elsewhere\r\n").as_bytes())
        .await;
    talk.answer("a").await?;
    told.make(Promise::Kept {
        user: ALICE,
        mailboxes: vec!["Elsewhere"],
        name,
    });
    told.make(Promise::Gone {
        user: ALICE,
        mailbox: "Archive",
        uid: moved,
    });
    talk.send(b"a LOGOUT\r\n").await;
    talk.answer("a").await.map(drop)
}

/// What APPENDUID says.
fn placed(answer: &str) -> Option<(u32, u32)> {
    let code = answer.split("[APPENDUID ").nth(1)?;
    let mut numbers = code.split([' ', ']']);
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}
