//! libFuzzer over [`mailcore_fuzz::table`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| mailcore_fuzz::table::body(input));
