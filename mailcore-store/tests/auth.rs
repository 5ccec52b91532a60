//! Users and passwords in memory and in a passwd-file.
#![cfg(all(feature = "conform", feature = "files", feature = "schemes"))]

use mailcore_base::login::{Login, Secret, Service};
use mailcore_store::Fault;
use mailcore_store::auth::{
    Credential, Entry, Hasher, MemoryUsers, NameForm, PasswdFile, PasswdFileOptions, Passwords,
    Roll, Scheme, Stored, User, Users, Verdict,
};
use mailcore_store::conform::auth::{self as conform, Known};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SHA512: &str = "$6$rounds=1000$abc$yxe0KSjmoHd8rpohJgwvF5lnIQ/9t.klcz24a1cca3nWm.PLUmhXgcGgKWCoRFHRHYxXj4SVEtjCnCAwaFY0V0";
const SCRAM: &str = "{SCRAM-SHA-256}4096,A3nRmVvfU+Rcol4eKQzUjQ==,UJtTErU9XVTUuoHj1+13WQYoVP70DPXKLNQrurk/sj8=,iK11pszihTxddDIWMvL7ncG5XZCP7GB+mqhC66tgoJc=";

struct Given {
    _folder: tempfile::TempDir,
    path: PathBuf,
    file: PasswdFile,
    hasher: Hasher,
    told: Arc<Mutex<Vec<String>>>,
}

impl Given {
    fn new(text: &str) -> Self {
        Self::with(text, |_| {})
    }

    fn with(text: &str, set: impl FnOnce(&mut PasswdFileOptions)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("users");
        std::fs::write(&path, text).expect("the file is written");
        let told: Arc<Mutex<Vec<String>>> = Arc::default();
        let teller = Arc::clone(&told);
        let mut options = PasswdFileOptions::default();
        options.every = Duration::ZERO;
        options.report = Arc::new(move |fault: &Fault| {
            teller.lock().expect("the list").push(fault.to_string());
        });
        set(&mut options);
        let hasher = Hasher::new([7; 32]);
        Self {
            file: PasswdFile::open(&path, options, hasher.clone()).expect("the file opens"),
            _folder: folder,
            path,
            hasher,
            told,
        }
    }

    fn write(&self, text: &str) {
        std::fs::write(&self.path, text).expect("the file is written");
    }

    /// The numbers of the lines that were told of since the last time.
    fn lines(&self) -> Vec<usize> {
        let told = std::mem::take(&mut *self.told.lock().expect("the list"));
        let start = format!("{}, line ", self.path.display());
        let number = |text: &String| text.strip_prefix(&start)?.split_once(':')?.0.parse().ok();
        told.iter()
            .map(|text| number(text).unwrap_or_else(|| panic!("{text}")))
            .collect()
    }

    async fn verify(&self, name: &str, password: &str) -> Verdict {
        self.verify_from(name, password, None).await
    }

    async fn verify_from(&self, name: &str, password: &str, peer: Option<&str>) -> Verdict {
        let verdict = self
            .file
            .verify(&login_from(name, peer), &Secret::new(password))
            .await;
        verdict.expect("the file answers")
    }

    async fn user(&self, name: &str) -> Option<User> {
        let user = self.file.user(&login(name)).await;
        user.expect("the file answers")
    }

    async fn granted(&self, name: &str, password: &str) -> String {
        match self.verify(name, password).await {
            Verdict::Granted { name, .. } => name,
            other => panic!("{name}: {other:?}"),
        }
    }
}

fn login(name: &str) -> Login {
    login_from(name, None)
}

fn login_from(name: &str, peer: Option<&str>) -> Login {
    let mut login = Login::new(name, Service::Imap);
    login.peer = peer.map(|peer| peer.parse().expect("an address"));
    login
}

fn known() -> Vec<Known> {
    use Scheme::{Plain, ScramSha1, ScramSha256};
    vec![
        Known::new("alice@example.test", "pencil", &[ScramSha256]),
        Known::new("bob", "pw", &[]),
        Known::new("carol", "secret", &[Plain, ScramSha1, ScramSha256]),
    ]
}

