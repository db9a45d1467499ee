//! Any bytes, as the conf of a bundle and, behind a NUL, of a configuration.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| conduct_bundle::fuzz::conf(bytes));
