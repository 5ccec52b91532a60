//! Every envelope that a peer can give reads back as it was.

use super::*;
use proptest::prelude::*;

fn path() -> impl Strategy<Value = ReversePath> {
    let local = "[!-~é ]{1,20}|[a-z.+\"\\\\]{1,12}";
    let host = prop_oneof![
        Just("a.example"),
        Just("MÜNCHEN.example"),
        Just("xn--mnchen-3ya.example"),
        Just("[192.0.2.1]"),
        Just("[IPv6:2001:db8::1]"),
    ];
    (local, host, 0..3).prop_map(|(local, host, kind)| {
        let quoted = local.replace('\\', "\\\\").replace('"', "\\\"");
        let texts = [format!("{local}@{host}"), format!("\"{quoted}\"@{host}")];
        let parsed = texts
            .iter()
            .find_map(|text| Address::parse(text, Repertoire::Utf8).ok());
        match (kind, parsed) {
            (1, Some(address)) => ReversePath::Local(address.local().clone()),
            (2, Some(address)) => ReversePath::Address(address),
            _ => ReversePath::Null,
        }
    })
}

fn mail() -> impl Strategy<Value = MailParameters> {
    let said = (any::<Option<u64>>(), 0..4, any::<bool>(), 0..3);
    let texts = ("[!-~]{0,110}", "[!-~]{0,30}", path());
    (said, texts).prop_map(|((size, body, smtputf8, ret), (id, auth, submitter))| {
        let mut parameters = MailParameters::default();
        parameters.size = size;
        parameters.body = [
            None,
            Some(Body::SevenBit),
            Some(Body::EightBitMime),
            Some(Body::BinaryMime),
        ][usize::try_from(body).expect("small")];
        parameters.smtputf8 = smtputf8;
        parameters.ret =
            [None, Some(Return::Full), Some(Return::Headers)][usize::try_from(ret).expect("small")];
        parameters.envelope_id = EnvelopeId::parse(&id).ok();
        parameters.auth = match submitter {
            ReversePath::Address(address) => Some(Submitter::Address(address)),
            ReversePath::Local(_) => Some(Submitter::Unknown),
            ReversePath::Null => Submitter::parse(&auth).ok(),
        };
        parameters
    })
}

fn recipient() -> impl Strategy<Value = Recipient> {
    let original = prop_oneof!["rfc822;[!-~]{0,40}", "utf-8;[!-~é]{0,40}", "[a-z]{0,3}"];
    (path(), path(), 0u8..9, original).prop_filter_map(
        "a path",
        |(path, from, notify, original)| {
            let mut recipient = Recipient::new(ForwardPath::try_from(path).ok()?);
            recipient.original = ForwardPath::try_from(from).ok();
            let sets = ["NEVER", "SUCCESS", "FAILURE,DELAY", "success,failure,delay"];
            let notify = sets.get(usize::from(notify));
            recipient.parameters.notify = notify.and_then(|it| Notify::parse(it));
            recipient.parameters.original = OriginalRecipient::parse(&original).ok();
            Some(recipient)
        },
    )
}

fn envelope() -> impl Strategy<Value = Envelope> {
    let recipients = prop::collection::vec(recipient(), 0..5);
    (path(), mail(), recipients).prop_map(|(sender, parameters, recipients)| Envelope {
        sender,
        parameters,
        recipients,
    })
}

proptest! {
    #[test]
    fn an_envelope_reads_back(envelope in envelope()) {
        let mut octets = Vec::new();
        write_to(&envelope, &mut octets);
        prop_assert_eq!(parse(&octets), Some(envelope));
        prop_assert_eq!(parse(&octets[..octets.len() - 1]), None);
    }

    #[test]
    fn what_is_no_envelope_is_refused_in_peace(octets in any::<Vec<u8>>()) {
        let _ = parse(&octets);
    }
}
