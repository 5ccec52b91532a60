//! libFuzzer over [`mailcore_fuzz::line_ends`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| mailcore_fuzz::line_ends::body(input));
