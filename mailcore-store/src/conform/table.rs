//! The promises of lookup tables. The table comes filled: with what, is told beside it.

use crate::table::{EditTable, Table};

/// What is in the table is found, and what is not is absent: no failure.
pub async fn finds_what_it_holds_and_nothing_else(
    table: &dyn Table,
    held: &[(&str, &str)],
    absent: &[&str],
) {
    for (key, value) in held {
        let found = table.get(key).await.expect("the table answers");
        assert_eq!(found.as_deref(), Some(*value), "{key:?}");
    }
    for key in absent {
        let found = table.get(key).await.expect("the table answers");
        assert_eq!(found, None, "{key:?}");
    }
}

/// No key is too strange to be looked up: the answer is absent, or a failure, and comes.
pub async fn strange_keys_are_no_trouble(table: &dyn Table) {
    let long = "k".repeat(1_000_000);
    for key in [
        "",
        " ",
        "\0",
        "\r\n",
        "'; DROP TABLE users; --",
        "../../etc/passwd",
        "ß\u{301}",
        "%s",
        &long,
    ] {
        if let Ok(Some(value)) = table.get(key).await {
            panic!(
                "{:?} was never put in, and leads to {value:?}",
                key.get(..40).unwrap_or(key)
            );
        }
    }
}

/// What is set is found, a second value takes the place of the first, and what is removed is absent.
pub async fn changes_are_seen_at_once(table: &dyn EditTable) {
    table.put("conform-a", "one").await.expect("put");
    table
        .put("conform-b", "two words, and more")
        .await
        .expect("put");
    table.put("conform-a", "three").await.expect("put");
    assert_eq!(
        table.get("conform-a").await.expect("get").as_deref(),
        Some("three")
    );
    assert_eq!(
        table.get("conform-b").await.expect("get").as_deref(),
        Some("two words, and more")
    );
    assert!(
        table.remove("conform-a").await.expect("remove"),
        "it was there"
    );
    assert_eq!(table.get("conform-a").await.expect("get"), None);
    assert!(
        !table.remove("conform-a").await.expect("remove"),
        "it was not there"
    );
    assert!(
        table.remove("conform-b").await.expect("remove"),
        "it was there"
    );
}

/// Pages of any size give every entry once, in the order of keys. The table comes empty.
pub async fn pages_give_every_entry_once_in_order(table: &dyn EditTable) {
    let mut keys: Vec<String> = (0..25).map(|n| format!("k{}", n * 7 % 25)).collect();
    for key in &keys {
        table.put(key, &format!("v{key}")).await.expect("put");
    }
    keys.sort();
    for size in [1, 2, 7, 25, 100] {
        let mut seen: Vec<String> = Vec::new();
        loop {
            let after = seen.last().map(String::as_str);
            let page = table.page(after, size).await.expect("page");
            assert!(page.len() <= size, "a page of {} for {size}", page.len());
            if page.is_empty() {
                break;
            }
            for (key, value) in page {
                assert_eq!(value, format!("v{key}"));
                seen.push(key);
            }
            assert!(seen.len() <= keys.len(), "pages come to an end");
        }
        assert_eq!(seen, keys, "pages of {size}");
    }
    let between = table.page(Some("k10x"), 1).await.expect("page");
    assert_eq!(
        between.first().map(|(key, _)| key.as_str()),
        Some("k11"),
        "a key that is not there"
    );
    assert_eq!(table.page(None, 0).await.expect("page"), []);
    for key in &keys {
        assert!(table.remove(key).await.expect("remove"));
    }
    assert_eq!(table.page(None, 10).await.expect("page"), []);
}
