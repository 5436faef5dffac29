use std::collections::VecDeque;
use std::io::Write;

use brotli::CompressorWriter;
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

use super::*;

/// The encodings under test: the codings, with `deflate` split into zlib and raw deflate.
const WAYS: [&str; 5] = ["gzip", "zlib", "deflate", "br", "zstd"];

/// Encodes pieces, each of which is flushed; ends the data only if they are `complete`.
fn pieces(way: &str, pieces: &[&[u8]], complete: bool) -> Vec<Vec<u8>> {
    fn run<W: Write>(
        mut encoder: W,
        pieces: &[&[u8]],
        written: impl Fn(&W) -> Vec<u8>,
        finish: Option<impl FnOnce(W) -> Vec<u8>>,
    ) -> Vec<Vec<u8>> {
        let mut before = 0;
        let mut coded = Vec::new();
        for piece in pieces {
            encoder.write_all(piece).unwrap();
            encoder.flush().unwrap();
            let whole = written(&encoder);
            coded.push(whole[before..].to_vec());
            before = whole.len();
        }
        if let Some(finish) = finish {
            coded.push(finish(encoder)[before..].to_vec());
        }
        coded
    }
    let level = Compression::default;
    match way {
        "gzip" => {
            let finish = complete.then_some(|encoder: GzEncoder<Vec<u8>>| encoder.finish().unwrap());
            run(GzEncoder::new(Vec::new(), level()), pieces, |encoder| encoder.get_ref().clone(), finish)
        }
        "zlib" => {
            let finish = complete.then_some(|encoder: ZlibEncoder<Vec<u8>>| encoder.finish().unwrap());
            run(ZlibEncoder::new(Vec::new(), level()), pieces, |encoder| encoder.get_ref().clone(), finish)
        }
        "deflate" => {
            let finish = complete.then_some(|encoder: DeflateEncoder<Vec<u8>>| encoder.finish().unwrap());
            run(DeflateEncoder::new(Vec::new(), level()), pieces, |encoder| encoder.get_ref().clone(), finish)
        }
        "br" => {
            let finish = complete.then_some(|encoder: CompressorWriter<Vec<u8>>| encoder.into_inner());
            let encoder = CompressorWriter::new(Vec::new(), 4096, 5, 22);
            run(encoder, pieces, |encoder| encoder.get_ref().clone(), finish)
        }
        "zstd" => {
            type Encoder = zstd::stream::write::Encoder<'static, Vec<u8>>;
            let mut encoder = Encoder::new(Vec::new(), 3).unwrap();
            encoder.include_checksum(true).unwrap();
            let finish = complete.then_some(|encoder: Encoder| encoder.finish().unwrap());
            run(encoder, pieces, |encoder| encoder.get_ref().clone(), finish)
        }
        other => panic!("{other}"),
    }
}

fn encode(way: &str, data: &[u8]) -> Vec<u8> {
    pieces(way, &[data], true).concat()
}

/// Returns a decoder for these encodings, which were applied in this order.
fn decoder(ways: &[&str]) -> BodyDecoder {
    let codings: Vec<&str> = ways.iter().map(|way| if *way == "zlib" { "deflate" } else { way }).collect();
    BodyDecoder::new(ContentCoding::parse_list(&codings.join(",")).unwrap()).unwrap()
}

/// Returns everything decoded from the next pieces of a coded body, and the end, if it is reached.
fn feed(decoder: &mut BodyDecoder, coded: impl IntoIterator<Item = Piece>) -> (Vec<u8>, Option<BodyEnd>) {
    let mut coded: VecDeque<Piece> = coded.into_iter().collect();
    let mut whole = Vec::new();
    loop {
        let before = whole.len();
        while let Some(piece) = decoder.next(|| coded.pop_front()) {
            match piece {
                Piece::Bytes(bytes) => whole.extend_from_slice(&bytes),
                Piece::End(end) => return (whole, Some(end)),
            }
        }
        assert!(whole.len() - before <= DECODED_AHEAD);
        if !decoder.has_more() {
            assert!(coded.is_empty());
            return (whole, None);
        }
        decoder.begin_read();
    }
}

