//! libFuzzer's way into [`gorge_fuzz::certificate`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| gorge_fuzz::certificate(data));