#[tokio::test]
async fn the_file_conforms() {
    let text = format!("alice@example.test:{SCRAM}\nbob:{SHA512}\ncarol:{{PLAIN}}secret\n");
    let given = Given::new(&text);
    assert_eq!(given.lines(), [0; 0]);
    conform::all(&given.file, &known()).await;
    conform::the_roll_names_all_users_and_nobody_else(&given.file, &known()).await;
}

#[tokio::test]
async fn the_roll_tells_fields_and_hides_who_may_not_come_from_there() {
    let text =
        "away:{PLAIN}x::::::nologin reason=Away\nnear:{PLAIN}x::::::allow_nets=192.0.2.0/24\n";
    let given = Given::new(text);
    let entry = async |name: &str, peer: Option<&str>| {
        let found = given.file.entry(&login_from(name, peer)).await;
        found.expect("the file answers")
    };
    let away = entry("away", None).await.expect("he is there");
    assert_eq!(away.fields.get("reason").map(String::as_str), Some("Away"));
    assert!(away.fields.contains_key("nologin"));
    assert_eq!(entry("near", None).await, None);
    assert_eq!(entry("near", Some("198.51.100.1")).await, None);
    assert!(entry("near", Some("192.0.2.7")).await.is_some());
}

#[tokio::test]
async fn the_memory_conforms() {
    let users = MemoryUsers::new(Hasher::new([7; 32]));
    for (name, stored) in [
        ("Alice@example.test", SCRAM),
        ("bob", SHA512),
        ("carol", "{PLAIN}secret"),
    ] {
        let stored = Stored::parse(stored).expect("a stored form");
        users.insert(Entry::new(User::new(name), stored));
    }
    conform::all(&users, &known()).await;
    conform::the_roll_names_all_users_and_nobody_else(&users, &known()).await;
    assert!(users.remove("CAROL"));
    assert!(!users.remove("carol"));
    conform::all(&users, &known()[..2]).await;
}

#[tokio::test]
async fn the_memory_of_plain_passwords_conforms_and_serves_every_scheme() {
    use Scheme::{Plain, ScramSha1, ScramSha256};
    let pairs = [("alice@example.test", "wonderland"), ("Bob", "builder")];
    let users = MemoryUsers::with_passwords(Hasher::new([7; 32]), pairs).expect("passwords");
    let all = [Plain, ScramSha1, ScramSha256];
    let known = [
        Known::new("alice@example.test", "wonderland", &all),
        Known::new("bob", "builder", &all),
    ];
    conform::all(&users, &known).await;
    let unusable = MemoryUsers::with_passwords(Hasher::new([7; 32]), [("carol", "a\0b")]);
    assert!(unusable.is_err(), "a password that nobody could ever give");
}

/// As the guides have it, and as Dovecot reads it.
#[tokio::test]
async fn all_fields_of_a_line_are_read() {
    let given = Given::new(
        "# comment\n  # indented\n\n:no name\n\
         alice:{PLAIN}pw:5000:5001:Alice A.:/home/alice:/bin/sh:userdb_mail=maildir:/var/mail/alice/Maildir userdb_quota_rule=*:storage=1M k=v:w flag\n\
         bob:{PLAIN}pw::::::userdb_uid=7 userdb_gid=8 userdb_home=/b user=Robert\r\n\
         carol:{PLAIN}pw",
    );
    assert_eq!(given.lines(), [0; 0]);
    let alice = given.user("ALICE").await.expect("a user");
    assert_eq!(alice.name, "alice");
    assert_eq!((alice.uid, alice.gid), (Some(5000), Some(5001)));
    assert_eq!(alice.home.as_deref(), Some(Path::new("/home/alice")));
    assert_eq!(
        alice.location.as_deref(),
        Some("maildir:/var/mail/alice/Maildir")
    );
    let fields: Vec<_> = alice.fields.into_iter().collect();
    assert_eq!(
        fields,
        [("quota_rule".to_owned(), "*:storage=1M".to_owned())]
    );
    let Verdict::Granted { name, fields } = given.verify("Alice", "pw").await else {
        panic!("alice may come in");
    };
    assert_eq!(name, "alice");
    let fields: Vec<_> = fields
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str()))
        .collect();
    assert_eq!(fields, [("flag", ""), ("k", "v:w")]);
    let bob = given.user("bob").await.expect("a user");
    assert_eq!((bob.uid, bob.gid), (Some(7), Some(8)));
    assert_eq!(bob.home.as_deref(), Some(Path::new("/b")));
    assert_eq!(given.granted("bob", "pw").await, "Robert");
    assert_eq!(given.granted("carol", "pw").await, "carol");
    assert_eq!(given.user("carol").await, Some(User::new("carol")));
}

