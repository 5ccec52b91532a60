//! The line that opens an exchange: `AUTH`. What it says of the client is what the server in front says; whether that is
//! believed is decided elsewhere.

use super::words::{Malformed, Words, write_parameter, write_word};
use crate::Secret;
use std::net::IpAddr;

/// An exchange that is asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// The peer's number for it; never zero.
    pub id: u32,
    /// The mechanism's name.
    pub mechanism: String,
    /// For which service the client logs in (`smtp`, `imap` …).
    pub service: String,
    /// The connection to the client is secured.
    pub secured: bool,
    /// No master process will ask for the user afterwards.
    pub nologin: bool,
    /// A failure is not held against the client's address.
    pub no_penalty: bool,
    /// The client presented a certificate that was found valid.
    pub valid_client_cert: bool,
    /// The name in that certificate.
    pub cert_username: Option<String>,
    /// The client's address.
    pub remote: Option<IpAddr>,
    /// The address that it connected to.
    pub local: Option<IpAddr>,
    /// The client's port.
    pub remote_port: Option<u16>,
    /// The port that it connected to.
    pub local_port: Option<u16>,
    /// The client's initial response, in base64, where it sent one.
    pub response: Option<Secret>,
}

impl Request {
    /// A request with these and nothing else.
    pub fn new(id: u32, mechanism: impl Into<String>, service: impl Into<String>) -> Self {
        Self {
            id,
            mechanism: mechanism.into(),
            service: service.into(),
            secured: false,
            nologin: false,
            no_penalty: false,
            valid_client_cert: false,
            cert_username: None,
            remote: None,
            local: None,
            remote_port: None,
            local_port: None,
            response: None,
        }
    }

    /// Reads the words behind `AUTH`. Parameters that are not known are passed over, as the protocol wants it, and so are
    /// addresses and ports that are none.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn parse(mut words: Words<'_>) -> Result<Self, Malformed> {
        const BROKEN: &str = "broken AUTH request";
        let id = words.id(BROKEN)?;
        let mut request = Self::new(id, words.word(BROKEN)?, "");
        for parameter in words.parameters() {
            if request.response.is_some() {
                // Else a client that gets a TAB past its server could add to what that says of it.
                return Err(Malformed("AUTH parameters after 'resp'"));
            }
            let (name, value) = parameter?;
            request.set(&name, value);
        }
        match request.service.is_empty() {
            true => Err(Malformed("no service in a request")),
            false => Ok(request),
        }
    }

    fn set(&mut self, name: &str, value: Option<String>) {
        match (name, value) {
            // Later versions say by what: `secured=tls`.
            ("secured", _) => self.secured = true,
            ("nologin", None) => self.nologin = true,
            ("no-penalty", None) => self.no_penalty = true,
            ("valid-client-cert", None) => self.valid_client_cert = true,
            ("service", Some(value)) => self.service = value,
            ("cert_username", Some(value)) => self.cert_username = Some(value),
            ("rip", Some(value)) => self.remote = value.parse().ok(),
            ("lip", Some(value)) => self.local = value.parse().ok(),
            ("rport", Some(value)) => self.remote_port = value.parse().ok(),
            ("lport", Some(value)) => self.local_port = value.parse().ok(),
            ("resp", value) => self.response = Some(Secret::new(value.unwrap_or_default())),
            _ => {}
        }
    }

    /// Writes the line.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"AUTH");
        write_word(out, &self.id.to_string());
        write_word(out, &self.mechanism);
        write_parameter(out, "service", &self.service);
        for (flag, set) in [
            ("secured", self.secured),
            ("nologin", self.nologin),
            ("no-penalty", self.no_penalty),
            ("valid-client-cert", self.valid_client_cert),
        ] {
            if set {
                write_word(out, flag);
            }
        }
        if let Some(name) = &self.cert_username {
            write_parameter(out, "cert_username", name);
        }
        for (name, address) in [("lip", self.local), ("rip", self.remote)] {
            if let Some(address) = address {
                write_parameter(out, name, &address.to_string());
            }
        }
        for (name, port) in [("lport", self.local_port), ("rport", self.remote_port)] {
            if let Some(port) = port {
                write_parameter(out, name, &port.to_string());
            }
        }
        // The last, always.
        if let Some(response) = &self.response {
            out.extend_from_slice(b"\tresp=");
            out.extend_from_slice(response.expose());
        }
        out.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Request, Malformed> {
        Request::parse(Words::of(line.as_bytes()))
    }

    #[test]
    fn what_postfix_sends_is_understood() {
        let line =
            "7\tPLAIN\tservice=smtp\tnologin\tlip=127.0.0.1\trip=192.0.2.1\tsecured\tresp=AGEAYg==";
        let request = parse(line).unwrap();
        assert_eq!((request.id, request.mechanism.as_str()), (7, "PLAIN"));
        assert!(request.nologin && request.secured && !request.no_penalty);
        assert_eq!(request.remote, "192.0.2.1".parse().ok());
        assert_eq!(request.response.unwrap().expose(), b"AGEAYg==");
    }

    #[test]
    fn a_line_reads_back() {
        let line = "3\tLOGIN\tservice=imap\tsecured\tno-penalty\tvalid-client-cert\tcert_username=a b\t\
                    lip=::1\trip=::2\tlport=143\trport=9\tresp=";
        let mut out = Vec::new();
        parse(line).unwrap().write_to(&mut out);
        assert_eq!(String::from_utf8(out).unwrap(), format!("AUTH\t{line}\n"));
    }

    #[test]
    fn broken_requests_are_told_apart_from_odd_ones() {
        for (bad, why) in [
            ("", "broken AUTH request"),
            ("x\tPLAIN\tservice=smtp", "broken AUTH request"),
            ("0\tPLAIN\tservice=smtp", "broken AUTH request"),
            ("1", "broken AUTH request"),
            ("1\tPLAIN\tsecured", "no service in a request"),
            (
                "1\tPLAIN\tservice=smtp\tresp=x\tvalid-client-cert",
                "AUTH parameters after 'resp'",
            ),
        ] {
            assert_eq!(parse(bad).unwrap_err(), Malformed(why), "{bad:?}");
        }
        let odd = parse("1\tX\tservice=a\trip=here\trport=99999\tsession=1\tdebug\t").unwrap();
        assert_eq!((odd.remote, odd.remote_port), (None, None));
        assert!(odd.response.is_none());
        let later = parse("1\tX\tservice=a\tsecured=tls\tvalid-client-cert=no").unwrap();
        assert!(later.secured && !later.valid_client_cert);
    }
}
