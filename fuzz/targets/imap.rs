//! libFuzzer over [`mailcore_fuzz::imap`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| mailcore_fuzz::imap::body(input));