/// Decodes a body that arrives in these reads and ends after them.
fn decode<'a>(ways: &[&str], reads: impl IntoIterator<Item = &'a [u8]>) -> (Vec<u8>, BodyEnd) {
    let mut decoder = decoder(ways);
    let mut whole = Vec::new();
    for read in reads {
        let (bytes, end) = feed(&mut decoder, [Piece::Bytes(Bytes::copy_from_slice(read))]);
        whole.extend(bytes);
        if let Some(end) = end {
            return (whole, end);
        }
    }
    let (bytes, end) = feed(&mut decoder, [Piece::End(BodyEnd::Clean)]);
    whole.extend(bytes);
    (whole, end.expect("no end"))
}

#[track_caller]
fn assert_cut(end: &BodyEnd, why: &str) {
    let BodyEnd::Cut(detail) = end else { panic!("{end:?}") };
    assert!(detail.contains(why), "{detail}");
}

/// An event stream.
fn events() -> String {
    (0..40).map(|n| format!("data: {{\"n\":{n},\"text\":\"{}\"}}\n\n", "word ".repeat(n % 7))).collect()
}

#[test]
fn any_split_of_a_coded_body_is_the_same_body() {
    let events = events();
    for way in WAYS {
        let coded = encode(way, events.as_bytes());
        let whole = (events.clone().into_bytes(), BodyEnd::Clean);
        for at in 0..=coded.len() {
            assert_eq!(decode(&[way], [&coded[..at], &coded[at..]]), whole, "{way} cut at {at}");
        }
        assert_eq!(decode(&[way], coded.chunks(1)), whole, "{way} byte by byte");
    }
}

#[test]
fn what_is_flushed_is_decoded_before_the_next_read() {
    let first = events();
    let all: Vec<&[u8]> = first.split_inclusive("\n\n").map(str::as_bytes).collect();
    for way in WAYS {
        let mut decoder = decoder(&[way]);
        for (event, coded) in all.iter().zip(pieces(way, &all, false)) {
            let (bytes, end) = feed(&mut decoder, [Piece::Bytes(coded.into())]);
            assert_eq!((&*bytes, end), (*event, None), "{way}");
        }
    }
}

#[test]
fn what_is_flushed_through_two_codings_is_decoded_before_the_next_read() {
    let first = events();
    let all: Vec<&[u8]> = first.split_inclusive("\n\n").map(str::as_bytes).collect();
    for inner in WAYS {
        for outer in WAYS {
            let packed = pieces(inner, &all, false);
            let packed: Vec<&[u8]> = packed.iter().map(Vec::as_slice).collect();
            let mut decoder = decoder(&[inner, outer]);
            for (event, coded) in all.iter().zip(pieces(outer, &packed, false)) {
                let (bytes, end) = feed(&mut decoder, [Piece::Bytes(coded.into())]);
                assert_eq!((&*bytes, end), (*event, None), "{outer} of {inner}");
            }
        }
    }
}

#[test]
fn a_body_that_is_cut_anywhere_is_cut() {
    let events = events();
    for way in WAYS {
        let coded = encode(way, events.as_bytes());
        for len in 1..coded.len() {
            let (whole, end) = decode(&[way], [&coded[..len]]);
            assert!(events.as_bytes().starts_with(&whole), "{way} to {len}");
            assert_cut(&end, "the body ended in the middle of its");
            // If the connection broke, that is reported instead.
            let mut decoder = decoder(&[way]);
            let reset = BodyEnd::Cut("reset".into());
            let read = [Piece::Bytes(coded[..len].to_vec().into()), Piece::End(reset.clone())];
            assert_eq!(feed(&mut decoder, read), (whole, Some(reset)), "{way} to {len}");
        }
        assert_eq!(decode(&[way], []), (vec![], BodyEnd::Clean), "{way}");
    }
}

#[test]
fn each_coding_of_several_must_end() {
    let inner = pieces("gzip", &[b"Hello"], false).concat();
    let (whole, end) = decode(&["gzip", "br"], [&*encode("br", &inner)]);
    assert_eq!(whole, b"Hello");
    assert_cut(&end, "the body ended in the middle of its gzip data");
}

