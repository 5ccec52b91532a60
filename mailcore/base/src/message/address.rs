//! Address lists (RFC 5322 §3.4, §4.4), read to the letter as Dovecot reads them: broken addresses are shown
//! with `MISSING_MAILBOX`, `MISSING_DOMAIN` or `SYNTAX_ERROR` instead of being dropped. Encoded words are left
//! as they are. Each byte is looked at a fixed number of times.

use super::token::{After, Cursor, is_atext};

/// One entry of an address list, in the flat order of IMAP's envelope (RFC 3501 §7.4.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A mailbox.
    Mailbox(Mailbox),
    /// `name:`, after which the group's mailboxes follow.
    GroupStart(Vec<u8>),
    /// `;`, or the end of a group that never closes.
    GroupEnd,
}

/// A mailbox, or what is there of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mailbox {
    /// The display name without quotes, or the comment after an address without one.
    pub name: Option<Vec<u8>>,
    /// The source route, `@a,@b`; `INVALID_ROUTE` if there was one that cannot be read.
    pub route: Option<Vec<u8>>,
    /// The local part without quotes, if there is one.
    pub local: Option<Vec<u8>>,
    /// The domain.
    pub domain: Domain,
}

/// The domain of a [`Mailbox`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Domain {
    /// A domain or domain literal.
    Named(Vec<u8>),
    /// There is none; IMAP shows `MISSING_DOMAIN`.
    #[default]
    Missing,
    /// The text between `<` and `>` is no address; IMAP shows `SYNTAX_ERROR`.
    Broken,
}

/// Reads the value of an address field, at most `most` entries of it. What follows an entry that is not
/// followed by a comma is not looked at.
pub fn parse_addresses(value: &[u8], most: usize) -> Vec<Address> {
    let mut list = List {
        cursor: Cursor::new(value),
        out: Vec::new(),
        most,
    };
    if list.cursor.blanks() == After::More {
        list.addresses();
    }
    list.out
}

struct List<'a> {
    cursor: Cursor<'a>,
    out: Vec<Address>,
    most: usize,
}

