//! The promises of users and passwords. The backend comes filled; who is in it is told beside it.

use crate::auth::{Credential, Passwords, Roll, Scheme, Stored, Users, Verdict};
use mailcore_base::login::{Login, Secret, Service};

/// A user that the backend knows.
#[derive(Debug, Clone)]
pub struct Known {
    /// The name he logs in with.
    pub name: String,
    /// His canonical name.
    pub canonical: String,
    /// His password.
    pub password: Secret,
    /// What his entry can serve, lowest first.
    pub serves: Vec<Scheme>,
}

impl Known {
    /// A user under the one name, with a password that is stored in a form which serves `serves`.
    pub fn new(name: &str, password: &str, serves: &[Scheme]) -> Self {
        Self {
            name: name.to_owned(),
            canonical: name.to_owned(),
            password: Secret::new(password),
            serves: serves.to_vec(),
        }
    }

    fn login(&self) -> Login {
        login(&self.name)
    }
}

/// All promises. `known` has to name all users of the backend.
pub async fn all(backend: &(impl Passwords + Users), known: &[Known]) {
    the_password_and_no_other_lets_in(backend, known).await;
    somebody_unknown_is_unknown(backend).await;
    who_logs_in_is_in_the_directory(backend, known).await;
    credentials_are_given_for_what_is_stored(backend, known).await;
    credentials_prove_the_password(backend, known).await;
    a_challenge_is_the_same_when_asked_again(backend, known).await;
}

/// All users are enrolled and listed, each once and in order, in pages of any size, and nobody else is. `known` has to name
/// all users of the backend.
pub async fn the_roll_names_all_users_and_nobody_else(backend: &dyn Roll, known: &[Known]) {
    for user in known {
        let entry = backend.entry(&user.login()).await;
        let entry = entry.expect("the backend answers").expect("he is there");
        assert_eq!(entry.name, user.canonical);
    }
    let stranger = backend.entry(&login("somebody.else@example.test")).await;
    assert_eq!(stranger.expect("the backend answers"), None);
    let mut names: Vec<&str> = known.iter().map(|user| user.name.as_str()).collect();
    names.sort_unstable();
    for most in [1, 2, known.len() + 1] {
        let mut told: Vec<String> = Vec::new();
        loop {
            let page = backend.page(told.last().map(String::as_str), most).await;
            let page = page.expect("the backend answers");
            assert!(page.len() <= most);
            if page.is_empty() {
                break;
            }
            told.extend(page);
            assert!(told.len() <= known.len(), "{told:?}");
        }
        assert_eq!(told, names);
    }
}

fn login(name: &str) -> Login {
    Login::new(name, Service::Imap)
}

const ALL: [Scheme; 3] = [Scheme::Plain, Scheme::ScramSha1, Scheme::ScramSha256];

/// The right password lets in, under the canonical name; no other does.
pub async fn the_password_and_no_other_lets_in(backend: &dyn Passwords, known: &[Known]) {
    for user in known {
        let verdict = backend.verify(&user.login(), &user.password).await;
        match verdict.expect("the backend answers") {
            Verdict::Granted { name, .. } => assert_eq!(name, user.canonical),
            other => panic!("{}: {other:?}", user.name),
        }
        let right = user.password.expose();
        let longer = [right, b"x"].concat();
        let with_nul = [right, b"\0x"].concat();
        let shorter = right.get(1..).unwrap_or_default();
        let other_case = right.to_ascii_uppercase();
        for wrong in [
            &longer[..],
            &with_nul,
            shorter,
            &other_case,
            b"",
            &[b'x'; 100_000],
        ] {
            if wrong == right {
                continue;
            }
            let verdict = backend.verify(&user.login(), &Secret::new(wrong)).await;
            let verdict = verdict.expect("the backend answers");
            assert_eq!(
                verdict,
                Verdict::Mismatch,
                "{}: {} octets",
                user.name,
                wrong.len()
            );
        }
    }
}

