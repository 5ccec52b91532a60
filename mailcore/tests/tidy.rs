//! Keeps the map true and the pure crates pure: what ARCHITECTURE.md promises, read off the tree itself.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Every Rust file below `folder`, nested packages and build output left out.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// The names of the crates that a package depends on, itself included.
fn tree(package: &str, features: &[&str]) -> BTreeSet<String> {
    let out = Command::new(env!("CARGO"))
        .current_dir(root())
        .args([
            "tree",
            "--package",
            package,
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--format",
            "{p}",
        ])
        .args(features)
        .output()
        .expect("cargo tree runs");
    assert!(
        out.status.success(),
        "cargo tree: {}",
        String::from_utf8_lossy(&out.stderr)
    );
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    text.lines()
        .filter_map(|l| l.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_map_names_only_places_that_exist() {
    for map in ["ARCHITECTURE.md", "FLOW.md", "CONTRIBUTING.md", "README.md"] {
        let text = read(&root().join(map));
        for quoted in text.split('`').skip(1).step_by(2) {
            let path = quoted.trim_end_matches('/');
            let looks_like_a_path = path.contains('/')
                && path
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"/._-".contains(&b))
                && ["mailcore", "examples", "fuzz", "benches", ".ci"]
                    .iter()
                    .any(|top| {
                        path.strip_prefix(top)
                            .is_some_and(|rest| rest.starts_with('/') || rest.starts_with('-'))
                    });
            if looks_like_a_path {
                assert!(
                    root().join(path).exists(),
                    "{map} names `{quoted}`, which is not there"
                );
            }
        }
    }
}

#[test]
fn the_pure_crates_depend_on_no_runtime_and_no_network() {
    let banned = [
        "tokio",
        "mio",
        "socket2",
        "rustls",
        "hickory-resolver",
        "hickory-proto",
    ];
    for package in [
        "mailcore-base",
        "mailcore-sasl",
        "mailcore-smtp",
        "mailcore-imap",
    ] {
        let tree = tree(package, &["--all-features"]);
        assert!(tree.contains(package));
        for name in banned {
            assert!(!tree.contains(name), "{package} depends on {name}");
        }
    }
    let store = tree("mailcore-store", &["--no-default-features"]);
    for name in banned {
        assert!(
            !store.contains(name),
            "mailcore-store without its features depends on {name}"
        );
    }
}

#[test]
fn the_four_in_the_middle_do_not_know_each_other() {
    let middle = [
        "mailcore-sasl",
        "mailcore-smtp",
        "mailcore-imap",
        "mailcore-store",
    ];
    for package in middle {
        let tree = tree(package, &["--all-features"]);
        for other in middle.iter().filter(|other| **other != package) {
            assert!(!tree.contains(*other), "{package} depends on {other}");
        }
    }
}

#[test]
fn the_pure_crates_name_no_socket_no_file_and_no_clock() {
    let banned = [
        "std::net::Tcp",
        "std::net::Udp",
        "std::fs",
        "Instant::now",
        "SystemTime::now",
        "std::thread",
    ];
    for folder in [
        "mailcore/base/src",
        "mailcore/sasl/src",
        "mailcore-smtp/src",
        "mailcore-imap/src",
    ] {
        let mut files = Vec::new();
        sources(&root().join(folder), &mut files);
        assert!(!files.is_empty());
        for file in files {
            let text = read(&file);
            // Test modules stand last in their files and may use a clock.
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            let lines = code.lines().filter(|l| !l.trim_start().starts_with("//"));
            for line in lines {
                for name in banned {
                    assert!(
                        !line.contains(name),
                        "{} names {name}: {line}",
                        file.display()
                    );
                }
            }
        }
    }
}

#[test]
fn no_source_holds_unsafe_code_or_an_unfinished_place() {
    let mut files = Vec::new();
    for folder in [
        "mailcore",
        "mailcore-smtp",
        "mailcore-imap",
        "mailcore-store",
        "examples",
        "fuzz",
        "benches",
    ] {
        sources(&root().join(folder), &mut files);
    }
    let words = [
        concat!("uns", "afe {"),
        concat!("uns", "afe fn"),
        concat!("to", "do!("),
        concat!("unimpl", "emented!("),
    ];
    for file in files {
        let text = read(&file);
        for word in words {
            assert!(!text.contains(word), "{} holds {word}", file.display());
        }
    }
}