impl List<'_> {
    fn addresses(&mut self) {
        while self.out.len() < self.most {
            if !self.group() {
                self.mailbox();
            }
            if !self.cursor.take(b',') {
                return;
            }
            match self.cursor.blanks() {
                After::More => {}
                After::End => return,
                After::Broken => return self.out.push(Address::Mailbox(Mailbox::default())),
            }
        }
    }

    /// `group = display-name ":" [group-list] ";"`; false, with nothing taken, if it is none.
    fn group(&mut self) -> bool {
        let start = self.cursor.mark();
        let mut name = Vec::new();
        if self.cursor.phrase(&mut name) != After::More || !self.cursor.take(b':') {
            self.cursor.back_to(start);
            return false;
        }
        self.out.push(Address::GroupStart(name));
        if self.cursor.blanks() == After::More && self.cursor.peek() != Some(b';') {
            self.members();
        }
        if self.cursor.take(b';') {
            self.cursor.blanks();
        }
        self.out.push(Address::GroupEnd);
        true
    }

    fn members(&mut self) {
        while self.out.len() < self.most {
            self.mailbox();
            if !self.cursor.take(b',') || self.cursor.blanks() != After::More {
                return;
            }
        }
    }

    fn mailbox(&mut self) {
        let start = self.cursor.mark();
        let mailbox = self.name_addr().unwrap_or_else(|| {
            self.cursor.back_to(start);
            self.addr_spec()
        });
        self.out.push(Address::Mailbox(mailbox));
    }

    /// `[display-name] "<" … ">"`, if it is one.
    fn name_addr(&mut self) -> Option<Mailbox> {
        let mut name = Vec::new();
        if self.cursor.phrase(&mut name) != After::More || self.cursor.peek() != Some(b'<') {
            return None;
        }
        let mut mailbox = Mailbox {
            name: Some(name).filter(|n| !n.is_empty()),
            ..Mailbox::default()
        };
        if self.angle_addr(&mut mailbox).is_none() {
            mailbox.domain = Domain::Broken;
        }
        Some(mailbox)
    }

    /// `"<" [route ":"] local-part ["@" domain] ">"`; `None` where it breaks.
    fn angle_addr(&mut self, mailbox: &mut Mailbox) -> Option<()> {
        self.cursor.advance();
        self.more()?;
        if self.cursor.peek() == Some(b'@') {
            self.route(mailbox)?;
        }
        if self.cursor.peek() != Some(b'>') {
            let (local, after) = self.local_part();
            mailbox.local = local;
            (after == After::More).then_some(())?;
            if self.cursor.peek() == Some(b'@') {
                (self.domain(mailbox) == After::More).then_some(())?;
            }
        }
        if !self.cursor.take(b'>') {
            return None;
        }
        (self.cursor.blanks() != After::Broken).then_some(())
    }

    /// `obs-route = obs-domain-list ":"` (RFC 5322 §4.4).
    fn route(&mut self, mailbox: &mut Mailbox) -> Option<()> {
        let mut route = Vec::new();
        let readable = self.domain_list(&mut route);
        let valid = readable && self.cursor.take(b':');
        mailbox.route = Some(if valid {
            route
        } else {
            b"INVALID_ROUTE".to_vec()
        });
        if self.cursor.at_end() {
            return None;
        }
        self.more()
    }

    fn domain_list(&mut self, route: &mut Vec<u8>) -> bool {
        while self.cursor.peek() == Some(b'@') {
            if !route.is_empty() {
                route.push(b',');
            }
            route.push(b'@');
            if self.cursor.domain(route) != After::More {
                return false;
            }
            while self.cursor.blanks() == After::More && self.cursor.take(b',') {}
        }
        !self.cursor.at_end()
    }

    fn more(&mut self) -> Option<()> {
        (self.cursor.blanks() == After::More).then_some(())
    }

    /// `local-part = dot-atom / quoted-string`, with dots wherever they please.
    fn local_part(&mut self) -> (Option<Vec<u8>>, After) {
        let mut local = Vec::new();
        let after = self.read_local(&mut local);
        ((after != After::Broken).then_some(local), after)
    }

    fn read_local(&mut self, out: &mut Vec<u8>) -> After {
        if self.cursor.peek() == Some(b'"') {
            return self.cursor.quoted_string(out);
        }
        loop {
            let mut after = After::Broken;
            while self.cursor.take(b'.') {
                out.push(b'.');
                after = After::More;
                if self.cursor.at_end() {
                    return After::End;
                }
            }
            if self.cursor.peek() == Some(b'@') {
                return after;
            }
            after = self.cursor.atom(out);
            if after != After::More || self.cursor.peek() != Some(b'.') {
                return after;
            }
        }
    }

    fn domain(&mut self, mailbox: &mut Mailbox) -> After {
        let mut domain = Vec::new();
        let after = self.cursor.domain(&mut domain);
        if after != After::Broken {
            mailbox.domain = Domain::Named(domain);
        }
        after
    }

    /// `local-part "@" domain`, with a comment as the name; a lone word is a mailbox, several are a name.
    fn addr_spec(&mut self) -> Mailbox {
        self.cursor.comment.clear();
        let quoted = self.cursor.peek() == Some(b'"');
        let mut mailbox = Mailbox::default();
        let mut text = Vec::new();
        let after = self.read_local(&mut text);
        let has_domain = after != After::End && self.cursor.peek() == Some(b'@');
        if has_domain {
            self.domain(&mut mailbox);
        }
        if !self.cursor.comment.is_empty() {
            mailbox.name = Some(self.cursor.comment.clone());
        } else if !has_domain && (self.words_follow(&mut text) || quoted && after != After::Broken)
        {
            mailbox.name = Some(text);
            return mailbox;
        }
        mailbox.local = (after != After::Broken).then_some(text);
        mailbox
    }

    /// Adds the words after a local part without a domain, and says whether there were any.
    fn words_follow(&mut self, text: &mut Vec<u8>) -> bool {
        let before = text.len();
        text.push(b' ');
        self.cursor.phrase(text);
        let found = text.len() > before + 1;
        if !found {
            text.truncate(before);
        }
        found
    }
}

impl Mailbox {
    /// The local part as IMAP shows it.
    pub fn local_text(&self) -> &[u8] {
        self.local.as_deref().unwrap_or(b"MISSING_MAILBOX")
    }

    /// The domain as IMAP shows it.
    pub fn domain_text(&self) -> &[u8] {
        match &self.domain {
            Domain::Named(name) if !name.is_empty() => name,
            Domain::Named(_) | Domain::Missing => b"MISSING_DOMAIN",
            Domain::Broken => b"SYNTAX_ERROR",
        }
    }

    /// `local@domain`, if both are there; a local part that needs quotes has them.
    pub fn address(&self) -> Option<Vec<u8>> {
        let (Some(local), Domain::Named(domain)) = (&self.local, &self.domain) else {
            return None;
        };
        let mut out = Vec::with_capacity(local.len() + domain.len() + 3);
        if local.iter().all(|&b| is_atext(b) || b == b'.') {
            out.extend_from_slice(local);
        } else {
            out.push(b'"');
            for &byte in local {
                if matches!(byte, b'"' | b'\\') {
                    out.push(b'\\');
                }
                out.push(byte);
            }
            out.push(b'"');
        }
        out.push(b'@');
        out.extend_from_slice(domain);
        Some(out)
    }
}