/// Somebody unknown is told from a wrong password, in the verdict only, and is never a failure.
pub async fn somebody_unknown_is_unknown(backend: &(impl Passwords + Users)) {
    let long = "u".repeat(100_000);
    for name in [
        "",
        "nobody-of-this-name",
        "nobody@nowhere.invalid",
        "a:b",
        "\0",
        "\n",
        "../x",
        "' OR 1=1 --",
        "*",
        "@",
        &long,
    ] {
        let login = login(name);
        for password in ["", "x"] {
            let verdict = backend.verify(&login, &Secret::new(password)).await;
            assert_eq!(
                verdict.expect("the backend answers"),
                Verdict::Unknown,
                "{name:.40?}"
            );
        }
        let user = Users::user(backend, &login)
            .await
            .expect("the backend answers");
        assert_eq!(user, None, "{name:.40?}");
        for scheme in ALL {
            let found = backend.credential(&login, scheme).await;
            assert!(found.expect("the backend answers").is_none(), "{name:.40?}");
        }
    }
}

/// A user that may log in is in the directory too, under his canonical name.
pub async fn who_logs_in_is_in_the_directory(users: &dyn Users, known: &[Known]) {
    for known in known {
        let user = users.user(&login(&known.canonical)).await;
        let user = user.expect("the directory answers");
        assert_eq!(
            user.map(|user| user.name).as_deref(),
            Some(&known.canonical[..])
        );
    }
}

/// Credentials are given for the schemes that an entry serves, for no others, and schemes are advertised that
/// one of the entries serves.
pub async fn credentials_are_given_for_what_is_stored(backend: &dyn Passwords, known: &[Known]) {
    for user in known {
        for scheme in ALL {
            let found = backend.credential(&user.login(), scheme).await;
            let found = found.expect("the backend answers");
            assert_eq!(
                found.is_some(),
                user.serves.contains(&scheme),
                "{} {scheme:?}",
                user.name
            );
            assert!(found.is_none_or(|found| found.name == user.canonical));
        }
    }
    let mut schemes: Vec<Scheme> = known.iter().flat_map(|user| user.serves.clone()).collect();
    schemes.sort_unstable();
    schemes.dedup();
    assert_eq!(backend.schemes(), schemes, "`known` has to name all users");
}

/// A credential is the password's own: the password itself, or keys that follow from it.
pub async fn credentials_prove_the_password(backend: &dyn Passwords, known: &[Known]) {
    for user in known {
        for scheme in &user.serves {
            let found = backend.credential(&user.login(), *scheme).await;
            let found = found.expect("the backend answers").expect("it is served");
            match (scheme, found.credential) {
                (Scheme::Plain, Credential::Plain(secret)) => {
                    assert_eq!(secret.expose(), user.password.expose());
                }
                (Scheme::ScramSha1 | Scheme::ScramSha256, keys @ Credential::Scram { .. }) => {
                    let stored = Stored::of_keys(*scheme, &keys).expect("keys of that scheme");
                    assert!(stored.verify(&user.password), "{}", user.name);
                    let longer = [user.password.expose(), b"x"].concat();
                    assert!(!stored.verify(&Secret::new(longer)), "{}", user.name);
                }
                (scheme, other) => panic!("{} {scheme:?}: {other:?}", user.name),
            }
        }
    }
}

/// Asked twice a backend gives the same salt and iterations: else whoever asks sees that keys are made up.
pub async fn a_challenge_is_the_same_when_asked_again(backend: &dyn Passwords, known: &[Known]) {
    for user in known {
        for scheme in user
            .serves
            .iter()
            .filter(|scheme| **scheme != Scheme::Plain)
        {
            let mut asked = Vec::new();
            for _ in 0..2 {
                let found = backend.credential(&user.login(), *scheme).await;
                match found
                    .expect("the backend answers")
                    .map(|found| found.credential)
                {
                    Some(Credential::Scram {
                        salt, iterations, ..
                    }) => {
                        assert!(salt.len() >= 8, "a salt of {} octets", salt.len());
                        asked.push((salt, iterations));
                    }
                    other => panic!("{} {scheme:?}: {other:?}", user.name),
                }
            }
            assert_eq!(asked.first(), asked.last(), "{} {scheme:?}", user.name);
        }
    }
}
