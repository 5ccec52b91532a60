//! The parameters behind the address of MAIL and RCPT.

use super::chunk::number;
use mailcore_base::envelope::{
    Body, EnvelopeId, MailParameters, Notify, OriginalRecipient, RcptParameters, Return, Submitter,
};
use thiserror::Error;

/// Which parameters a server takes; any other is unsupported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Allowed {
    /// SIZE
    pub size: bool,
    /// BODY=7BIT and BODY=8BITMIME
    pub body: bool,
    /// SMTPUTF8
    pub smtputf8: bool,
    /// RET, ENVID and NOTIFY
    pub dsn: bool,
    /// ORCPT, which LMTP takes without DSN.
    pub original: bool,
    /// AUTH
    pub auth: bool,
}

/// What is wrong with a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ParameterError<'a> {
    /// Not known, not allowed, or with a value that names an unknown service; the parameter as it was sent.
    #[error("unsupported parameter")]
    Unsupported(&'a str),
    /// Known, but its value is malformed or it was said twice; its keyword.
    #[error("bad value of {0}")]
    Bad(&'static str),
}

/// Reads the parameters of MAIL.
///
/// # Errors
/// The first mistake.
pub fn mail_parameters(text: &str, allowed: Allowed) -> Result<MailParameters, ParameterError<'_>> {
    let mut read = MailParameters::default();
    for parameter in split(text) {
        let unsupported = ParameterError::Unsupported(parameter);
        match Parameter::of(parameter) {
            Parameter("SIZE", Some(value)) if allowed.size => {
                read.size = Some(number(value).ok_or(ParameterError::Bad("SIZE"))?);
            }
            Parameter("BODY", Some(value)) if allowed.body => {
                read.body = Some(body(value).ok_or(unsupported)?);
            }
            Parameter("SMTPUTF8", None) if allowed.smtputf8 => read.smtputf8 = true,
            Parameter("RET", Some(value)) if allowed.dsn => set("RET", &mut read.ret, ret(value))?,
            Parameter("ENVID", Some(value)) if allowed.dsn => {
                set(
                    "ENVID",
                    &mut read.envelope_id,
                    EnvelopeId::parse(value).ok(),
                )?;
            }
            Parameter("AUTH", Some(value)) if allowed.auth => {
                // RFC 4954 §5: whoever cannot make sense of it, or does not trust it, behaves as for `<>`.
                let submitter = Submitter::parse(value).unwrap_or(Submitter::Unknown);
                set("AUTH", &mut read.auth, Some(submitter))?;
            }
            _ => return Err(unsupported),
        }
    }
    Ok(read)
}

/// Reads the parameters of RCPT.
///
/// # Errors
/// The first mistake.
pub fn rcpt_parameters(text: &str, allowed: Allowed) -> Result<RcptParameters, ParameterError<'_>> {
    let mut read = RcptParameters::default();
    for parameter in split(text) {
        match Parameter::of(parameter) {
            Parameter("NOTIFY", Some(value)) if allowed.dsn => {
                set("NOTIFY", &mut read.notify, Notify::parse(value))?;
            }
            Parameter("ORCPT", Some(value)) if allowed.dsn || allowed.original => {
                set(
                    "ORCPT",
                    &mut read.original,
                    OriginalRecipient::parse(value).ok(),
                )?;
            }
            _ => return Err(ParameterError::Unsupported(parameter)),
        }
    }
    Ok(read)
}

/// A keyword in upper case, as far as it is one of ours, and its value.
struct Parameter<'a>(&'static str, Option<&'a str>);

impl<'a> Parameter<'a> {
    fn of(text: &'a str) -> Self {
        const KNOWN: [&str; 8] = [
            "SIZE", "BODY", "SMTPUTF8", "RET", "ENVID", "AUTH", "NOTIFY", "ORCPT",
        ];
        let (keyword, value) = match text.split_once('=') {
            Some((keyword, value)) => (keyword, Some(value)),
            None => (text, None),
        };
        let known = KNOWN
            .iter()
            .find(|known| known.eq_ignore_ascii_case(keyword));
        Self(known.copied().unwrap_or_default(), value)
    }
}

fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split([' ', '\t']).filter(|word| !word.is_empty())
}

fn set<T>(
    keyword: &'static str,
    place: &mut Option<T>,
    value: Option<T>,
) -> Result<(), ParameterError<'static>> {
    match (place.is_none(), value) {
        (true, Some(value)) => *place = Some(value),
        _ => return Err(ParameterError::Bad(keyword)),
    }
    Ok(())
}

fn body(value: &str) -> Option<Body> {
    // BINARYMIME is not among them: content is stored and sent on as lines.
    let known = [("7BIT", Body::SevenBit), ("8BITMIME", Body::EightBitMime)];
    known
        .iter()
        .find(|(word, _)| word.eq_ignore_ascii_case(value))
        .map(|(_, body)| *body)
}

fn ret(value: &str) -> Option<Return> {
    let known = [("FULL", Return::Full), ("HDRS", Return::Headers)];
    known
        .iter()
        .find(|(word, _)| word.eq_ignore_ascii_case(value))
        .map(|(_, ret)| *ret)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Allowed = Allowed {
        size: true,
        body: true,
        smtputf8: true,
        dsn: true,
        original: true,
        auth: true,
    };

    #[test]
    fn parameters_are_read_in_any_case_and_order() {
        let read = mail_parameters(
            " size=5 Body=8bitmime  SMTPUTF8 RET=hdrs ENVID=a+2Bb AUTH=<>",
            ALL,
        )
        .unwrap();
        assert_eq!(
            (read.size, read.body, read.smtputf8),
            (Some(5), Some(Body::EightBitMime), true)
        );
        assert_eq!(
            (read.ret, read.auth),
            (Some(Return::Headers), Some(Submitter::Unknown))
        );
        assert_eq!(read.envelope_id.unwrap().as_str(), "a+b");
        let read = rcpt_parameters(" NOTIFY=delay,failure ORCPT=rfc822;a@b", ALL).unwrap();
        assert_eq!(read.notify, Some(Notify::DELAY | Notify::FAILURE));
        assert_eq!(read.original.unwrap().address(), "a@b");
    }

    #[test]
    fn mistakes_are_told_apart() {
        for (text, error) in [
            ("FOO", ParameterError::Unsupported("FOO")),
            ("FOO=BAR", ParameterError::Unsupported("FOO=BAR")),
            ("SIZE", ParameterError::Unsupported("SIZE")),
            ("SMTPUTF8=1", ParameterError::Unsupported("SMTPUTF8=1")),
            (
                "BODY=BINARYMIME",
                ParameterError::Unsupported("BODY=BINARYMIME"),
            ),
            ("NOTIFY=NEVER", ParameterError::Unsupported("NOTIFY=NEVER")),
            ("SIZE=-1", ParameterError::Bad("SIZE")),
            ("SIZE=", ParameterError::Bad("SIZE")),
            ("SIZE=99999999999999999999", ParameterError::Bad("SIZE")),
            ("RET=FULL RET=FULL", ParameterError::Bad("RET")),
            ("ENVID=a+0D+0Ab", ParameterError::Bad("ENVID")),
        ] {
            assert_eq!(mail_parameters(text, ALL), Err(error));
        }
        let none = Allowed::default();
        assert!(matches!(
            mail_parameters("SIZE=1", none),
            Err(ParameterError::Unsupported(_))
        ));
        assert_eq!(
            rcpt_parameters("ORCPT=rfc822;a+0Ab", ALL),
            Err(ParameterError::Bad("ORCPT"))
        );
    }
}
