//! Names that a certificate may be for. Compared without regard to case, by whole labels.

use rustls::pki_types::ServerName;
use webpki::EndEntityCert;

/// A name, or all names below one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pattern {
    name: String,
    below: bool,
}

impl Pattern {
    /// This name.
    pub fn exactly(name: &str) -> Self {
        Self {
            name: plain(name),
            below: false,
        }
    }

    /// The names below this one, however deep.
    pub fn below(name: &str) -> Self {
        Self {
            name: plain(name),
            below: true,
        }
    }

    /// Reads `mx.example.org`, or `.example.org` for the names below.
    pub fn parse(text: &str) -> Self {
        match text.strip_prefix('.') {
            Some(name) => Self::below(name),
            None => Self::exactly(text),
        }
    }

    /// Whether a certificate is for it: by its alternative names alone (RFC 6125 §6.4.4 leaves the subject's name to
    /// the past).
    pub(super) fn is_for(&self, certificate: &EndEntityCert<'_>) -> bool {
        if let Ok(ip) = self.name.parse() {
            let ip = ServerName::IpAddress(std::net::IpAddr::into(ip));
            return !self.below && certificate.verify_is_valid_for_subject_name(&ip).is_ok();
        }
        certificate.valid_dns_names().any(|name| self.covers(name))
    }

    /// Whether a name in a certificate, which may begin with `*.`, is this one. The asterisk stands for one label
    /// (RFC 6125 §6.4.3).
    fn covers(&self, name: &str) -> bool {
        let name = plain(name);
        if self.below {
            // `*.example.org` too is a name below example.org.
            return name
                .strip_suffix(self.name.as_str())
                .is_some_and(|front| front.len() > 1 && front.ends_with('.'))
                && !self.name.is_empty();
        }
        match (name.strip_prefix("*."), self.name.split_once('.')) {
            (Some(parent), Some((_, above))) => parent == above,
            (None, _) => name == self.name,
            (Some(_), None) => false,
        }
    }
}

fn plain(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_covered_by_itself_or_one_asterisk() {
        for (pattern, name, covered) in [
            ("mx.example.org", "MX.Example.Org", true),
            ("mx.example.org.", "mx.example.org", true),
            ("mx.example.org", "*.example.org", true),
            ("a.mx.example.org", "*.example.org", false),
            ("example.org", "*.example.org", false),
            ("example.org", "*.org", true),
            ("org", "*.org", false),
            ("mx.example.org", "example.org", false),
            ("xmx.example.org", "mx.example.org", false),
            (".example.org", "mx.example.org", true),
            (".example.org", "a.mx.example.org", true),
            (".example.org", "*.example.org", true),
            (".example.org", "example.org", false),
            (".example.org", "badexample.org", false),
            (".example.org", "mx.example.org.evil.test", false),
            (".", "mx.example.org", false),
        ] {
            assert_eq!(
                Pattern::parse(pattern).covers(name),
                covered,
                "{pattern} {name}"
            );
        }
    }
}