#[tokio::test]
async fn a_bad_line_costs_nobody_else() {
    let long = format!("long:{{PLAIN}}{}", "x".repeat(20_000));
    let given = Given::new(&format!(
        "no colon\nnum:{{PLAIN}}pw:abc:1\ngrp:{{PLAIN}}pw:1:abc\nnet:{{PLAIN}}pw::::::allow_nets=banana\n\
         {long}\nnul:{{PLAIN}}a\0b\nalice:{{PLAIN}}one\nalice:{{PLAIN}}two\n\
         udb:{{PLAIN}}pw::::::userdb_uid=x\nbob:{{PLAIN}}pw\n"
    ));
    assert_eq!(given.lines(), [1, 2, 3, 4, 5, 6, 8, 9]);
    for name in ["num", "grp", "net", "long", "nul", "udb", "no colon"] {
        assert_eq!(given.verify(name, "pw").await, Verdict::Unknown, "{name}");
        assert_eq!(given.user(name).await, None, "{name}");
    }
    given.granted("alice", "one").await;
    assert_eq!(given.verify("alice", "two").await, Verdict::Mismatch);
    given.granted("bob", "pw").await;
}

/// As Dovecot has it: the user is there, and every login of his fails.
#[tokio::test]
async fn a_password_that_makes_no_sense_is_told_and_is_never_right() {
    let given = Given::new(
        "unk:{NOSUCH}pw\nbare:pw\nssha:{SSHA}!!!!\n\
         cost:$2y$31$abcdefghijklmnopqrstuuyvPXIbu7xe6/CED2DzX8z6Si09MlzlW\n\
         empty:\nlocked:!\nstar:*\nx:x\n",
    );
    assert_eq!(given.lines(), [1, 2, 3, 4]);
    for name in [
        "unk", "bare", "ssha", "cost", "empty", "locked", "star", "x",
    ] {
        for password in ["pw", "", "!", "*", "x"] {
            assert_eq!(
                given.verify(name, password).await,
                Verdict::Mismatch,
                "{name}"
            );
        }
        assert!(given.user(name).await.is_some(), "{name}");
    }
    assert_eq!(given.file.schemes(), []);
}

#[tokio::test]
async fn passwords_without_a_scheme_can_be_given_one() {
    let text =
        format!("alice:pw\nbob:{SHA512}\ncarol:{{SHA512-CRYPT}}{SHA512}\nlocked:!\nempty:\n");
    let given = Given::with(&text, |options| options.scheme = Some("PLAIN".to_owned()));
    given.granted("alice", "pw").await;
    given.granted("bob", SHA512).await;
    given.granted("carol", "pw").await;
    given.granted("locked", "!").await;
    assert_eq!(given.verify("empty", "").await, Verdict::Mismatch);
}

