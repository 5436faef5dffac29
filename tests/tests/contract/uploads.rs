//! Files sent from disk.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::Duration;

use actorstream::{ImageEditRequest, OpenAi, RetryPolicy, Timeout, Timeouts, TranscriptionRequest};
use actorstream_test::{Blackhole, ImageStream, Reply, Script, TranscriptionStream, Upstream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::common::{client, within};

/// More than the buffers of a connection hold.
const LONG: u64 = 64 << 20;

/// A file that is removed on drop.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("actorstream-{}-{name}", std::process::id())))
    }

    fn with(name: &str, content: &[u8]) -> Self {
        let file = Self::new(name);
        fs::write(&file.0, content).unwrap();
        file
    }

    /// Creates a long sparse file of zeros.
    fn long(name: &str) -> Self {
        let file = Self::new(name);
        File::create(&file.0).unwrap().set_len(LONG).unwrap();
        file
    }

    fn set_len(&self, length: u64) {
        OpenOptions::new().write(true).open(&self.0).unwrap().set_len(length).unwrap();
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn transcription(path: &Path) -> TranscriptionRequest {
    TranscriptionRequest::new("gpt-4o-transcribe", path)
}

fn good() -> TranscriptionStream {
    TranscriptionStream::new().text("Hello")
}

/// Accepts a connection and reads the head of its request. Returns the connection, the announced length, and the
/// number of body bytes that arrived with the head.
async fn head(listener: &TcpListener) -> (TcpStream, u64, u64) {
    let (mut socket, _) = within(listener.accept()).await.unwrap();
    let mut head = Vec::new();
    loop {
        assert_ne!(within(socket.read_buf(&mut head)).await.unwrap(), 0);
        if let Some(end) = head.windows(4).position(|four| four == b"\r\n\r\n") {
            let body = head.split_off(end + 4).len() as u64;
            let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
            let (_, rest) = head.split_once("content-length: ").unwrap();
            assert!(!head.contains("transfer-encoding"), "{head}");
            return (socket, rest.split_once("\r\n").unwrap().0.parse().unwrap(), body);
        }
    }
}

/// Returns the number of further bytes until the connection ends, however it ends.
async fn rest(mut socket: TcpStream) -> u64 {
    let mut buffer = vec![0; 1 << 20];
    let mut length = 0;
    while let Ok(more @ 1..) = within(socket.read(&mut buffer)).await {
        length += more as u64;
    }
    length
}

#[actix_rt::test]
async fn a_file_is_sent_to_the_letter_with_its_length() {
    for length in [0, 1, (64 << 10) - 1, 64 << 10, (64 << 10) + 1, 128 << 10, 300_000] {
        let content: Vec<u8> = (0..length).map(|n: usize| (n * 31 / 7) as u8).collect();
        let file = Temporary::with("letter.mp3", &content);
        let upstream = Upstream::start(good());
        within(client(&upstream.base_url()).transcriptions().stream_fn(transcription(&file.0), |_| {}))
            .await
            .unwrap();
        let sent = upstream.request(0).await;
        assert_eq!(sent.header("content-length"), Some(sent.body.len().to_string().as_str()));
        assert_eq!(sent.header("transfer-encoding"), None);
        let part = sent.part("file").unwrap();
        assert!(part.body == content, "{length}");
        assert_eq!(part.content_type.as_deref(), Some("audio/mpeg"));
        assert_eq!(part.file_name.as_deref(), file.0.file_name().unwrap().to_str());
    }
}

#[actix_rt::test]
async fn several_files_are_sent_in_order() {
    let files = [Temporary::with("one.png", b"one"), Temporary::with("two.png", &[2; 100_000])];
    let upstream = Upstream::start(ImageStream::edit().image("three"));
    let request =
        ImageEditRequest::new("Both").images([files[0].0.as_path(), &files[1].0]).mask(files[0].0.as_path());
    let finish = within(client(&upstream.base_url()).image_edits().stream_fn(request, |_| {})).await.unwrap();
    assert_eq!(finish.response.images().len(), 1);
    let parts = upstream.request(0).await.parts().unwrap();
    let sent: Vec<_> = parts.iter().map(|part| (part.name.as_str(), part.body.len())).collect();
    assert_eq!(sent, [("prompt", 4), ("stream", 4), ("image[]", 3), ("image[]", 100_000), ("mask", 3)]);
}

#[actix_rt::test]
async fn a_file_that_cannot_be_sent_is_told_before_anything_is_sent() {
    let upstream = Upstream::start(good());
    let openai = OpenAi::builder().base_url(upstream.base_url()).build().unwrap();
    for (path, why) in [
        ("/nowhere/talk.mp3", "the file /nowhere/talk.mp3 cannot be read: No such file"),
        ("/", "/ is a directory"),
        ("/dev/zero", "/dev/zero is not a regular file"),
    ] {
        let request = transcription(Path::new(path));
        let error = within(openai.transcriptions().stream_fn(&request, |_| {})).await.unwrap_err();
        assert_eq!(error.kind.name(), "config");
        assert!(error.to_string().contains(why), "{error}");
        assert!(!error.is_retryable());
        let error = within(openai.transcriptions().create(&request)).await.unwrap_err();
        assert_eq!(error.kind.name(), "config");
    }
    assert_eq!(upstream.accepted(), 0);
}

#[actix_rt::test]
async fn a_file_that_changes_its_length_is_not_sent_by_half() {
    for (name, length, why) in [("shrinks", LONG / 2, "became shorter"), ("grows", LONG + 1, "became longer")]
    {
        let file = Temporary::long(name);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let openai = client(&format!("http://{}/v1", listener.local_addr().unwrap()));
        let handle = openai.transcriptions().stream_fn(transcription(&file.0), |_| {});
        let (socket, announced, begun) = head(&listener).await;
        // The server stops reading, so the client also stops, and detects the change later.
        file.set_len(length);
        let sent = begun + rest(socket).await;
        assert!(announced > LONG && sent < announced, "{sent} of {announced}");
        let error = within(handle).await.unwrap_err();
        assert_eq!(error.kind.name(), "config");
        assert!(error.to_string().contains(why), "{error}");
    }
}

#[actix_rt::test]
async fn a_retry_reads_the_file_again() {
    let content = vec![7; 200_000];
    let file = Temporary::with("retry.mp3", &content);
    let again = Reply::error(503, "server_error", "busy").header("retry-after-ms", 1);
    let upstream = Upstream::start(Script::sequence([again, good().reply()]));
    let openai = OpenAi::builder().base_url(upstream.base_url()).build().unwrap();
    let finish = within(openai.transcriptions().stream_fn(transcription(&file.0), |_| {})).await.unwrap();
    assert_eq!((finish.attempts, finish.response.text.as_str()), (2, "Hello"));
    for n in 0..2 {
        assert!(upstream.request(n).await.part("file").unwrap().body == content);
    }
}

#[actix_rt::test]
async fn a_kept_connection_that_the_server_closed_is_replaced_under_an_upload() {
    let file = Temporary::with("stale.mp3", &[7; 200_000]);
    let first = Script::sequence([good().reply().split_every(1 << 20), Reply::raw().reset()]);
    let upstream = Upstream::start(Script::by_connection([first, good().into()]));
    let openai = OpenAi::builder().base_url(upstream.base_url()).build().unwrap();
    for _ in 0..2 {
        let finish = within(openai.transcriptions().stream_fn(transcription(&file.0), |_| {})).await.unwrap();
        assert_eq!(finish.attempts, 1, "it is not a retry");
    }
    assert_eq!(upstream.accepted(), 2);
}

#[actix_rt::test]
async fn a_refusal_of_an_upload_is_heard_before_its_end() {
    let file = Temporary::long("refused");
    let refusal = "HTTP/1.1 413 Payload Too Large\r\ncontent-length: 3\r\nconnection: close\r\n\r\nbig";
    for reply in [Reply::raw().bytes(refusal).fin(), Reply::raw().bytes(refusal).hold()] {
        let upstream = Upstream::start(Script::on_accept(reply));
        let call = client(&upstream.base_url()).transcriptions();
        let error = within(call.stream_fn(transcription(&file.0), |_| {})).await.unwrap_err();
        assert_eq!(error.status(), Some(413), "{error}");
    }

    // The rest of the file is not read; otherwise its truncation would be detected.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let openai = client(&format!("http://{}/v1", listener.local_addr().unwrap()));
    let handle = openai.transcriptions().stream_fn(transcription(&file.0), |_| {});
    let (mut socket, ..) = head(&listener).await;
    file.set_len(LONG / 2);
    within(socket.write_all(refusal.as_bytes())).await.unwrap();
    assert_eq!(within(handle).await.unwrap_err().status(), Some(413));
}

#[actix_rt::test]
async fn timeouts_hold_while_a_file_is_sent() {
    let file = Temporary::long("timeouts");
    tokio::time::pause();
    let seconds = Duration::from_secs;
    // The server accepts a part of the body, and then no more.
    let upstream = Upstream::spawn(Script::on_accept(Reply::raw().hold()));
    let openai = |url: String, timeouts: Timeouts| {
        OpenAi::builder().base_url(url).timeouts(timeouts).retry(RetryPolicy::none()).build().unwrap()
    };
    for (timeouts, ran_out) in [
        (Timeouts::default().first_event(seconds(10)), Timeout::FirstEvent),
        (Timeouts::default().total(seconds(10)), Timeout::Total),
    ] {
        let start = tokio::time::Instant::now();
        let call = openai(upstream.base_url(), timeouts).transcriptions();
        let error = call.stream_fn(transcription(&file.0), |_| {}).await.unwrap_err();
        assert_eq!((error.timeout(), start.elapsed().as_secs()), (Some(ran_out), 10));
    }
    let call = openai(upstream.base_url(), Timeouts::default().total(seconds(10))).transcriptions();
    let error = call.create(transcription(&file.0)).await.unwrap_err();
    assert_eq!(error.timeout(), Some(Timeout::Total));

    tokio::time::resume();
    let blackhole = Blackhole::new();
    tokio::time::pause();
    let call = openai(blackhole.base_url(), Timeouts::default().connect(seconds(3))).transcriptions();
    let error = call.stream_fn(transcription(&file.0), |_| {}).await.unwrap_err();
    assert_eq!(error.timeout(), Some(Timeout::Connect));
}

#[actix_rt::test]
async fn cancelling_an_upload_closes_the_connection() {
    let file = Temporary::long("cancelled");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let openai = client(&format!("http://{}/v1", listener.local_addr().unwrap()));
    let handle = openai.transcriptions().stream_fn(transcription(&file.0), |_| {});
    let (socket, announced, begun) = head(&listener).await;
    handle.cancel();
    assert_eq!(within(handle).await.unwrap_err().kind.name(), "cancelled");
    let sent = begun + rest(socket).await;
    assert!(sent < announced, "{sent} of {announced}");
}
