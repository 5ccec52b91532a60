//! An envelope as octets. What is read is checked as if a peer had said it: no value comes in that could not have.

use super::coding::{Put, Take, small};
use mailcore_base::address::{Address, ForwardPath, LocalPart, Repertoire, ReversePath};
use mailcore_base::envelope::{
    Body, Envelope, EnvelopeId, MailParameters, Notify, OriginalRecipient, RcptParameters,
    Recipient, Return, Submitter,
};

/// Octets that a recipient takes at least.
const LEAST: usize = 8;

pub(super) fn write_to(envelope: &Envelope, out: &mut Vec<u8>) {
    put_path(out, &envelope.sender);
    put_mail(out, &envelope.parameters);
    out.put_u32(small(envelope.recipients.len()));
    for recipient in &envelope.recipients {
        put_path(out, &recipient.path.clone().into());
        let original = recipient.original.clone();
        put_path(out, &original.map_or(ReversePath::Null, Into::into));
        let RcptParameters {
            notify, original, ..
        } = &recipient.parameters;
        put_option(out, notify.map(|it| it.to_string()));
        put_option(out, original.as_ref().map(ToString::to_string));
    }
}

pub(super) fn parse(octets: &[u8]) -> Option<Envelope> {
    let mut take = Take(octets);
    let mut envelope = Envelope {
        sender: take_path(&mut take)?,
        parameters: take_mail(&mut take)?,
        ..Envelope::default()
    };
    for _ in 0..take.count(LEAST)? {
        let mut recipient = Recipient::new(ForwardPath::try_from(take_path(&mut take)?).ok()?);
        recipient.original = ForwardPath::try_from(take_path(&mut take)?).ok();
        if let Some(notify) = take_option(&mut take)? {
            recipient.parameters.notify = Some(Notify::parse(notify)?);
        }
        if let Some(original) = take_option(&mut take)? {
            recipient.parameters.original = Some(OriginalRecipient::parse(original).ok()?);
        }
        envelope.recipients.push(recipient);
    }
    take.0.is_empty().then_some(envelope)
}

fn put_path(out: &mut Vec<u8>, path: &ReversePath) {
    out.put_u8(match path {
        ReversePath::Null => return out.put_u8(0),
        ReversePath::Local(_) => 1,
        ReversePath::Address(_) => 2,
    });
    out.put_text(&path.to_string());
}

fn take_path(take: &mut Take<'_>) -> Option<ReversePath> {
    let kind = take.u8()?;
    if kind == 0 {
        return Some(ReversePath::Null);
    }
    let text = take.text()?;
    match kind {
        1 => {
            let (local, rest) = LocalPart::parse_prefix(text, Repertoire::Utf8).ok()?;
            rest.is_empty().then_some(ReversePath::Local(local))
        }
        2 => Address::parse(text, Repertoire::Utf8).ok().map(Into::into),
        _ => None,
    }
}

fn put_mail(out: &mut Vec<u8>, parameters: &MailParameters) {
    out.put_u8(u8::from(parameters.size.is_some()));
    out.put_u64(parameters.size.unwrap_or(0));
    out.put_u8(match parameters.body {
        None => 0,
        Some(Body::SevenBit) => 1,
        Some(Body::EightBitMime) => 2,
        Some(Body::BinaryMime) => 3,
    });
    out.put_u8(u8::from(parameters.smtputf8));
    out.put_u8(match parameters.ret {
        None => 0,
        Some(Return::Full) => 1,
        Some(Return::Headers) => 2,
    });
    put_option(
        out,
        parameters.envelope_id.as_ref().map(ToString::to_string),
    );
    put_option(out, parameters.auth.as_ref().map(ToString::to_string));
}

fn take_mail(take: &mut Take<'_>) -> Option<MailParameters> {
    let mut parameters = MailParameters::default();
    let (sized, size) = (take.flag()?, take.u64()?);
    parameters.size = sized.then_some(size);
    parameters.body = match take.u8()? {
        0 => None,
        1 => Some(Body::SevenBit),
        2 => Some(Body::EightBitMime),
        3 => Some(Body::BinaryMime),
        _ => return None,
    };
    parameters.smtputf8 = take.flag()?;
    parameters.ret = match take.u8()? {
        0 => None,
        1 => Some(Return::Full),
        2 => Some(Return::Headers),
        _ => return None,
    };
    if let Some(id) = take_option(take)? {
        parameters.envelope_id = Some(EnvelopeId::parse(id).ok()?);
    }
    if let Some(auth) = take_option(take)? {
        parameters.auth = Some(Submitter::parse(auth).ok()?);
    }
    Some(parameters)
}

fn put_option(out: &mut Vec<u8>, text: Option<String>) {
    out.put_u8(u8::from(text.is_some()));
    if let Some(text) = text {
        out.put_text(&text);
    }
}

fn take_option<'o>(take: &mut Take<'o>) -> Option<Option<&'o str>> {
    match take.flag()? {
        true => take.text().map(Some),
        false => Some(None),
    }
}

#[cfg(test)]
mod tests;
