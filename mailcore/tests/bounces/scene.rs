//! A message, what becomes of its recipients, and the reports that come of it, read back.

use mailcore::base::address::{Domain, ForwardPath, Repertoire, ReversePath};
use mailcore::base::envelope::{
    Envelope, EnvelopeId, Notify, OriginalRecipient, Recipient, Return,
};
use mailcore::base::message::{Fields, Structure};
use mailcore::bounce::{Options, Report, Settled, reports};
use mailcore::deliver::Fate;
use mailcore::store::Result;
use mailcore::store::body::Body;
use std::ops::Range;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub const MESSAGE: &[u8] = b"Received: from a\r\nSubject: h\xc3\xa9llo\r\nTo: x@fail.test\r\n\r\nbody line\r\n--forged--\r\n";

pub fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_795_181_845 + seconds)
}

pub fn path(text: &str) -> ForwardPath {
    ForwardPath::parse_prefix(text, Repertoire::Utf8).unwrap().0
}

pub fn options() -> Options {
    let domain = |name| Domain::parse(name, Repertoire::Ascii).unwrap();
    let mut options = Options::new(domain("mx.example.test"));
    options.origin = domain("example.test");
    options.warning = Duration::from_secs(4 * 60 * 60);
    options
}

/// A message on its way to its end.
#[derive(Debug, Clone)]
pub struct Scene {
    pub options: Options,
    pub envelope: Envelope,
    pub fates: Vec<(u32, Fate)>,
    pub late: bool,
    pub size: u64,
}

impl Scene {
    pub fn from(sender: &str) -> Self {
        let sender = ReversePath::parse_prefix(sender, Repertoire::Utf8);
        Self {
            options: options(),
            envelope: Envelope::new(sender.unwrap().0),
            fates: Vec::new(),
            late: false,
            size: MESSAGE.len() as u64,
        }
    }

    pub fn to(mut self, recipient: &str, fate: Fate) -> Self {
        let position = u32::try_from(self.envelope.recipients.len()).unwrap();
        self.envelope
            .recipients
            .push(Recipient::new(path(recipient)));
        self.fates.push((position, fate));
        self
    }

    fn last(&mut self) -> &mut Recipient {
        self.envelope.recipients.last_mut().unwrap()
    }

    pub fn notify(mut self, notify: &str) -> Self {
        self.last().parameters.notify = Some(Notify::parse(notify).unwrap());
        self
    }

    pub fn orcpt(mut self, orcpt: &str) -> Self {
        self.last().parameters.original = Some(OriginalRecipient::parse(orcpt).unwrap());
        self
    }

    pub fn expanded_from(mut self, original: &str) -> Self {
        self.last().original = Some(path(original));
        self
    }

    pub fn ret(mut self, ret: Return) -> Self {
        self.envelope.parameters.ret = Some(ret);
        self
    }

    pub fn envid(mut self, envid: &str) -> Self {
        self.envelope.parameters.envelope_id = Some(EnvelopeId::parse(envid).unwrap());
        self
    }

    pub fn utf8(mut self) -> Self {
        self.envelope.parameters.smtputf8 = true;
        self
    }

    pub fn late(mut self) -> Self {
        self.late = true;
        self
    }

    pub fn reports(&self) -> Vec<Report> {
        let settled = Settled {
            id: "973D698E128",
            envelope: &self.envelope,
            arrived: at(0),
            size: self.size,
            fates: &self.fates,
            late: self.late,
        };
        reports(&self.options, &settled, at(100))
    }

    /// The one report that there must be, as it goes out.
    pub async fn only(&self) -> (Report, Read) {
        let mut reports = self.reports();
        assert_eq!(reports.len(), 1, "{reports:?}");
        let report = reports.remove(0);
        let read = Read::of(&report, MESSAGE).await;
        (report, read)
    }
}

/// A report read back.
#[derive(Debug)]
pub struct Read {
    pub octets: Vec<u8>,
    structure: Structure,
}

impl Read {
    pub async fn of(report: &Report, original: &[u8]) -> Self {
        let original = Original(original.to_vec());
        let mut pieces = report.pieces(&original);
        let mut octets = Vec::new();
        while let Some(piece) = pieces.next().await.unwrap() {
            assert!(!piece.is_empty());
            octets.extend_from_slice(&piece);
        }
        assert_eq!(octets, report.content(&original).await.unwrap());
        let structure = Structure::of(&octets);
        Self { octets, structure }
    }

    pub fn field(&self, name: &str) -> String {
        let mut found = Fields::new(&self.octets).named(name);
        let value = found.next().unwrap_or_else(|| panic!("no {name}")).value();
        assert!(found.next().is_none(), "two {name}");
        String::from_utf8(value.into_owned()).unwrap()
    }

    /// The types of the parts, in their order, nested ones left out.
    pub fn types(&self) -> Vec<String> {
        let root = mailcore::base::message::PartId::ROOT;
        let kind = |part: &mailcore::base::message::Part| {
            let content = part.content.as_ref().unwrap();
            let kind = content.content_type.as_ref().unwrap();
            let [top, sub] = [&kind.top, &kind.sub].map(|t| String::from_utf8_lossy(t));
            format!("{top}/{sub}").to_lowercase()
        };
        self.structure
            .children(root)
            .map(|(_, p)| kind(p))
            .collect()
    }

    /// The body of a part, as it stands.
    pub fn part(&self, number: usize) -> String {
        let root = mailcore::base::message::PartId::ROOT;
        let (_, part) = self.structure.children(root).nth(number).unwrap();
        let (from, len) = (part.body.offset as usize, part.body.bytes as usize);
        String::from_utf8(self.octets[from..from + len].to_vec()).unwrap()
    }

    /// The blocks of fields of the machine's part, unfolded.
    pub fn status(&self) -> Vec<Vec<String>> {
        let text = self.part(1).replace("\r\n    ", " ");
        let block = |b: &str| b.lines().map(str::to_owned).collect();
        text.split("\r\n\r\n").map(block).collect()
    }
}

#[derive(Debug)]
struct Original(Vec<u8>);

#[mailcore::async_trait]
impl Body for Original {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    async fn read(&self, range: Range<u64>) -> Result<bytes::Bytes> {
        let end = range.end.min(range.start + 7);
        let run = &self.0[range.start as usize..end as usize];
        Ok(bytes::Bytes::copy_from_slice(run))
    }
}
