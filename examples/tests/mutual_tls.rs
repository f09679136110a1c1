//! The example `mutual_tls` shows and demands certificates on both sides.
#![cfg(feature = "openssl")]

mod common;

use gorge_test_util::{Authority, ClientTls, Nginx, ServerTls, TempFolder, curl_tls};

#[test]
fn both_sides_show_certificates() {
    let (folder, root) = (TempFolder::new(), Authority::new("root"));
    let origin = Nginx::start_tls(
        &ServerTls::new(&root.leaf(&["app.internal"]).make()).client_required(&root),
        "return 200 \"$ssl_client_s_dn told $http_x_client\";",
    );
    let own = root.leaf(&["localhost"]).common_name("proxy").for_both().make();
    let (certificate, key) = own.write(&folder);
    let text = |path: std::path::PathBuf| path.to_str().expect("a plain name").to_owned();
    let words = [
        origin.addr().to_string(),
        "app.internal".to_owned(),
        text(certificate),
        text(key),
        text(root.write(&folder)),
    ];
    let program = common::start_with("mutual_tls", &words);
    let client = || ClientTls::new("localhost").trusting(&root);
    let alice = root.client("alice").make();
    let answer = curl_tls(program.addr(), &client().identity(&alice), "/", &["-H", "X-Client: CN=root"]);
    assert_eq!(answer.stdout, "CN=proxy told CN=alice", "{answer:?}");
    assert!(!curl_tls(program.addr(), &client(), "/", &[]).status.success());
}
