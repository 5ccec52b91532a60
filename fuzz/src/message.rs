//! Messages: read the same in whatever pieces they come, within their limits, with every part inside its parent; and
//! shown to IMAP clients as text that they can read.

use crate::{Choices, imap_grammar};
use mailcore_base::message::{
    Extent, Kind, Limits, Measure, PartId, Scanner, Structure, write_envelope, write_structure,
};

/// The input is a message; its last octets choose limits and pieces.
pub fn body(input: &[u8]) {
    let whole = Structure::of(input);
    tree(&whole, input, &Limits::default());
    shown(&whole, input);

    let mut choices = Choices::new(input);
    let piece = 1 + choices.below(256);
    let tight = Limits {
        depth: 1 + choices.below(4) as u16,
        parts: 1 + choices.below(6) as u32,
        field: 8 << choices.below(5),
        header: 64 << choices.below(5),
        parameters: choices.below(4),
        addresses: choices.below(4),
    };
    for limits in [Limits::default(), tight] {
        let at_once = scan(input, limits, input.len().max(1));
        tree(&at_once, input, &limits);
        shown(&at_once, input);
        for size in [piece, 1] {
            let in_pieces = scan(input, limits, size);
            assert_eq!(in_pieces, at_once, "in pieces of {size} within {limits:?}");
        }
    }
}

fn scan(message: &[u8], limits: Limits, size: usize) -> Structure {
    let mut scanner = Scanner::new(limits);
    message.chunks(size).for_each(|piece| scanner.feed(piece));
    scanner.finish()
}

fn tree(structure: &Structure, message: &[u8], limits: &Limits) {
    let count = structure.parts().len();
    assert!(
        (1..=limits.parts as usize).contains(&count),
        "{count} parts"
    );
    let size = structure.size();
    let measure = Measure::of(message);
    assert_eq!(
        (size.offset, size.bytes, size.octets, size.lines),
        (0, measure.bytes, measure.octets, measure.lines)
    );
    for (id, part) in structure.parts() {
        assert!(part.depth < limits.depth, "level {}", part.depth);
        measured(part.header, message);
        measured(part.body, message);
        if let Some(parent) = part.parent {
            assert!(parent < id, "a part before what it is in");
            let above = structure.part(parent).expect("a parent");
            assert_eq!(above.depth + 1, part.depth);
            let (first, last) = (part.header.offset, part.body.offset + part.body.bytes);
            assert!(
                first >= above.body.offset,
                "a part begins before its parent"
            );
            assert!(
                last <= above.body.offset + above.body.bytes,
                "{id:?} ends behind its parent"
            );
        }
        let children: Vec<PartId> = structure.children(id).map(|(id, _)| id).collect();
        match part.kind {
            Kind::Leaf | Kind::Opaque => assert!(children.is_empty()),
            Kind::Message => assert_eq!(children.len(), 1),
            Kind::Multipart { .. } => assert!(children.is_sorted()),
        }
        for child in children {
            assert_eq!(structure.part(child).and_then(|part| part.parent), Some(id));
        }
    }
}

/// The extent lies in the message and says its true sizes.
fn measured(extent: Extent, message: &[u8]) {
    let from = usize::try_from(extent.offset).expect("small");
    let until = from + usize::try_from(extent.bytes).expect("small");
    let measure = Measure::of(message.get(from..until).expect("within the message"));
    assert_eq!(
        (extent.octets, extent.lines),
        (measure.octets, measure.lines)
    );
}

fn shown(structure: &Structure, message: &[u8]) {
    let mut out = Vec::new();
    for extended in [false, true] {
        out.clear();
        write_structure(structure, extended, &mut out);
        imap_grammar::values(&out);
        // The richest answer to the poorest question: parts without a header, a default for everything.
        assert!(out.len() <= 16 * message.len() + 1024 * structure.parts().len());
    }
    for envelope in structure
        .parts()
        .filter_map(|(_, part)| part.envelope.as_deref())
    {
        out.clear();
        write_envelope(envelope, &mut out);
        imap_grammar::values(&out);
    }
}
