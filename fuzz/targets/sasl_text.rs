//! libFuzzer over [`mailcore_fuzz::sasl_text`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| mailcore_fuzz::sasl_text::body(input));
