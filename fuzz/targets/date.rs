//! libFuzzer over [`mailcore_fuzz::date`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| mailcore_fuzz::date::body(input));
