//! Clients that others wrote are served.

mod common;

use common::{ok, proxy_to};
use gorge_test_util::{Origin, TempFolder, curl, python};

/// Sends every body back.
fn echo() -> Origin {
    Origin::start(|connection| {
        while let Some(request) = connection.next_request() {
            let text = format!("{} {}", request.method, request.text());
            connection.send(ok(&text));
        }
    })
}

#[test]
fn curl_gets_and_posts() {
    let origin = echo();
    let proxy = proxy_to(&[origin.addr()]);
    let url = format!("http://{}/", proxy.addr());
    assert_eq!(curl(&[&url]).succeeded(), "GET ");
    assert_eq!(curl(&["--data", "a=b", &url]).succeeded(), "POST a=b");
    assert_eq!(
        curl(&["--head", "--output", "/dev/null", "--write-out", "%{http_code}", &url]).succeeded(),
        "200"
    );
    assert_eq!(curl(&["--http1.0", &url]).succeeded(), "GET ");
}

#[test]
fn curl_uploads_chunked_and_with_expectation() {
    let origin = echo();
    let proxy = proxy_to(&[origin.addr()]);
    let url = format!("http://{}/", proxy.addr());
    let folder = TempFolder::new();
    let file = folder.write("upload", "x".repeat(2 << 20));
    let upload = file.to_str().unwrap();
    let chunked =
        curl(&["--upload-file", upload, "--header", "Transfer-Encoding: chunked", &url]).succeeded();
    assert_eq!(chunked.len(), "PUT ".len() + (2 << 20));
    let expecting = curl(&["--upload-file", upload, "--header", "Expect: 100-continue", &url]).succeeded();
    assert_eq!(expecting.len(), chunked.len());
}

#[test]
fn curl_reuses_its_connection() {
    let origin = echo();
    let proxy = proxy_to(&[origin.addr()]);
    let url = format!("http://{}/", proxy.addr());
    let connects = curl(&[
        "--output",
        "/dev/null",
        "--output",
        "/dev/null",
        "--write-out",
        "%{num_connects}",
        &url,
        &url,
    ]);
    assert_eq!(connects.succeeded(), "10");
}

#[test]
fn pythons_http_client_keeps_its_connection_and_sends_chunks() {
    let origin = echo();
    let proxy = proxy_to(&[origin.addr()]);
    let script = "
import http.client, sys
connection = http.client.HTTPConnection(sys.argv[1])
for _ in range(3):
    connection.request('GET', '/')
    answer = connection.getresponse()
    print(answer.status, answer.read().decode())
    socket = connection.sock
connection.request('POST', '/', body=iter([b'ab', b'cd']), encode_chunked=True,
                   headers={'Transfer-Encoding': 'chunked'})
print(connection.getresponse().read().decode())
assert connection.sock is socket
";
    let said = python(script, &[&proxy.addr().to_string()]).succeeded();
    assert_eq!(said, "200 GET \n200 GET \n200 GET \nPOST abcd\n");
}
