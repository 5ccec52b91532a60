//! POP3: a whole mailbox is fetched.

use super::{Case, Lab};
use crate::load::Pop3;
use crate::sample::{Sample, measure};
use crate::side::{FULL, PASSWORD, Service, Side};
use std::io;

pub(super) fn cases() -> Vec<Case> {
    vec![Case::new(
        "POP3 RETR of the full mailbox",
        "messages",
        2.0,
        retrieve,
    )]
}

fn retrieve(side: &Side, lab: &Lab) -> io::Result<Sample> {
    let place = side.plain(Service::Pop3);
    Pop3::login(&place, FULL, PASSWORD)?.quit()?;
    let mut pop = Pop3::login(&place, FULL, PASSWORD)?;
    let sample = measure(&side.group, lab.scale.mailbox as u64, || {
        pop.retrieve(lab.scale.mailbox).map(drop)
    });
    pop.quit()?;
    sample
}
