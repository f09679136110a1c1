//! Origins that others wrote are understood.

mod common;

use common::proxy_to;
use gorge_test_util::{Nginx, PythonOrigin};

#[test]
fn nginx_serves_files_ranges_and_conditions() {
    let nginx = Nginx::start("location / { }");
    let page = "0123456789".repeat(100_000);
    nginx.folder().write("page.txt", &page);
    let proxy = proxy_to(&[nginx.addr()]);
    let mut client = proxy.client();
    client.send("GET /page.txt HTTP/1.1\r\nHost: a\r\n\r\n");
    let whole = client.response();
    assert_eq!((whole.status, whole.text() == page), (200, true));
    client.send("GET /page.txt HTTP/1.1\r\nHost: a\r\nRange: bytes=10-19\r\n\r\n");
    let part = client.response();
    assert_eq!((part.status, part.text().as_str()), (206, "0123456789"));
    let tag = whole.fields.get("etag").unwrap();
    client.send(format!("GET /page.txt HTTP/1.1\r\nHost: a\r\nIf-None-Match: {tag}\r\n\r\n"));
    assert_eq!(client.response().status, 304);
    client.send("HEAD /page.txt HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.response_to("HEAD").fields.get("content-length"), Some("1000000"));
    client.send("GET /missing HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.response().status, 404);
}

#[test]
fn nginx_sends_chunks_and_sees_who_asks() {
    let nginx = Nginx::start(
        "location / { add_header X-Seen \"$http_x_forwarded_for|$http_host|$server_protocol\"; ssi on; ssi_types *; }",
    );
    nginx.folder().write("page.html", "<!--#set var=\"a\" value=\"b\" -->made of <!--#echo var=\"a\" -->");
    let proxy = proxy_to(&[nginx.addr()]);
    let answer = proxy.ask("GET /page.html HTTP/1.1\r\nHost: shop.example\r\n\r\n");
    assert_eq!((answer.text().as_str(), answer.complete), ("made of b", true));
    assert_eq!(answer.fields.get("x-seen"), Some("127.0.0.1|shop.example|HTTP/1.1"));
}

#[test]
fn nginx_reads_a_large_upload() {
    let nginx = Nginx::start("client_max_body_size 0; location / { dav_methods PUT; }");
    let proxy = proxy_to(&[nginx.addr()]);
    let body = "x".repeat(3 << 20);
    let mut client = proxy.client();
    client.send(format!("PUT /kept HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
    let status = client.response().status;
    if status == 405 {
        // A build without the DAV module: nothing of this can be seen there.
        return;
    }
    assert_eq!(status, 201);
    client.send("GET /kept HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(client.response().text() == body);
}

#[test]
fn python_answers_as_http_1_0_and_as_http_1_1() {
    for (version, body) in [("HTTP/1.0", "old"), ("HTTP/1.1", "new")] {
        let origin = PythonOrigin::start(&format!(
            "class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = '{version}'
    def log_message(self, *arguments): pass
    def do_POST(self):
        length = int(self.headers['Content-Length'])
        body = self.rfile.read(length)
        self.send_response(200)
        if self.protocol_version == 'HTTP/1.1':
            self.send_header('Content-Length', str(length + 3))
        self.end_headers()
        self.wfile.write(body + b'{body}')",
        ));
        let proxy = proxy_to(&[origin.addr()]);
        for _ in 0..2 {
            let answer = proxy.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nask-");
            assert_eq!((answer.text(), answer.complete), (format!("ask-{body}"), true));
        }
    }
}
