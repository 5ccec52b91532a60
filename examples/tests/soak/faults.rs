//! What goes wrong around the server, one thing after another, each healed before the next; or not, and it is killed
//! in the midst of it.

use crate::chance::Chance;
use crate::clock::Clock;
use crate::harm::{Broken, limit};
use crate::house::{ELSEWHERE, House, Mood};
use crate::ledger::Ledger;
use crate::net::exchanger;
use crate::server::{have, succeed};
use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

/// A kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    Killed,
    DiskFull,
    NoDescriptors,
    FlushesFail,
    FlushesTakeLong,
    SomeNamesFail,
    SomeWritesFail,
    NamesUnanswered,
    NobodyListens,
    PeerSlow,
    PeerBusy,
    PeerGone,
}

use Fault::*;

/// All of them; a run goes through them in an order of its own, again and again.
const ALL: [Fault; 12] = [
    Killed,
    DiskFull,
    NoDescriptors,
    FlushesFail,
    FlushesTakeLong,
    SomeNamesFail,
    SomeWritesFail,
    NamesUnanswered,
    NobodyListens,
    PeerSlow,
    PeerBusy,
    PeerGone,
];

/// Does what goes wrong, as long as the run is. How often each was done.
pub fn go_wrong(
    house: &mut House,
    ledger: &Ledger<'_>,
    clock: &Clock,
    chance: &mut Chance,
) -> BTreeMap<Fault, usize> {
    let mut done = BTreeMap::new();
    let only = std::env::var("MAILCORE_FAULTS").ok();
    while clock.running() {
        let mut order = ALL.to_vec();
        order.retain(|it| {
            only.as_ref()
                .is_none_or(|only| only.contains(&format!("{it:?}")))
        });
        while !order.is_empty() && clock.running() {
            let fault = order.swap_remove(chance.below(order.len()));
            clock.pass(Duration::from_millis(chance.within(100, 700) as u64));
            if one(fault, house, ledger, clock, chance) {
                *done.entry(fault).or_default() += 1;
            }
            house.measure();
        }
        clock.pass(Duration::from_millis(100));
    }
    done
}

/// Does one: whether it could be done here.
fn one(
    fault: Fault,
    house: &mut House,
    ledger: &Ledger<'_>,
    clock: &Clock,
    chance: &mut Chance,
) -> bool {
    let lasts = Duration::from_millis(chance.within(200, 1_500) as u64);
    let dies = chance.once_in(3);
    let records = |house: &House| match fault {
        NobodyListens => exchanger(ELSEWHERE, house.dead_port()),
        _ => format!("{ELSEWHERE}. FAIL TIMEOUT\n"),
    };
    match fault {
        Killed => {
            house.rise_again(ledger);
            return true;
        }
        DiskFull => {
            let Some(disk) = &house.disk else {
                return false;
            };
            let ballast = disk.fill();
            clock.pass(lasts);
            std::fs::remove_file(ballast).unwrap();
        }
        NoDescriptors => {
            if !have(&["prlimit"]) {
                return false;
            }
            let open = std::fs::read_dir(format!("/proc/{}/fd", house.server().pid())).unwrap();
            limit(
                house.server(),
                &format!("{}:", open.count() + chance.below(4)),
            );
            clock.pass(lasts);
            limit(house.server(), "4096:");
        }
        FlushesFail | FlushesTakeLong | SomeNamesFail | SomeWritesFail => {
            let every = chance.within(3, 9);
            let some = format!("when={}+{every}", chance.within(1, 9));
            let (calls, how) = match fault {
                FlushesFail => ("fsync,fdatasync,syncfs", "error=EIO".to_owned()),
                FlushesTakeLong => ("fsync,fdatasync,syncfs", "delay_exit=100000".to_owned()),
                SomeNamesFail => (
                    "rename,renameat,renameat2,link,linkat,unlink,unlinkat",
                    format!("error=EIO:{some}"),
                ),
                _ => ("pwrite64,pwritev,pwritev2", format!("error=ENOSPC:{some}")),
            };
            if !have(&["strace"]) {
                return false;
            }
            let Some(broken) = Broken::calls(house.server(), calls, &how) else {
                return false;
            };
            clock.pass(lasts);
            if !dies {
                drop(broken);
                return true;
            }
            // While it is traced nobody but its tracer learns that it has ended.
            let pid = house.server().pid().to_string();
            succeed(Command::new("kill").args(["-KILL", &pid]));
            drop(broken);
            house.rise_again(ledger);
            return true;
        }
        NamesUnanswered | NobodyListens => {
            house.zone(Some(&records(house)));
            clock.pass(lasts);
        }
        PeerSlow | PeerBusy | PeerGone => {
            house.mind(match fault {
                PeerSlow => Mood::Slow,
                PeerBusy => Mood::Busy,
                _ => Mood::Gone,
            });
            clock.pass(lasts);
        }
    }
    if dies {
        house.rise_again(ledger);
    }
    house.zone(None);
    house.mind(Mood::Kind);
    true
}
