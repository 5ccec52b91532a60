//! Logins: connect, greet, log in, log out, ten clients at once.

use super::mail::all_at_once;
use super::{Case, Lab};
use crate::load::{Imap, Layer};
use crate::sample::{Sample, measure};
use crate::side::{FULL, HASHED, PASSWORD, Side};
use std::io;

const CLIENTS: usize = 10;

pub(super) fn cases() -> Vec<Case> {
    [
        ("logins, plain password", FULL, Layer::Plain, 10.0),
        ("logins, SHA512-CRYPT", HASHED, Layer::Plain, 1.0),
        ("logins, plain password, TLS", FULL, Layer::Tls, 5.0),
    ]
    .map(|(name, user, layer, times)| {
        let work = move |side: &Side, lab: &Lab| logins(side, lab, user, layer);
        Case::new(name, "logins", times, work)
    })
    .into()
}

fn logins(side: &Side, lab: &Lab, user: &str, layer: Layer) -> io::Result<Sample> {
    let place = side.imap(layer);
    let each = lab.scale.logins / CLIENTS;
    measure(&side.group, (each * CLIENTS) as u64, || {
        all_at_once(0..CLIENTS, |_| {
            (0..each).try_for_each(|_| {
                let mut imap = Imap::login(&place, user, PASSWORD)?;
                imap.ask("LOGOUT").map(drop)
            })
        })
    })
}
