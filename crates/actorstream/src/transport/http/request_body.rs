//! `RequestBody`: the body of a request: JSON, or a form, whose files are read while they are sent.
//!
//! A piece is requested when the connection has accepted the previous one, so a slow server slows down the reading.
//! At most one piece of a file is in memory. Files are read on the runtime's blocking threads.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::task::{Context, Poll, ready};

use actorstream_proto::outcome::error::ErrorKind;
use actorstream_proto::request::multipart::{Form, Segment};
use awc::http::header::HeaderValue;
use bytes::{Bytes, BytesMut};
use tokio::fs::{self, File};
use tokio::io::{AsyncRead, ReadBuf};

/// How much of a file is read at once.
const PIECE: usize = 64 << 10;

/// The body of a request.
#[derive(Debug, Default)]
pub(crate) struct RequestBody {
    parts: VecDeque<Part>,
    length: u64,
}

#[derive(Debug)]
enum Part {
    Bytes(Bytes),
    File(OpenFile),
}

impl RequestBody {
    /// A body of bytes.
    pub(crate) fn bytes(bytes: Bytes) -> Self {
        Self { length: bytes.len() as u64, parts: [Part::Bytes(bytes)].into() }
    }

    /// Opens the files of a form, so that errors are known before anything is sent. Also returns the content type of
    /// the body.
    pub(crate) async fn form(form: &Form) -> Result<(HeaderValue, Self), ErrorKind> {
        let boundary = format!("actorstream-{:032x}", fastrand::u128(..));
        let encoded = form.encode(&boundary);
        let content_type = HeaderValue::from_str(encoded.content_type())
            .map_err(|_| config("the boundary of the form cannot be sent in a header".to_owned()))?;
        let mut body = Self::default();
        for segment in encoded.into_segments() {
            let (part, length) = match segment {
                Segment::Bytes(bytes) => {
                    let length = bytes.len() as u64;
                    (Part::Bytes(bytes), length)
                }
                Segment::File(path) => {
                    let file = OpenFile::open(path).await.map_err(config)?;
                    let length = file.left;
                    (Part::File(file), length)
                }
            };
            body.length = body
                .length
                .checked_add(length)
                .ok_or_else(|| config("the files of the form are too long to be sent".to_owned()))?;
            body.parts.push_back(part);
        }
        Ok((content_type, body))
    }

    /// The length in bytes when it was opened.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Returns the next piece; `None` at the end. After an error in a file, the last bytes of the request are never
    /// sent, so that no server takes it for complete.
    pub(crate) fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, ErrorKind>> {
        loop {
            let piece = match self.parts.front_mut() {
                None => return Poll::Ready(Ok(None)),
                Some(Part::Bytes(bytes)) => std::mem::take(bytes),
                Some(Part::File(file)) => ready!(file.poll_piece(cx)).map_err(config)?,
            };
            if !piece.is_empty() {
                return Poll::Ready(Ok(Some(piece)));
            }
            self.parts.pop_front();
        }
    }
}

/// A file being sent.
#[derive(Debug)]
struct OpenFile {
    path: PathBuf,
    file: File,
    /// The number of unread bytes, counted from the length at opening.
    left: u64,
    piece: BytesMut,
    /// The length of the part of the piece that has been read.
    read: usize,
}

impl OpenFile {
    async fn open(path: PathBuf) -> Result<Self, String> {
        let about = fs::metadata(&path).await.map_err(|error| unreadable(&path, &error))?;
        if !about.is_file() {
            // A pipe can be read only once, and has no length to announce.
            let what = if about.is_dir() { "is a directory" } else { "is not a regular file" };
            return Err(format!(
                "{} {what}: only regular files are sent from disk; bytes of any other origin with FilePart::from_bytes",
                path.display()
            ));
        }
        let mut file = File::open(&path).await.map_err(|error| unreadable(&path, &error))?;
        file.set_max_buf_size(PIECE);
        let left = file.metadata().await.map_err(|error| unreadable(&path, &error))?.len();
        Ok(Self { path, file, left, piece: BytesMut::new(), read: 0 })
    }

    /// Returns the next piece; an empty one at the end of the file.
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, String>> {
        loop {
            // The last piece is held back until the end of the file is confirmed: a file that has grown is not
            // sent as complete.
            let probing = self.left == 0;
            let wanted = if probing { 1 } else { self.left.min((PIECE - self.read) as u64) as usize };
            self.piece.resize(self.read + wanted, 0);
            let mut buffer = ReadBuf::new(&mut self.piece[self.read..]);
            let result = ready!(pin!(&mut self.file).poll_read(cx, &mut buffer));
            let length = buffer.filled().len();
            if let Err(error) = result {
                return Poll::Ready(Err(unreadable(&self.path, &error)));
            }
            match (length, probing) {
                (0, true) => {
                    self.piece.truncate(self.read);
                    self.read = 0;
                    return Poll::Ready(Ok(self.piece.split().freeze()));
                }
                (0, false) => return Poll::Ready(Err(self.changed("shorter"))),
                (_, true) => return Poll::Ready(Err(self.changed("longer"))),
                (length, false) => {
                    self.left -= length as u64;
                    self.read += length;
                    if self.read == PIECE && self.left > 0 {
                        self.read = 0;
                        return Poll::Ready(Ok(self.piece.split().freeze()));
                    }
                }
            }
        }
    }

    fn changed(&self, how: &str) -> String {
        format!(
            "the file {} became {how} while it was sent; send it when it is written whole",
            self.path.display()
        )
    }
}

fn unreadable(path: &Path, error: &io::Error) -> String {
    format!("the file {} cannot be read: {error}", path.display())
}

fn config(message: String) -> ErrorKind {
    ErrorKind::Config { message: message.into() }
}
