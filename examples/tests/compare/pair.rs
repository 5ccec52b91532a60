//! A Dovecot and our server over the same mail, and one client at both.

use crate::client::{Answer, Client};
use crate::dovecot::Dovecot;
use crate::maildir::{Mail, PASSWORD, Place, USER};
use crate::server::{IMAP, Server};
use std::time::Duration;

/// Two sessions on the same mailbox, one at each server.
pub struct Pair {
    pub theirs: Client,
    pub ours: Client,
    /// In the order of their UIDs, which begin with 1.
    pub mails: Vec<Mail>,
    dovecot: Dovecot,
    patience: Duration,
    _server: Server,
    _place: Place,
}

/// What both said to the same command.
#[derive(Debug)]
pub struct Both {
    pub theirs: Answer,
    pub ours: Answer,
}

impl Pair {
    /// Starts both; Dovecot has been there first.
    pub fn start(seed: u64, (generated, real): (usize, bool), patience: Duration) -> Self {
        let (place, mails) = Place::filled(seed, generated, real);
        let login = |port| Client::login(port, USER, PASSWORD, patience);
        let dovecot = Dovecot::over(&place.users(), &place.mail());
        let mut theirs = login(dovecot.imap);
        assert_eq!(theirs.ask(b"SELECT INBOX").end, "OK");
        assert_eq!(theirs.ask(b"UNSELECT").end, "OK");
        let copy = place.copy();
        let location = format!("{}/%n", copy.mail().display());
        let arguments = ["--mail-location", &location, "--mail-user", "nobody"];
        let server = Server::start_in(copy.folder, &arguments);
        let ours = login(server.port(IMAP));
        let mut pair = Self {
            theirs,
            ours,
            mails,
            dovecot,
            patience,
            _server: server,
            _place: place,
        };
        let both = pair.ask("SELECT INBOX (CONDSTORE)");
        for answer in [both.theirs, both.ours] {
            let exists = format!("{:?}", answer.told);
            assert!(
                exists.contains(&format!("[{}, EXISTS]", pair.mails.len())),
                "{exists}"
            );
        }
        pair
    }

    pub fn ask(&mut self, command: &str) -> Both {
        self.ask_bytes(command.as_bytes())
    }

    /// Both are asked at the same time. Where Dovecot hangs up, another session takes its place.
    pub fn ask_bytes(&mut self, command: &[u8]) -> Both {
        self.theirs.send(command);
        self.ours.send(command);
        let both = Both {
            theirs: self.theirs.answer(),
            ours: self.ours.answer(),
        };
        assert!(
            both.ours.end != "BYE",
            "we hang up: {}",
            command.escape_ascii()
        );
        if both.theirs.end == "BYE" {
            self.theirs = Client::login(self.dovecot.imap, USER, PASSWORD, self.patience);
            assert_eq!(self.theirs.ask(b"SELECT INBOX (CONDSTORE)").end, "OK");
        }
        both
    }
}
