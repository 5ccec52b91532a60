//! libFuzzer over [`mailcore_fuzz::uid_set`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| mailcore_fuzz::uid_set::body(input));
