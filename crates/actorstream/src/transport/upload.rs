//! `Upload`: the body of a form, whose files are read while they are sent.
//!
//! awc asks for more when the connection has taken what it had, so a slow server holds back the reading. Nothing more
//! than one piece of a file is in memory. The reading itself is done on the runtime's threads for blocking work.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use actix_http::body::{BodySize, MessageBody};
use actorstream_proto::error::ErrorKind;
use actorstream_proto::multipart::{Form, Segment};
use awc::http::header::HeaderValue;
use bytes::{Bytes, BytesMut};
use tokio::fs::{self, File};
use tokio::io::{AsyncRead, ReadBuf};

use super::Exchange;

/// How much is read, or handed to the connection, at once.
const PIECE: usize = 64 << 10;

/// What takes the place of the rest of a body that the server does not read any more.
static NOTHING: [u8; PIECE] = [0; PIECE];

/// How many bytes of it are dropped before other tasks get their turn.
const TURN: u64 = 1 << 20;

/// The body of a form.
pub(super) struct Upload {
    parts: VecDeque<Part>,
    /// What has not been handed out yet, in bytes.
    left: u64,
    /// How many bytes were dropped since other tasks had their turn.
    dropped: u64,
    exchange: Rc<Exchange>,
}

enum Part {
    Bytes(Bytes),
    File(OpenFile),
}

impl Upload {
    /// Opens the files of a form, so that whatever is wrong with one is known before anything is sent. Gives the content
    /// type of the body too.
    pub(super) async fn open(form: &Form, exchange: &Rc<Exchange>) -> Result<(HeaderValue, Self), ErrorKind> {
        let boundary = format!("actorstream-{:032x}", fastrand::u128(..));
        let encoded = form.encode(&boundary);
        let content_type = HeaderValue::from_str(encoded.content_type())
            .map_err(|_| config("the boundary of the form cannot be sent in a header".to_owned()))?;
        let mut upload = Self { parts: VecDeque::new(), left: 0, dropped: 0, exchange: Rc::clone(exchange) };
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
            upload.left = upload
                .left
                .checked_add(length)
                .ok_or_else(|| config("the files of the form are too long to be sent".to_owned()))?;
            upload.parts.push_back(part);
        }
        Ok((content_type, upload))
    }

    /// Drops what the server does not read any more. awc wants as many bytes as it was told of, whatever they are.
    fn poll_drop(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        self.parts.clear();
        if self.left == 0 {
            return Poll::Ready(None);
        }
        if self.dropped >= TURN {
            self.dropped = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let length = self.left.min(PIECE as u64);
        self.dropped += length;
        self.left -= length;
        Poll::Ready(Some(Bytes::from_static(&NOTHING[..length as usize])))
    }
}

impl MessageBody for Upload {
    type Error = io::Error;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.left)
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, io::Error>>> {
        loop {
            if self.exchange.write_off.get() {
                return self.poll_drop(cx).map(|piece| piece.map(Ok));
            }
            let piece = match self.parts.front_mut() {
                None => return Poll::Ready(None),
                Some(Part::Bytes(bytes)) => Ok(bytes.split_to(bytes.len().min(PIECE))),
                Some(Part::File(file)) => ready!(file.poll_piece(cx)),
            };
            match piece {
                Ok(piece) if piece.is_empty() => drop(self.parts.pop_front()),
                Ok(piece) => {
                    self.left -= piece.len() as u64;
                    return Poll::Ready(Some(Ok(piece)));
                }
                Err(message) => {
                    // Without its last bytes the request is none, so no server takes it for a whole one.
                    self.exchange.fail(config(message.clone()));
                    return Poll::Ready(Some(Err(io::Error::other(message))));
                }
            }
        }
    }
}

/// A file that is sent.
struct OpenFile {
    path: PathBuf,
    file: File,
    /// How much of the length that it had when it was opened has not been read.
    left: u64,
    piece: BytesMut,
    /// How much of the piece has been read.
    read: usize,
}

impl OpenFile {
    async fn open(path: PathBuf) -> Result<Self, String> {
        let about = fs::metadata(&path).await.map_err(|error| unreadable(&path, &error))?;
        if !about.is_file() {
            // A pipe could be read only once, and has no length to announce.
            let what = if about.is_dir() { "is a directory" } else { "is no regular file" };
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

    /// The next piece; an empty one when the file is at its end.
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, String>> {
        loop {
            // The last piece is held until the end of the file is seen: one that has grown is not sent as if it were whole.
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
