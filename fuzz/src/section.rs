//! Sections: said again as they were asked, and found inside the message; fields picked and fields left out make up the
//! header.

use crate::{Choices, safe};
use mailcore_base::message::{Found, Section, SectionText, Structure, ToCrlf};

/// The input is a section without brackets, a line feed, and a message.
pub fn body(input: &[u8]) {
    let mut choices = Choices::new(input);
    let asked = choices.line().unwrap_or_default();
    let message = choices.rest();
    let Ok(section) = Section::parse(asked) else {
        return;
    };
    said_again(&section);
    let structure = Structure::of(message);
    match structure.find(&section) {
        Found::Nothing => {}
        Found::Bytes(extent) => drop(slice(message, extent.offset, extent.bytes)),
        found @ Found::Fields { header, .. } => {
            let header = slice(message, header.offset, header.bytes);
            fields(&structure, &section, &found, header);
        }
    }
}

fn said_again(section: &Section) {
    let mut out = Vec::new();
    section.write_to(&mut out);
    let literal = out.contains(&b'{');
    if !literal {
        safe::one_wire_line(&[&out[..], b"\r\n"].concat());
        assert_eq!(Section::parse(&out).as_ref(), Ok(section));
    }
    let mut upper = out.clone();
    upper.make_ascii_uppercase();
    assert_eq!(out, upper);
}

fn slice(message: &[u8], offset: u64, bytes: u64) -> &[u8] {
    let (offset, bytes) = (offset as usize, bytes as usize);
    message
        .get(offset..offset + bytes)
        .expect("within the message")
}

fn fields(structure: &Structure, section: &Section, found: &Found<'_>, header: &[u8]) {
    let (SectionText::Fields(names) | SectionText::FieldsNot(names)) = &section.text else {
        panic!("fields of a section that asks for none");
    };
    let other = Section {
        path: section.path.clone(),
        text: match &section.text {
            SectionText::Fields(_) => SectionText::FieldsNot(names.clone()),
            _ => SectionText::Fields(names.clone()),
        },
    };
    let (mut one, mut two, mut whole) = (Vec::new(), Vec::new(), Vec::new());
    found.filter(header, &mut one);
    structure.find(&other).filter(header, &mut two);
    ToCrlf::new().convert(header, &mut whole);
    for out in [&one, &two] {
        let bare = out
            .windows(2)
            .any(|pair| pair[1] == b'\n' && pair[0] != b'\r');
        assert!(!bare, "a bare LF: {}", out.escape_ascii());
    }
    // Each line of the header is in one of the two; empty lines and a last line end may come besides.
    let sum = one.len() + two.len();
    assert!(
        (whole.len()..=whole.len() + 4).contains(&sum),
        "{sum} of {}",
        whole.len()
    );
}
