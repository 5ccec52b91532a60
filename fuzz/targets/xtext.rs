//! libFuzzer over [`mailcore_fuzz::xtext`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| mailcore_fuzz::xtext::body(input));
