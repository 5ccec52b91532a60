//! The one question that is open.

use super::question::{
    Abandoned, Auth, Begin, Connect, Etrn, Finish, Header, Hello, Mail, Open, Rcpt, Secured, Topic,
    Unknown, Verify,
};

/// The question that is open, with what is asked: it stays here until it is answered.
#[derive(Debug)]
pub(super) enum Pending {
    None,
    Connect(Open<Connect>),
    Hello(Open<Hello>),
    Secured(Open<Secured>),
    Auth(Open<Auth>),
    Mail(Open<Mail>),
    Rcpt(Open<Rcpt>),
    Verify(Open<Verify>),
    Etrn(Open<Etrn>),
    Unknown(Open<Unknown>),
    Begin(Open<Begin>),
    Header(Open<Header>),
    Finish(Open<Finish>),
    Abandoned(Open<Abandoned>),
}

impl Pending {
    /// Whether its answer was given.
    pub(super) fn is_answered(&self) -> bool {
        fn given<T: Topic>(open: &Open<T>) -> bool {
            open.answer.is_some()
        }
        match self {
            Self::None => false,
            Self::Connect(open) => given(open),
            Self::Hello(open) => given(open),
            Self::Secured(open) => given(open),
            Self::Auth(open) => given(open),
            Self::Mail(open) => given(open),
            Self::Rcpt(open) => given(open),
            Self::Verify(open) => given(open),
            Self::Etrn(open) => given(open),
            Self::Unknown(open) => given(open),
            Self::Begin(open) => given(open),
            Self::Header(open) => given(open),
            Self::Finish(open) => given(open),
            Self::Abandoned(open) => given(open),
        }
    }
}
