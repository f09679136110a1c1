//! libFuzzer's way into [`gorge_fuzz::ocsp_response`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| gorge_fuzz::ocsp_response(data));
