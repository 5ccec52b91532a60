//! Files of users: a line that makes no sense is told and skipped, and no name, home or field can break a line or end a
//! string early.

use crate::{safe, scratch};
use mailcore_base::login::{Login, Service};
use mailcore_store::auth::{Hasher, Nets, PasswdFile, PasswdFileOptions, Users};
use std::sync::{Arc, LazyLock, Mutex};

static HASHER: LazyLock<Hasher> = LazyLock::new(|| Hasher::new([7; 32]));

/// The input is a file; each of its lines is also read as a list of networks.
pub fn body(input: &[u8]) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = Arc::clone(&told);
    let mut options = PasswdFileOptions::default();
    options.report = Arc::new(move |fault| tell.lock().expect("sound").push(fault.clone()));
    let file = scratch::holding(input, |path| {
        PasswdFile::open(path, options, HASHER.clone())
    });
    let file = file.expect("it is small");
    let lines = input.split(|b| *b == b'\n').count();
    for fault in told.lock().expect("sound").iter() {
        safe::one_line(&fault.what);
        assert!(fault.line.is_some_and(|line| (1..=lines).contains(&line)));
    }
    for line in input.split(|b| *b == b'\n') {
        let Ok(line) = std::str::from_utf8(line) else {
            continue;
        };
        let name = line.split(':').next().unwrap_or_default();
        user(&file, name);
        let _ = Nets::parse(line).map(|nets| nets.admits(None));
    }
}

fn user(file: &PasswdFile, name: &str) {
    let login = Login::new(name, Service::Imap);
    let Some(user) = scratch::at_once(file.user(&login)).expect("it was read") else {
        return;
    };
    assert_eq!(user.name, name.to_ascii_lowercase());
    let mut texts = vec![user.name];
    texts.extend(user.location);
    texts.extend(user.home.map(|home| home.to_string_lossy().into_owned()));
    texts.extend(user.fields.into_values());
    assert!(
        !texts.iter().any(|text| text.contains(['\0', '\n'])),
        "{texts:?}"
    );
}
