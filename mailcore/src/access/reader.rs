//! Reading one message after another: sections, envelopes, structures. Keeps the message that it read last open,
//! since questions about one message come in a row.

use super::binary::{Plan, Reading};
use super::{header, structure};
use bytes::Bytes;
use mailcore_base::mailbox::Uid;
use mailcore_base::message::{
    Envelope, Extent, Found, Section, SectionPath, SectionText, Structure, header_length,
    write_envelope, write_structure,
};
use mailcore_store::Result;
use mailcore_store::body::Body;
use mailcore_store::mailbox::Mailbox;
use std::ops::Range;
use std::sync::Arc;

/// Reads the messages of one mailbox for one session.
#[derive(Debug, Default)]
pub struct Reader {
    opened: Option<Opened>,
}

/// The message that was read last.
#[derive(Debug)]
struct Opened {
    uid: Uid,
    body: Arc<dyn Body>,
    header: Option<Bytes>,
    structure: Option<Structure>,
    /// Where the section that was measured last begins.
    measured: Option<(Section, u64)>,
    /// The part that is being told decoded.
    decoded: Option<(SectionPath, Reading)>,
}

/// What is known of a part that is to be told without its encoding.
enum Planned {
    Nothing,
    Unknown,
    Is(Plan),
}

/// A section that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Measured {
    /// So many octets, to be read with [`Reader::bytes`].
    Length(u64),
    /// These octets, which had to be made.
    Whole(Vec<u8>),
    /// Octets that cannot be told: their encoding is not known.
    Unknown,
}

impl Reader {
    /// Forgets the message that is open: memory at rest, and another mailbox.
    pub fn close(&mut self) {
        self.opened = None;
    }

    /// How long a section is; `None` once the message is gone. A section that is not there is empty.
    ///
    /// # Errors
    /// When the store cannot read for now.
    pub async fn measure(
        &mut self,
        mailbox: &dyn Mailbox,
        uid: Uid,
        section: &Section,
    ) -> Result<Option<Measured>> {
        let Some(opened) = self.open(mailbox, uid).await? else {
            return Ok(None);
        };
        let measured = opened.measure(section).await?;
        if let Measured::Whole(_) = measured {
            opened.measured = None;
        }
        Ok(Some(measured))
    }

    /// Octets of a section, or a non-empty prefix of what is asked for; `None` once the message is gone.
    ///
    /// # Errors
    /// When the store cannot read for now.
    pub async fn bytes(
        &mut self,
        mailbox: &dyn Mailbox,
        uid: Uid,
        section: &Section,
        range: Range<u64>,
    ) -> Result<Option<Bytes>> {
        let Some(opened) = self.open(mailbox, uid).await? else {
            return Ok(None);
        };
        let known = opened
            .measured
            .as_ref()
            .filter(|(of, _)| of == section)
            .map(|(_, start)| *start);
        let start = match known {
            Some(start) => start,
            None => match opened.measure(section).await? {
                Measured::Whole(made) => {
                    let range = (range.start as usize).min(made.len())
                        ..(range.end as usize).min(made.len());
                    return Ok(Some(
                        made.get(range)
                            .map(Bytes::copy_from_slice)
                            .unwrap_or_default(),
                    ));
                }
                Measured::Length(_) | Measured::Unknown => {
                    opened.measured.as_ref().map_or(0, |(_, start)| *start)
                }
            },
        };
        opened
            .body
            .read(start + range.start..start + range.end)
            .await
            .map(Some)
    }

    /// How long a part is without its encoding (RFC 3516); `None` once the message is gone. A part that is not there is
    /// [`Measured::Whole`] and empty. What is no part, but a header, has no encoding.
    ///
    /// # Errors
    /// When the store cannot read for now.
    pub async fn measure_decoded(
        &mut self,
        mailbox: &dyn Mailbox,
        uid: Uid,
        section: &Section,
    ) -> Result<Option<Measured>> {
        if section.text != SectionText::Whole {
            return self.measure(mailbox, uid, section).await;
        }
        let Some(opened) = self.open(mailbox, uid).await? else {
            return Ok(None);
        };
        let measured = match opened.plan(&section.path).await? {
            Planned::Nothing => Measured::Whole(Vec::new()),
            Planned::Unknown => Measured::Unknown,
            Planned::Is(plan) => {
                let octets = plan.measure(&*opened.body).await?;
                opened.decoded = Some((section.path.clone(), Reading::new(plan)));
                Measured::Length(octets)
            }
        };
        Ok(Some(measured))
    }

