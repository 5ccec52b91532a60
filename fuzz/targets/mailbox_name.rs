//! libFuzzer over [`mailcore_fuzz::mailbox_name`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| mailcore_fuzz::mailbox_name::body(input));
