//! However the bytes of a server are cut into reads, the same answer comes out.

use std::future::poll_fn;
use std::sync::Arc;

use gorge_async_io::StreamExt;
use gorge_filter::{Announce, BodyLength, BodySink, BodySource, ClientStream};
use gorge_http::{Chunk, RequestHead, ResponseHead, Status};
use gorge_http_client::Connection;
use gorge_http_parser::Limits;
use gorge_protocols::virtual_pair;
use proptest::prelude::*;

#[derive(Debug, PartialEq)]
enum Told {
    Head(u16, BodyLength),
    Body(Vec<u8>, Option<String>),
    Error(gorge_error::Kind),
}

/// What a connection tells of `input`, cut at `cuts`, and whether it can be used again.
fn tell(input: &[u8], cuts: &[usize]) -> (Vec<Told>, bool) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut cuts: Vec<_> = cuts.iter().map(|cut| cut % (input.len() + 1)).collect();
    cuts.extend([0, input.len()]);
    cuts.sort_unstable();
    let pieces: Vec<_> = cuts.windows(2).map(|cut| input[cut[0]..cut[1]].to_vec()).collect();
    runtime.block_on(async {
        let (near, mut server) = virtual_pair();
        let mut conn = Connection::new(near, Arc::new(Limits::default()));
        let mut request = RequestHead::new();
        request.headers.append("Host", "h").unwrap();
        conn.send_head(&request, Announce::body(BodyLength::Empty)).unwrap();
        conn.send_chunk(Chunk::End).unwrap();
        poll_fn(|cx| conn.poll_flush(cx)).await.unwrap();
        let sender = tokio::spawn(async move {
            for piece in pieces {
                server.write_all(&piece).await.unwrap();
                // Lets the client read what is there.
                tokio::task::yield_now().await;
            }
            server.shutdown().await.unwrap();
            server
        });
        let told = read(&mut conn).await;
        sender.await.unwrap();
        (told, conn.is_reusable())
    })
}

async fn read(conn: &mut Connection<gorge_protocols::VirtualStream>) -> Vec<Told> {
    let mut told = Vec::new();
    let mut head = ResponseHead::new(Status::OK);
    loop {
        match poll_fn(|cx| conn.poll_head(cx, &mut head)).await {
            Ok(length) => told.push(Told::Head(head.status.as_u16(), length)),
            Err(error) => {
                told.push(Told::Error(error.kind()));
                return told;
            }
        }
        if !head.status.is_informational() {
            break;
        }
    }
    let (mut body, mut trailer) = (Vec::new(), None);
    loop {
        match poll_fn(|cx| conn.poll_chunk(cx)).await {
            Ok(Chunk::Data(data)) => body.extend_from_slice(&data),
            Ok(Chunk::Trailers(fields)) => trailer = fields.get_str("X-T").map(str::to_owned),
            Ok(Chunk::End) => {
                told.push(Told::Body(body, trailer));
                return told;
            }
            Err(error) => {
                told.push(Told::Error(error.kind()));
                return told;
            }
        }
    }
}

fn answer() -> impl Strategy<Value = Vec<u8>> {
    let body = prop::collection::vec(any::<u8>(), 0..300);
    let chunks = prop::collection::vec(prop::collection::vec(any::<u8>(), 1..100), 0..4);
    let last = prop_oneof![
        Just("0\r\n\r\n"),
        Just("0\r\nX-T: v\r\n\r\n"),
        Just("0\r\nX-T : v\r\n\r\n"),
        Just("0\n\r\n"),
        Just(""),
    ];
    prop_oneof![
        (body.clone(), 0..2usize).prop_map(|(body, less)| {
            let length = body.len() + less;
            [format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n").into_bytes(), body].concat()
        }),
        body.prop_map(|body| [b"HTTP/1.1 200 OK\r\nServer: s\r\n\r\n".to_vec(), body].concat()),
        (chunks, last).prop_map(|(chunks, last)| {
            let mut bytes = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
            for chunk in chunks {
                bytes.extend(format!("{:x}\r\n", chunk.len()).bytes());
                bytes.extend(chunk);
                bytes.extend(b"\r\n");
            }
            bytes.extend(last.bytes());
            bytes
        }),
        Just(b"HTTP/1.1 204 No Content\r\nBad Name: x\r\n\r\n".to_vec()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_split_tells_the_same(
        interim in 0..3usize,
        answer in answer(),
        cuts in prop::collection::vec(any::<usize>(), 0..30),
    ) {
        let input = [b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".repeat(interim), answer].concat();
        let (whole, _) = tell(&input, &[]);
        prop_assert_eq!(&tell(&input, &cuts).0, &whole);
        let single: Vec<_> = (0..input.len()).collect();
        prop_assert_eq!(&tell(&input, &single).0, &whole);
    }
}
