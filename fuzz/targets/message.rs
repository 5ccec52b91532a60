//! libFuzzer over [`mailcore_fuzz::message`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| mailcore_fuzz::message::body(input));
