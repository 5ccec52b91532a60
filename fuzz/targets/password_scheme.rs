//! libFuzzer over [`mailcore_fuzz::password_scheme`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| mailcore_fuzz::password_scheme::body(input));
