//! A second look at what differs: the part that it is about, and whether one of the two contradicts itself.

use crate::client::{Client, Value};
use crate::fetches::rows;
use crate::pair::Pair;

/// What is in brackets in `asked`, if anything.
fn section(asked: &str) -> Option<&str> {
    let (_, behind) = asked.split_once('[')?;
    behind.split(']').next()
}

/// The MIME header of the part that is asked for, and its body behind it; of a message, all of it.
pub fn part(pair: &mut Pair, uid: u32, asked: &str) -> Vec<u8> {
    let path: Vec<&str> = match section(asked) {
        Some(section) => section
            .split('.')
            .take_while(|n| n.parse::<u32>().is_ok())
            .collect(),
        None => Vec::new(),
    };
    if path.is_empty() {
        return pair.mails[uid as usize - 1].octets.clone();
    }
    let path = path.join(".");
    let near = |client: &mut Client| {
        let mut near = text(client, uid, &format!("BODY[{path}.MIME]"));
        near.extend(text(client, uid, &format!("BODY[{path}]")));
        near
    };
    let theirs = near(&mut pair.theirs);
    // Of what it has just stumbled over Dovecot may tell nothing.
    match theirs.is_empty() {
        true => near(&mut pair.ours),
        false => theirs,
    }
}

/// What the item is, as octets.
fn text(client: &mut Client, uid: u32, item: &str) -> Vec<u8> {
    let asked = item.replacen('[', ".PEEK[", 1);
    let answer = client.ask(format!("UID FETCH {uid} ({asked})").as_bytes());
    match rows(&answer)
        .remove(&uid)
        .and_then(|mut items| items.remove(item))
    {
        Some(Value::Text(text)) => text,
        _ => Vec::new(),
    }
}

/// What both say to an item without the range that it asks for; of a size, what it is the size of.
pub fn wholes(pair: &mut Pair, uid: u32, item: &str) -> (Value, Value) {
    let whole = item.split('<').next().unwrap_or(item).replace(".SIZE", "");
    let [theirs, ours] = [&mut pair.theirs, &mut pair.ours].map(|client| text(client, uid, &whole));
    (Value::Text(theirs), Value::Text(ours))
}

/// Whether a size is not that of what is told, or some octets are not those at that place of the whole: `Some` if theirs
/// are such and ours are not.
pub fn contradiction(
    pair: &mut Pair,
    uid: u32,
    item: &str,
    theirs: &Value,
    ours: &Value,
) -> Option<&'static str> {
    let is_true = |client: &mut Client, told: &Value| match (told, item.split_once('<')) {
        (Value::Atom(size), _) if item.starts_with("BINARY.SIZE") => {
            let whole = text(client, uid, &item.replace(".SIZE", ""));
            *size == whole.len().to_string()
        }
        (Value::Text(some), Some((whole, from))) => {
            let whole = text(client, uid, whole);
            let from = from.trim_end_matches('>').parse().unwrap_or(usize::MAX);
            whole
                .get(from.min(whole.len())..)
                .is_some_and(|whole| whole.starts_with(some))
        }
        _ => true,
    };
    assert!(
        is_true(&mut pair.ours, ours),
        "ours contradicts itself: UID {uid} {item}: {ours:?}"
    );
    (!is_true(&mut pair.theirs, theirs)).then_some("contradiction")
}
