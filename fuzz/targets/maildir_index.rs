//! libFuzzer over [`mailcore_fuzz::maildir_index`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| mailcore_fuzz::maildir_index::body(input));
