//! Every file of the corpora through its target, without libFuzzer.

use std::fs;
use std::path::Path;

fn replay(target: &str, judge: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let mut replayed = 0;
    for entry in fs::read_dir(corpus).expect("each target has a corpus") {
        let path = entry.expect("the folder can be listed").path();
        // Seen only if the target panics: the file at fault.
        println!("{}", path.display());
        judge(&fs::read(path).expect("the file can be read"));
        replayed += 1;
    }
    assert!(replayed > 0, "the corpus is empty");
}

#[test]
fn request_head_keeps_its_promises() {
    replay("request_head", gorge_fuzz::request_head);
}

#[test]
fn response_head_keeps_its_promises() {
    replay("response_head", gorge_fuzz::response_head);
}

#[test]
fn chunked_body_keeps_its_promises() {
    replay("chunked_body", gorge_fuzz::chunked_body);
}

#[test]
fn proxy_header_keeps_its_promises() {
    replay("proxy_header", gorge_fuzz::proxy_header);
}

#[test]
fn config_keeps_its_promises() {
    replay("config", gorge_fuzz::config);
}

#[test]
fn certificate_keeps_its_promises() {
    replay("certificate", gorge_fuzz::certificate);
}

#[test]
fn ocsp_response_keeps_its_promises() {
    replay("ocsp_response", gorge_fuzz::ocsp_response);
}

/// Without one that is taken, the target would try refusals alone.
#[test]
fn the_seeds_hold_a_good_response() {
    let good = include_bytes!("../corpus/ocsp_response/good.der");
    gorge_fuzz::ocsp_response(good);
    assert!(gorge_fuzz::is_good_response(good));
}
