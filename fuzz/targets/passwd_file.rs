//! libFuzzer over [`mailcore_fuzz::passwd_file`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| mailcore_fuzz::passwd_file::body(input));