#[test]
fn members_and_frames_follow_one_another_and_what_else_follows_does_not_count() {
    for way in WAYS {
        let one = encode(way, b"Hello, ");
        let hello = |rest: &[u8]| [&*one, rest].concat();
        let (whole, end) = decode(&[way], hello(&encode(way, b"world")).chunks(1));
        let both = matches!(way, "gzip" | "zstd");
        assert_eq!(whole, if both { &b"Hello, world"[..] } else { b"Hello, " }, "{way}");
        assert_eq!(end, BodyEnd::Clean);
        for garbage in
            [&b"\0\0\0\0"[..], b"\n", b"\x1f", b"\x28\xb5", b"data: x\n\n", b"\xff\xff\xff\xff\xff\xff"]
        {
            let garbage = hello(garbage);
            for reads in [vec![&*garbage], garbage.chunks(1).collect()] {
                assert_eq!(decode(&[way], reads), (b"Hello, ".to_vec(), BodyEnd::Clean), "{way}");
            }
        }
    }
    // A skippable zstd frame contains nothing of the body.
    let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3], &*encode("zstd", b"Hello")].concat();
    assert_eq!(decode(&["zstd"], skippable.chunks(1)), (b"Hello".to_vec(), BodyEnd::Clean));
}

#[test]
fn plain_bodies_stay_as_they_are() {
    for way in WAYS {
        for body in [&*events(), "{\"error\":{\"message\":\"é\"}}", "{}", ""] {
            let whole = (body.as_bytes().to_vec(), BodyEnd::Clean);
            assert_eq!(decode(&[way], [body.as_bytes()]), whole, "{way}");
            assert_eq!(decode(&[way], body.as_bytes().chunks(1)), whole, "{way}");
            // A proxy has already removed one of two codings.
            let coded = encode("gzip", body.as_bytes());
            assert_eq!(decode(&["gzip", "zstd"], [&*coded]), whole, "{way}");
        }
    }
}

#[test]
fn a_checksum_that_is_wrong_is_corrupt() {
    let events = events();
    for (way, header) in [("gzip", 10), ("zlib", 2), ("zstd", 6)] {
        let coded = encode(way, events.as_bytes());
        for at in header..coded.len() {
            let mut damaged = coded.clone();
            damaged[at] ^= 0x10;
            let (whole, end) = decode(&[way], [&*damaged]);
            match end {
                // The damaged byte did not affect the content.
                BodyEnd::Clean => assert_eq!(whole, events.as_bytes(), "{way} at {at}"),
                end @ BodyEnd::Cut(_) => assert_cut(&end, if way == "zlib" { "deflate" } else { way }),
            }
        }
    }
    // Codings without a checksum: damage in the middle of the data, and right after the first bytes.
    let mut damaged = encode("br", events.as_bytes());
    damaged.truncate(40);
    damaged.extend([0xff; 400]);
    assert_cut(&decode(&["br"], [&*damaged]).1, "its br data are corrupt");
    let (whole, end) = decode(&["deflate"], [&b"\xff\xff\xff"[..]]);
    assert!(whole.is_empty());
    assert_cut(&end, "the body broke: its deflate data are corrupt");
}

#[test]
fn what_stands_before_corrupt_data_is_decoded() {
    for way in WAYS {
        let mut coded = pieces(way, &[b"Hello"], false).concat();
        coded.extend([0xff; 200]);
        let (whole, end) = decode(&[way], [&coded[..coded.len() - 200], &coded[coded.len() - 200..]]);
        assert!(whole.starts_with(b"Hello"), "{way}");
        assert_cut(&end, "are corrupt");
    }
}

#[test]
fn little_is_decoded_for_each_read_of_a_body_that_decodes_to_much() {
    const MUCH: usize = 4 << 20;
    for way in WAYS {
        let coded = encode(way, &vec![b'a'; MUCH]);
        assert!(coded.len() < MUCH / 500, "{way}: {}", coded.len());
        let mut decoder = decoder(&[way]);
        let mut coded = VecDeque::from([Piece::Bytes(coded.into()), Piece::End(BodyEnd::Clean)]);
        let (mut reads, mut len) = (0, 0);
        let end = 'read: loop {
            decoder.begin_read();
            reads += 1;
            let mut of_read = 0;
            while let Some(piece) = decoder.next(|| coded.pop_front()) {
                match piece {
                    Piece::Bytes(bytes) => of_read += bytes.len(),
                    Piece::End(end) => {
                        len += of_read;
                        break 'read end;
                    }
                }
            }
            assert!(of_read <= DECODED_AHEAD && decoder.has_more(), "{way}: {of_read}");
            len += of_read;
        };
        assert_eq!((len, end), (MUCH, BodyEnd::Clean), "{way}");
        assert!(reads >= MUCH / DECODED_AHEAD, "{way}: {reads}");
    }
}

