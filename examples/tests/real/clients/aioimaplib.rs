//! aioimaplib (Python): many clients in one program.

use super::{ALICE, kept, with_pypi};
use crate::server::Server;

#[test]
fn aioimaplibs_clients_all_hear_while_they_wait_and_all_work_at_once() {
    let server = Server::start(&[]);
    if !with_pypi("aioimaplib", "by_aioimaplib.py", &server) {
        return;
    }
    assert_eq!(kept(&server, ALICE, ""), ["first \\Flagged $Label1"]);
    let taken: Vec<String> = (0..10).map(|n| format!("by client {n} \\Seen")).collect();
    assert_eq!(kept(&server, ALICE, ".Taken"), taken);
}
