//! Every fuzz body over its seeds and over their neighbours, the same ones at each run. `MAILCORE_FUZZ_CASES` says how
//! many neighbours (1000 unless set); for more than that there is libFuzzer.

#![allow(clippy::unwrap_used)]

use mailcore_fuzz::mutation::{Xorshift, mutate};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

macro_rules! promises {
    ($($promise:ident: $target:ident,)*) => {
        const TESTED: &[&str] = &[$(stringify!($target)),*];
        $(
            #[test]
            fn $promise() {
                survey(stringify!($target), mailcore_fuzz::$target::body);
            }
        )*
    };
}

promises! {
    an_address_reads_back_as_it_was_written: address,
    a_file_of_aliases_is_read_whole_or_refused: aliases,
    an_auth_socket_answers_in_lines_that_read_back_and_ends: auth_socket,
    a_date_reads_back_as_the_same_moment: date,
    what_is_decoded_is_the_same_in_any_pieces: decoding,
    what_is_deflated_inflates_to_itself: deflate,
    a_header_is_read_whole_and_shown_as_imap: header,
    an_imap_session_says_imap_of_messages_the_client_knows_and_ends: imap,
    an_lmtp_session_answers_with_replies_and_ends: lmtp,
    line_ends_are_the_same_in_any_pieces: line_ends,
    a_mailbox_name_has_one_spelling_and_cannot_climb: mailbox_name,
    a_maildir_shows_each_message_once_and_keeps_its_uids: maildir,
    an_index_of_anything_changes_nothing_that_a_maildir_shows: maildir_index,
    a_message_is_the_same_in_any_pieces_and_each_part_in_its_parent: message,
    orders_and_threads_hold_every_message_once: order,
    no_line_break_hides_in_a_parameter: parameters,
    a_file_of_users_breaks_no_line: passwd_file,
    a_stored_password_reads_back_and_is_not_shown: password_scheme,
    a_pop3_session_sends_whole_messages_and_ends: pop3,
    a_proxys_word_is_the_same_in_any_pieces_and_nothing_behind_it_is_read: proxy,
    a_queue_opens_whatever_lies_in_its_folder_and_goes_on: queue_log,
    a_reply_is_the_same_in_any_pieces_and_safe_to_repeat: reply,
    a_sasl_client_ends_and_stays_ended: sasl_client,
    a_sasl_server_lets_nobody_in_unasked: sasl_server,
    texts_of_sasl_read_back: sasl_text,
    the_scheduler_loses_nobody_and_keeps_its_limits: scheduler,
    a_search_finds_the_same_in_any_pieces_and_ends: search,
    a_section_lies_in_the_message_and_is_said_again: section,
    an_smtp_session_answers_with_replies_and_ends: smtp,
    an_smtp_client_tells_one_outcome_for_each_recipient_and_ends: smtp_client,
    what_a_table_says_can_be_asked_for: table,
    a_set_of_uids_is_a_set_of_numbers: uid_set,
    the_wire_loses_and_repeats_nothing: wire,
    xtext_decodes_what_it_encoded: xtext,
    a_zone_is_read_whole_or_refused_and_answers_what_can_be_asked: zone,
}

/// Says on the way out of a panic which input it was.
struct Shown<'i>(&'static str, &'i [u8]);

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}: b\"{}\"", self.0, self.1.escape_ascii());
        }
    }
}

fn survey(target: &'static str, body: fn(&[u8])) {
    let run = |input: &[u8]| {
        let shown = Shown(target, input);
        body(input);
        drop(shown);
    };
    let seeds = seeds(target);
    assert!(!seeds.is_empty(), "no seeds for {target}");
    seeds.iter().for_each(|seed| run(seed));
    run(b"");
    let mut random = Xorshift::named(target);
    for _ in 0..cases() {
        let mut input = seeds[random.below(seeds.len())].clone();
        mutate(&mut random, &mut input, &seeds);
        run(&input);
    }
}

/// Longer messages take too long without optimisation.
const LONGEST_REAL: u64 = 128 * 1024;

#[test]
fn real_messages_keep_the_promises_that_made_ones_keep() {
    let Some(corpus) = std::env::var_os("MAILCORE_CORPUS") else {
        eprintln!("MAILCORE_CORPUS is unset: no real messages were read");
        return;
    };
    let mut messages = Vec::new();
    collect(Path::new(&corpus), &mut messages);
    assert!(!messages.is_empty(), "no messages in {}", corpus.display());
    for path in messages {
        let message = std::fs::read(&path).unwrap();
        eprintln!("{}", path.display());
        mailcore_fuzz::message::body(&message);
        mailcore_fuzz::header::body(&message);
        mailcore_fuzz::line_ends::body(&message);
        mailcore_fuzz::decoding::body(&message);
        let asked = [b"HEADER.FIELDS.NOT (Received)\n", &message[..]].concat();
        mailcore_fuzz::section::body(&asked);
        let sought = [b"the\nSubject\n", &message[..], b"\x01\x02\x20"].concat();
        mailcore_fuzz::search::body(&sought);
    }
}

fn collect(folder: &Path, messages: &mut Vec<PathBuf>) {
    for path in entries(folder) {
        if path.is_dir() {
            collect(&path, messages);
        } else if path.extension().is_some_and(|e| e == "eml")
            && path.metadata().is_ok_and(|meta| meta.len() <= LONGEST_REAL)
        {
            messages.push(path);
        }
    }
}

fn cases() -> usize {
    let set = std::env::var("MAILCORE_FUZZ_CASES");
    set.map_or(1_000, |text| text.parse().expect("a number"))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let read = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut paths: Vec<_> = read.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = root().join("seeds").join(target);
    let files = entries(&folder).into_iter();
    files.map(|path| std::fs::read(path).unwrap()).collect()
}

#[test]
fn every_body_has_seeds_a_binary_and_a_test() {
    let stems = |folder: &str| -> BTreeSet<String> {
        let paths = entries(&root().join(folder)).into_iter();
        let stem = |path: PathBuf| path.file_stem().unwrap().to_string_lossy().into_owned();
        paths.map(stem).collect()
    };
    let bodies: BTreeSet<String> = entries(&root().join("src"))
        .into_iter()
        .filter(|path| path.is_file())
        .filter(|path| {
            std::fs::read_to_string(path)
                .unwrap()
                .contains("pub fn body(")
        })
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let tested: BTreeSet<String> = TESTED.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(tested, bodies);
    assert_eq!(stems("seeds"), bodies);
    assert_eq!(stems("targets"), bodies);
    for name in &bodies {
        let path = format!("path = \"targets/{name}.rs\"");
        assert!(manifest.contains(&path), "no [[bin]] for {name}");
    }
}

#[test]
fn the_same_cases_are_tried_at_each_run() {
    let try_out = || {
        let (mut random, mut input) = (Xorshift::named("x"), b"a@b".to_vec());
        (0..50).for_each(|_| mutate(&mut random, &mut input, &[b"c".to_vec()]));
        input
    };
    assert_eq!(try_out(), try_out());
}