/// Many empty frames compress to very few bytes.
#[test]
fn what_lies_between_two_codings_counts_as_decoded() {
    for (len, frames) in [(4088_u32, 500_usize), (0, 20_000)] {
        let mut frame = vec![0x50, 0x2a, 0x4d, 0x18];
        frame.extend(len.to_le_bytes());
        frame.resize(frame.len() + len as usize, 0);
        let nothing = frame.repeat(frames);
        let coded = encode("gzip", &nothing);
        let mut decoder = decoder(&["zstd", "gzip"]);
        let mut coded = VecDeque::from([Piece::Bytes(coded.into())]);
        for _ in 0..nothing.len() / DECODED_AHEAD - 1 {
            decoder.begin_read();
            // The arrival of bytes is reported once, even if they decode to nothing.
            if let Some(piece) = decoder.next(|| coded.pop_front()) {
                assert!(matches!(piece, Piece::Bytes(bytes) if bytes.is_empty()));
            }
            assert!(decoder.next(|| coded.pop_front()).is_none());
            assert!(decoder.has_more());
        }
    }
}

/// Each member needs a new decoder.
#[test]
fn few_members_are_decoded_for_each_read() {
    for way in ["gzip", "zstd"] {
        let mut decoder = decoder(&[way]);
        let mut coded = VecDeque::from([Piece::Bytes(encode(way, b"").repeat(1000).into())]);
        let mut reads = 0;
        loop {
            decoder.begin_read();
            reads += 1;
            while decoder.next(|| coded.pop_front()).is_some() {}
            if !decoder.has_more() {
                break;
            }
        }
        assert_eq!(reads, (1000 * MEMBER).div_ceil(DECODED_AHEAD), "{way}");
    }
}

#[test]
fn bytes_that_let_none_out_are_a_sign_of_life() {
    let coded = encode("gzip", b"Hello");
    let mut decoder = decoder(&["gzip"]);
    for read in coded[..10].chunks(2) {
        let mut read = VecDeque::from([Piece::Bytes(read.to_vec().into())]);
        let piece = decoder.next(|| read.pop_front());
        assert!(matches!(piece, Some(Piece::Bytes(bytes)) if bytes.is_empty()));
        assert!(decoder.next(|| read.pop_front()).is_none());
    }
}

#[test]
fn windows_beyond_those_of_http_are_refused() {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
    encoder.window_log(24).unwrap();
    encoder.write_all(b"Hello").unwrap();
    let (whole, end) = decode(&["zstd"], [&*encoder.finish().unwrap()]);
    assert!(whole.is_empty());
    assert_cut(&end, "its zstd data are corrupt");
    let mut coded = Vec::new();
    let params = brotli::enc::BrotliEncoderParams { large_window: true, lgwin: 28, ..Default::default() };
    brotli::BrotliCompress(&mut &vec![b'a'; 1 << 20][..], &mut coded, &params).unwrap();
    let (whole, end) = decode(&["br"], [&*coded]);
    assert!(whole.is_empty());
    assert_cut(&end, "its br data are corrupt");
}

#[test]
fn whatever_is_encoded_in_whatever_way_and_reads_is_decoded() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..100 {
        let most = *random.choice(&[0, 1, 20, 3000, 100_000]).unwrap();
        let len = random.usize(0..=most);
        let letters = random.choice(&[b'a'..=b'b', b' '..=b'~', 0x80..=0xff]).unwrap().clone();
        let data: Vec<u8> = std::iter::repeat_with(|| random.u8(letters.clone())).take(len).collect();
        let ways: Vec<&str> = (0..random.usize(1..=3)).map(|_| *random.choice(&WAYS).unwrap()).collect();
        let mut coded = data.clone();
        for way in &ways {
            let mut flushed = Vec::new();
            let mut rest = &*coded;
            while !rest.is_empty() {
                let (piece, behind) = rest.split_at(random.usize(1..=rest.len()));
                flushed.push(piece);
                rest = behind;
            }
            coded = pieces(way, &flushed, true).concat();
        }
        let mut reads = Vec::new();
        let mut rest = &*coded;
        let most = *random.choice(&[1, 30, 1000, 32 << 10]).unwrap();
        while !rest.is_empty() {
            let (read, behind) = rest.split_at(random.usize(1..=most).min(rest.len()));
            reads.push(read);
            rest = behind;
        }
        let decoded = decode(&ways, reads);
        assert!(decoded == (data, BodyEnd::Clean), "seed {seed}, {ways:?}, {:?}", decoded.1);
    }
}