#[tokio::test]
async fn who_may_not_come_in_is_barred_with_the_right_password_only() {
    let given = Given::new(
        "net:{PLAIN}pw::::::allow_nets=192.0.2.0/24,2001:db8::/32\n\
         local:{PLAIN}pw::::::allow_nets=local,192.0.2.1\n\
         shut:{PLAIN}pw::::::nologin\nproxy:{PLAIN}pw::::::nologin proxy host=192.0.2.7\n\
         moved:{PLAIN}pw::::::nologin host=mail.example.test allow_nets=192.0.2.1\n\
         any:::::::nopassword allow_nets=192.0.2.1\nnotany:{PLAIN}pw::::::nopassword\n",
    );
    let is_granted = |verdict: &Verdict| matches!(verdict, Verdict::Granted { .. });
    for (name, peer, granted) in [
        ("net", Some("192.0.2.77"), true),
        ("net", Some("2001:db8::1"), true),
        ("net", Some("192.0.3.1"), false),
        ("net", None, false),
        ("local", None, true),
        ("local", Some("192.0.2.1"), true),
        ("local", Some("192.0.2.2"), false),
        ("shut", Some("192.0.2.1"), false),
        ("proxy", None, false),
        ("moved", Some("192.0.2.1"), false),
        ("moved", Some("192.0.2.2"), false),
        ("any", Some("192.0.2.1"), true),
        ("any", Some("192.0.2.2"), false),
    ] {
        let right = given.verify_from(name, "pw", peer).await;
        assert_eq!(is_granted(&right), granted, "{name} {peer:?}");
        let barred = matches!(right, Verdict::Barred { .. });
        assert_eq!(barred, !granted, "{name} {peer:?}");
        if name != "any" {
            let wrong = given.verify_from(name, "pW", peer).await;
            assert_eq!(wrong, Verdict::Mismatch, "{name} {peer:?}");
            let login = login_from(name, peer);
            let found = given.file.credential(&login, Scheme::Plain).await;
            let found = found.expect("the file answers");
            assert_eq!(found.is_some(), granted, "{name} {peer:?}");
        }
    }
    assert_eq!(given.verify("notany", "x").await, Verdict::Mismatch);
    // Where to go instead is told who might come in from there only.
    for (peer, told) in [("192.0.2.1", true), ("192.0.2.2", false)] {
        match given.verify_from("moved", "pw", Some(peer)).await {
            Verdict::Barred { name, fields } => {
                assert_eq!((&*name, fields.contains_key("host")), ("moved", told));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_file_of_local_parts_serves_every_domain() {
    let given = Given::with("alice:{PLAIN}pw:1:2\n", |options| {
        options.names = NameForm::Local;
    });
    for name in ["alice", "alice@example.test", "Alice@Other.test"] {
        assert_eq!(given.granted(name, "pw").await, name.to_ascii_lowercase());
        let user = given.user(name).await.expect("a user");
        assert_eq!(user.name, name.to_ascii_lowercase());
        assert_eq!(user.uid, Some(1));
    }
    let stranger = given.verify("bob@example.test", "pw").await;
    assert_eq!(stranger, Verdict::Unknown);
}

#[tokio::test]
async fn capitals_in_the_file_count_as_little_as_in_a_login() {
    let given = Given::new("Alice@Example.test:{PLAIN}pw\nalice@example.TEST:{PLAIN}other\n");
    assert_eq!(given.lines(), [2]);
    for name in ["alice@example.test", "ALICE@example.test"] {
        assert_eq!(given.granted(name, "pw").await, "alice@example.test");
        let user = given.user(name).await.expect("a user");
        assert_eq!(user.name, "alice@example.test");
    }
}

#[tokio::test]
async fn a_domain_is_the_same_in_either_spelling() {
    let given = Given::new("alice@münchen.example:{PLAIN}pw\n");
    let stored = "alice@xn--mnchen-3ya.example";
    for name in [stored, "alice@münchen.example", "Alice@MÜNCHEN.example"] {
        assert_eq!(given.granted(name, "pw").await, stored);
        assert_eq!(given.user(name).await, Some(User::new(stored)));
    }
}

#[tokio::test]
async fn a_name_without_a_domain_belongs_to_the_realm() {
    let text = "Bob:{PLAIN}pw\ncarol@other.test:{PLAIN}pw\nbob@example.test:{PLAIN}other\n";
    let given = Given::with(text, |options| {
        options.realm = Some("Example.test".to_owned())
    });
    assert_eq!(given.lines(), [3]);
    for name in ["bob", "bob@example.test"] {
        assert_eq!(given.granted(name, "pw").await, "bob@example.test");
        assert!(given.user(name).await.is_some());
    }
    let stranger = given.verify("bob@other.test", "pw").await;
    assert_eq!(stranger, Verdict::Unknown);
    let domains: Vec<_> = given.file.domains().into_iter().collect();
    assert_eq!(domains, ["example.test", "other.test"]);
}

#[tokio::test]
async fn users_come_and_go_while_the_server_runs() {
    let given = Given::new("alice:{PLAIN}one\n");
    given.granted("alice", "one").await;
    given.write("alice:{PLAIN}two\n");
    given.granted("alice", "two").await;
    assert_eq!(given.verify("alice", "one").await, Verdict::Mismatch);
    given.write(&format!("bob:{SCRAM}\nbad\n"));
    assert_eq!(given.verify("alice", "two").await, Verdict::Unknown);
    given.granted("bob", "pencil").await;
    assert_eq!(given.lines(), [2], "told once, however often looked at");
    assert_eq!(given.file.schemes(), [Scheme::ScramSha256]);
    std::fs::remove_file(&given.path).expect("removed");
    given.granted("bob", "pencil").await;
}

/// A stranger is checked against a hash as most users have it: as many hashes, of the same effort.
#[tokio::test]
async fn a_stranger_costs_as_much_as_a_user() {
    let given = Given::new(&format!(
        "alice:{SHA512}\nbob:{SHA512}\ncarol:{{PLAIN}}pw\nnone:\n"
    ));
    let mut done = 0;
    for name in ["alice", "stranger", "none", "bob", ""] {
        given.verify(name, "wrong").await;
        let now = given.hasher.load().done;
        assert_eq!(now, done + 1, "{name}");
        done = now;
    }
    given.verify("carol", "wrong").await;
    let now = given.hasher.load().done;
    assert_eq!(now, done, "PLAIN needs no hashing");
}

/// Where keys are derived for users, they are derived for strangers.
#[tokio::test]
async fn a_strangers_challenge_costs_as_much_as_a_users() {
    let given = Given::new("alice:{PLAIN}pw\n");
    for (name, done) in [("alice", 1), ("stranger", 2)] {
        let found = given
            .file
            .credential(&login(name), Scheme::ScramSha256)
            .await;
        assert_eq!(found.expect("the file answers").is_some(), name == "alice");
        assert_eq!(given.hasher.load().done, done, "{name}");
    }
}

/// Nobody who has one salt knows another: they differ by user, mechanism and process.
#[tokio::test]
async fn salts_of_derived_keys_are_nobody_elses() {
    let mut salts = Vec::new();
    for seed in [1, 2] {
        let users = MemoryUsers::new(Hasher::new([seed; 32]));
        for name in ["alice", "bob"] {
            let stored = Stored::parse("{PLAIN}pw").expect("plain");
            users.insert(Entry::new(User::new(name), stored));
            for scheme in [Scheme::ScramSha1, Scheme::ScramSha256] {
                let found = users.credential(&login(name), scheme).await;
                let found = found.expect("an answer").expect("a credential");
                let Credential::Scram { salt, .. } = found.credential else {
                    panic!("{found:?}");
                };
                assert_eq!(salt.len(), 16);
                salts.push(salt);
            }
        }
    }
    salts.sort();
    salts.dedup();
    assert_eq!(salts.len(), 8);
}

#[tokio::test]
async fn no_secret_is_shown() {
    let given = Given::new("alice:{PLAIN}hunter2\nbad:{SSHA}hunter2!\nworse:hunter2\n");
    let memory = MemoryUsers::new(given.hasher.clone());
    let plain = Stored::parse("{PLAIN}hunter2").expect("plain");
    let entry = Entry::new(User::new("a"), plain);
    let shown = format!("{entry:?}");
    memory.insert(entry);
    let told = given.told.lock().expect("the list").join("\n");
    assert_eq!(told.lines().count(), 2, "{told}");
    let found = memory.credential(&login("a"), Scheme::Plain).await;
    let all = format!("{:?} {memory:?} {shown} {told} {found:?}", given.file);
    assert!(!all.contains("hunter2"), "{all}");
    assert!(!all.contains("104, 117, 110"), "{all}");
}