    /// Octets of a part without its encoding, or a non-empty prefix of what is asked for; `None` once the message is
    /// gone.
    ///
    /// # Errors
    /// When the store cannot read for now.
    pub async fn decoded(
        &mut self,
        mailbox: &dyn Mailbox,
        uid: Uid,
        section: &Section,
        range: Range<u64>,
    ) -> Result<Option<Bytes>> {
        if section.text != SectionText::Whole {
            return self.bytes(mailbox, uid, section, range).await;
        }
        let Some(opened) = self.open(mailbox, uid).await? else {
            return Ok(None);
        };
        let known = opened.decoded.as_ref().map(|(path, _)| path);
        if known != Some(&section.path) {
            let Planned::Is(plan) = opened.plan(&section.path).await? else {
                return Ok(None);
            };
            opened.decoded = Some((section.path.clone(), Reading::new(plan)));
        }
        let Some((_, reading)) = &mut opened.decoded else {
            return Ok(None);
        };
        let octets = reading.bytes(&*opened.body, range).await?;
        Ok(Some(octets.into()))
    }

    /// The ENVELOPE, ready to send; `None` once the message is gone.
    ///
    /// # Errors
    /// When the store cannot read for now.
    pub async fn envelope(&mut self, mailbox: &dyn Mailbox, uid: Uid) -> Result<Option<Bytes>> {
        let Some(opened) = self.open(mailbox, uid).await? else {
            return Ok(None);
        };
        let mut out = Vec::new();
        write_envelope(&Envelope::of(opened.header().await?), &mut out);
        Ok(Some(out.into()))
    }

    /// The BODY (not `extended`) or BODYSTRUCTURE, ready to send; `None` once the message is gone.
    ///
    /// # Errors
    /// When the store cannot read for now.
    pub async fn structure(
        &mut self,
        mailbox: &dyn Mailbox,
        uid: Uid,
        extended: bool,
    ) -> Result<Option<Bytes>> {
        let Some(opened) = self.open(mailbox, uid).await? else {
            return Ok(None);
        };
        let mut out = Vec::new();
        write_structure(opened.structure().await?, extended, &mut out);
        Ok(Some(out.into()))
    }

    async fn open(&mut self, mailbox: &dyn Mailbox, uid: Uid) -> Result<Option<&mut Opened>> {
        if self.opened.as_ref().is_none_or(|opened| opened.uid != uid) {
            self.opened = mailbox.body(uid).await?.map(|body| Opened {
                uid,
                body,
                header: None,
                structure: None,
                measured: None,
                decoded: None,
            });
        }
        Ok(self.opened.as_mut())
    }
}

impl Opened {
    async fn header(&mut self) -> Result<&[u8]> {
        if self.header.is_none() {
            self.header = Some(header(&*self.body).await?);
        }
        Ok(self.header.as_deref().unwrap_or_default())
    }

    async fn structure(&mut self) -> Result<&Structure> {
        if self.structure.is_none() {
            self.structure = Some(structure(&*self.body).await?);
        }
        Ok(self.structure.get_or_insert_with(|| Structure::of(&[])))
    }

    async fn measure(&mut self, section: &Section) -> Result<Measured> {
        if section.path.0.is_empty() {
            return self.measure_top(section).await;
        }
        match self.structure().await?.find(section) {
            Found::Nothing => Ok(Measured::Whole(Vec::new())),
            Found::Bytes(extent) => Ok(self.run(section, extent.offset, extent.bytes)),
            found @ Found::Fields {
                header: Extent { offset, bytes, .. },
                ..
            } => {
                let mut header = Vec::new();
                let end = offset + bytes.min(super::LARGEST_HEADER as u64);
                while offset + (header.len() as u64) < end {
                    let run = self.body.read(offset + header.len() as u64..end).await?;
                    if run.is_empty() {
                        break;
                    }
                    header.extend_from_slice(&run);
                }
                let mut out = Vec::new();
                found.filter(&header, &mut out);
                Ok(Measured::Whole(out))
            }
        }
    }

    /// How to tell a part without its encoding.
    async fn plan(&mut self, path: &SectionPath) -> Result<Planned> {
        let body = Arc::clone(&self.body);
        let structure = self.structure().await?;
        let Some(part) = structure.named(path) else {
            return Ok(Planned::Nothing);
        };
        let header = path.0.is_empty();
        let plan = Plan::of(&*body, structure, part, header).await?;
        Ok(plan.map_or(Planned::Unknown, Planned::Is))
    }

    /// Sections of the message itself need its header at most.
    async fn measure_top(&mut self, section: &Section) -> Result<Measured> {
        let length = self.body.len();
        if section.text == SectionText::Whole {
            return Ok(self.run(section, 0, length));
        }
        let header = self.header().await?;
        let end = header.len() as u64;
        let (names, except) = match &section.text {
            // The text is what the header leaves, which it does not know itself.
            SectionText::Text => return Ok(self.run(section, end, length.saturating_sub(end))),
            SectionText::Fields(names) => (names, false),
            SectionText::FieldsNot(names) => (names, true),
            _ => {
                let end = header_length(header) as u64;
                return Ok(self.run(section, 0, end));
            }
        };
        let found = Found::Fields {
            header: Extent::default(),
            names,
            except,
            closed: true,
        };
        let mut out = Vec::new();
        found.filter(header, &mut out);
        Ok(Measured::Whole(out))
    }

    fn run(&mut self, section: &Section, start: u64, length: u64) -> Measured {
        self.measured = Some((section.clone(), start));
        Measured::Length(length)
    }
}
