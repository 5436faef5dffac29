//! Responses that arrive before the request was read, or meanwhile.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;

use actix::Actor;
use actorstream::{ChatRequest, TranscriptionRequest};

use crate::common::{Noting, chunk, client, stop, within};

/// More than the buffers of a connection hold.
const LONG: usize = 15 << 20;

const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";

/// Reads the head of a request. Returns the number of body bytes that arrived with it, and the length of the body.
fn read_head(socket: &mut TcpStream) -> (usize, usize) {
    let mut head = Vec::new();
    loop {
        let mut bytes = [0; 1024];
        let len = socket.read(&mut bytes).unwrap();
        assert_ne!(len, 0);
        head.extend_from_slice(&bytes[..len]);
        if let Some(end) = head.windows(4).position(|four| four == b"\r\n\r\n") {
            let text = String::from_utf8_lossy(&head[..end]).to_ascii_lowercase();
            let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            return (head.len() - end - 4, length.parse().unwrap());
        }
    }
}

fn read_exactly(socket: &mut TcpStream, mut left: usize) {
    let mut bytes = vec![0; 1 << 20];
    while left > 0 {
        let most = left.min(bytes.len());
        let len = socket.read(&mut bytes[..most]).unwrap();
        assert_ne!(len, 0, "{left} bytes were not sent");
        left -= len;
    }
}

/// Starts a server for one connection. Also returns its base URL.
fn server(serve: impl FnOnce(TcpStream) + Send + 'static) -> (String, thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    (url, thread::spawn(move || serve(listener.accept().unwrap().0)))
}

/// Waits for the server without blocking the thread, on which the client closes its connection.
async fn joined(served: thread::JoinHandle<()>) {
    within(tokio::task::spawn_blocking(move || served.join())).await.unwrap().unwrap();
}

fn events(data: &[String]) -> String {
    data.iter().map(|data| format!("data: {data}\n\n")).collect()
}

#[actix_rt::test]
async fn a_whole_answer_before_the_request_is_read_is_a_finish() {
    for form in [false, true] {
        let (finish, finished) = mpsc::channel();
        let (url, served) = server(move |mut socket| {
            read_head(&mut socket);
            let text = r#"{"type":"transcript.text.done","text":"Hello"}"#.to_owned();
            let all = if form { events(&[text]) } else { events(&[chunk("Hello"), stop(), "[DONE]".into()]) };
            socket.write_all(HEAD.as_bytes()).unwrap();
            socket.write_all(all.as_bytes()).unwrap();
            // It does not read further until the stream has ended.
            finished.recv().unwrap();
            let mut rest = Vec::new();
            let _ = socket.read_to_end(&mut rest);
            assert!(rest.len() < LONG, "the rest of the request is not sent when the stream has ended");
        });
        if form {
            let file = std::env::temp_dir().join(format!("actorstream-early-{}.mp3", std::process::id()));
            fs::write(&file, vec![7; LONG]).unwrap();
            let request = TranscriptionRequest::new("m", file.as_path());
            let finish = within(client(&url).transcriptions().stream_fn(request, |_| {})).await;
            fs::remove_file(&file).unwrap();
            assert_eq!(finish.unwrap().response.text.as_str(), "Hello");
        } else {
            let request = ChatRequest::new("m").user("x".repeat(LONG));
            let finish =
                within(client(&url).chat().stream(request, Noting::default().start())).await.unwrap();
            assert_eq!((finish.sentinel, finish.response.content()), (true, Some("Hello")));
        }
        finish.send(()).unwrap();
        joined(served).await;
    }
}

#[actix_rt::test]
async fn the_rest_of_a_request_is_sent_while_its_answer_is_read() {
    for form in [false, true] {
        let (url, served) = server(move |mut socket| {
            let (begun, length) = read_head(&mut socket);
            let (first, last) = if form {
                let event = |kind: &str, field: &str| {
                    format!(r#"{{"type":"transcript.text.{kind}","{field}":"Hello"}}"#)
                };
                (events(&[event("delta", "delta")]), events(&[event("done", "text")]))
            } else {
                (events(&[chunk("Hello")]), events(&[stop(), "[DONE]".into()]))
            };
            socket.write_all(HEAD.as_bytes()).unwrap();
            socket.write_all(first.as_bytes()).unwrap();
            read_exactly(&mut socket, length - begun);
            socket.write_all(last.as_bytes()).unwrap();
        });
        if form {
            let file = std::env::temp_dir().join(format!("actorstream-duplex-{}.mp3", std::process::id()));
            fs::write(&file, vec![7; LONG]).unwrap();
            let request = TranscriptionRequest::new("m", file.as_path());
            let finish = within(client(&url).transcriptions().stream_fn(request, |_| {})).await;
            fs::remove_file(&file).unwrap();
            assert_eq!(finish.unwrap().response.text.as_str(), "Hello");
        } else {
            let request = ChatRequest::new("m").user("x".repeat(LONG));
            let finish =
                within(client(&url).chat().stream(request, Noting::default().start())).await.unwrap();
            assert_eq!((finish.sentinel, finish.response.content()), (true, Some("Hello")));
        }
        joined(served).await;
    }
}

#[actix_rt::test]
async fn an_unstreamed_answer_before_the_request_is_read_is_an_answer() {
    let (url, served) = server(|mut socket| {
        let (begun, length) = read_head(&mut socket);
        let body =
            r#"{"id":"c","choices":[{"index":0,"message":{"content":"Hello"},"finish_reason":"stop"}]}"#;
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        socket.write_all(head.as_bytes()).unwrap();
        socket.write_all(&body.as_bytes()[..10]).unwrap();
        read_exactly(&mut socket, (length - begun) / 2);
        socket.write_all(&body.as_bytes()[10..]).unwrap();
        let _ = socket.read_to_end(&mut Vec::new());
    });
    let answer =
        within(client(&url).chat().create(ChatRequest::new("m").user("x".repeat(LONG)))).await.unwrap();
    assert_eq!(answer.response.content(), Some("Hello"));
    joined(served).await;
}
