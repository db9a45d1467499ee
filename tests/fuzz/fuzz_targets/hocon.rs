//! Any bytes, as HOCON.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| conduct_hocon::fuzz::fuzz_parse(bytes));
