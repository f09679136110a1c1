//! However the bytes of a client are cut into reads, the same requests come out.

mod common;

use common::{chunk, connection, finish, read_head, respond, run};
use gorge_filter::{Announce, BodyLength};
use gorge_http::{Chunk, RequestHead, ResponseHead, Status};
use gorge_http_server::Settings;
use proptest::prelude::*;

/// What a connection tells of one client, in order.
#[derive(Debug, PartialEq)]
enum Told {
    Head(String),
    Body(Vec<u8>, Option<String>),
    Error(u16),
    Closed,
}

/// Sends `input` in pieces that end at `cuts`, and reads requests until there are no more.
fn tell(input: &[u8], cuts: &[usize]) -> Vec<Told> {
    let mut told = Vec::new();
    run(async {
        let (mut client, mut conn) = connection(Settings::default());
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut % (input.len() + 1)).collect();
        cuts.extend([0, input.len()]);
        cuts.sort_unstable();
        let pieces: Vec<_> = cuts.windows(2).map(|cut| input[cut[0]..cut[1]].to_vec()).collect();
        let sender = tokio::task::spawn_local(async move {
            for piece in pieces {
                // The server may have closed: what it read until then counts.
                let _ = gorge_async_io::StreamExt::write_all(&mut client.stream, &piece).await;
                // Lets the server read what is there.
                tokio::task::yield_now().await;
            }
            gorge_async_io::StreamExt::shutdown(&mut client.stream).await.unwrap();
            client
        });
        let mut head = RequestHead::new();
        loop {
            match read_head(&mut conn, &mut head).await {
                Ok(Some(_)) => {
                    told.push(Told::Head(format!("{} {}", head.method.as_str(), head.uri.as_str())))
                }
                Ok(None) => break told.push(Told::Closed),
                Err(error) => break told.push(Told::Error(error.status())),
            }
            let (mut body, mut trailer) = (Vec::new(), None);
            loop {
                match chunk(&mut conn).await {
                    Ok(Chunk::Data(data)) => body.extend_from_slice(&data),
                    Ok(Chunk::Trailers(fields)) => trailer = fields.get_str("X-T").map(str::to_owned),
                    Ok(Chunk::End) => break told.push(Told::Body(body, trailer)),
                    Err(error) => return told.push(Told::Error(error.status())),
                }
            }
            respond(&mut conn, ResponseHead::new(Status::OK), Announce::body(BodyLength::Empty), "")
                .await
                .unwrap();
            head.clear();
            if !finish(&mut conn).await {
                break;
            }
        }
        drop(conn);
        sender.await.unwrap();
    });
    told
}

fn request() -> impl Strategy<Value = Vec<u8>> {
    let body = prop::collection::vec(any::<u8>(), 0..300);
    let chunked = prop::collection::vec(prop::collection::vec(any::<u8>(), 1..100), 0..4);
    prop_oneof![
        4 => "[a-z]{0,20}".prop_map(|path| format!("GET /{path} HTTP/1.1\r\nHost: h\r\n\r\n").into_bytes()),
        4 => body.prop_map(|body| {
            let mut bytes = format!("POST /l HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes();
            bytes.extend(body);
            bytes
        }),
        4 => (chunked, any::<bool>()).prop_map(|(chunks, trailer)| {
            let mut bytes = b"POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
            for chunk in chunks {
                bytes.extend(format!("{:x};ext\r\n", chunk.len()).bytes());
                bytes.extend(chunk);
                bytes.extend(b"\r\n");
            }
            bytes.extend(if trailer { &b"0\r\nX-T: v\r\n\r\n"[..] } else { b"0\r\n\r\n" });
            bytes
        }),
        1 => Just(b"\r\nGET /after-empty-line HTTP/1.1\r\nHost: h\r\n\r\n".to_vec()),
        1 => Just(b"GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".to_vec()),
        1 => Just(b"BAD HTTP/1.1\r\nHost: h\r\n\r\n".to_vec()),
        1 => Just(b"POST /bad HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n".to_vec()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_split_tells_the_same(
        requests in prop::collection::vec(request(), 1..6),
        cuts in prop::collection::vec(any::<usize>(), 0..30),
        cut_off in 0..20usize,
    ) {
        let mut input = requests.concat();
        // Some clients leave in the middle.
        input.truncate(input.len() - if cut_off < 5 { cut_off.min(input.len()) } else { 0 });
        let whole = tell(&input, &[]);
        prop_assert_eq!(&tell(&input, &cuts), &whole);
        let single: Vec<_> = (0..input.len()).collect();
        prop_assert_eq!(&tell(&input, &single), &whole);
    }
}
