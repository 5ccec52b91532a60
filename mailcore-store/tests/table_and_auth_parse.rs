//! Nothing that stands in a file or a configuration makes a parser panic; what is written is read back.
#![cfg(all(feature = "files", feature = "schemes"))]

use mailcore_base::login::{Login, Secret, Service};
use mailcore_store::auth::{
    Hasher, PasswdFile, PasswdFileOptions, PasswordScheme, Passwords, Stored, Users,
};
use mailcore_store::table::{Inline, Table, TextHash, TextHashOptions};
use proptest::prelude::*;

/// Text made of what the formats give a meaning to.
fn text() -> impl Strategy<Value = Vec<u8>> {
    const PIECES: &[&[u8]] = &[
        b"\n",
        b"\r\n",
        b" ",
        b"\t",
        b"#",
        b":",
        b"=",
        b"{",
        b"}",
        b"\"",
        b"\\",
        b",",
        b"$6$",
        b"$2y$",
        b"$argon2id$",
        b"{SSHA}",
        b"{SCRAM-SHA-1}",
        b"{PLAIN.hex}",
        b"rounds=",
        b"allow_nets=",
        b"userdb_",
        b"1",
        b"a",
        b"\xc3\xa4",
        b"\xff",
        b"\0",
    ];
    let piece = proptest::sample::select(PIECES);
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_text_makes_a_parser_panic(octets in text()) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        std::fs::write(&path, &octets).expect("the file is written");
        let table = TextHash::open(&path, TextHashOptions::default()).expect("the table opens");
        let hasher = Hasher::new([0; 32]);
        let users = PasswdFile::open(&path, PasswdFileOptions::default(), hasher).expect("the file opens");
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let key = String::from_utf8_lossy(&octets).into_owned();
        runtime.block_on(async {
            table.get(&key).await.expect("the table answers");
            let login = Login::new(key.as_str(), Service::Imap);
            users.user(&login).await.expect("the file answers");
            users.verify(&login, &Secret::new(octets.clone())).await.expect("the file answers");
        });
        let _ = Inline::parse(&key);
        let _ = Inline::parse(&format!("{{{key}}}"));
        let _ = Stored::parse(&key);
    }

    #[test]
    fn any_password_is_kept_in_a_field_and_recognised(octets in proptest::collection::vec(1_u8.., 0..100)) {
        let password = Secret::new(octets);
        for scheme in [PasswordScheme::Plain, PasswordScheme::Ssha512, PasswordScheme::Sha] {
            let salt = vec![3; scheme.salt_len()];
            let mut text = String::new();
            scheme.hash(&password, &salt, None).expect("it can be kept").write_to(&mut text);
            prop_assert!(!text.contains([':', '\n', '\r', ' ']), "{}", text);
            prop_assert!(Stored::parse(&text).expect("what was written").verify(&password), "{}", text);
        }
    }
}
