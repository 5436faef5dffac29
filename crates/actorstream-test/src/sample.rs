//! An image and a sound, generated from words.

/// The width and height of the image.
const SIDE: u32 = 96;

/// Samples per second.
const RATE: u32 = 8_000;

/// Samples per tone.
const TONE: u32 = 800;

/// The maximum number of words that become tones.
const WORDS: usize = 40;

/// Returns a PNG with a gradient whose colours depend on the words. A higher sharpness makes finer squares: 0 shows
/// one colour.
pub(crate) fn picture(words: &str, sharpness: u32) -> Vec<u8> {
    let [red, green, blue, _] = hash(words.as_bytes()).to_be_bytes();
    let squares = 1 << sharpness.min(5);
    let mut pixels = Vec::new();
    for y in 0..SIDE {
        pixels.push(0); // no filter
        for x in 0..SIDE {
            let shade = |at: u32| (at * squares / SIDE * 255 / squares) as u8;
            pixels.extend([red ^ shade(x), green ^ shade(y), blue]);
        }
    }
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut header = [SIDE.to_be_bytes(), SIDE.to_be_bytes()].concat();
    header.extend([8, 2, 0, 0, 0]); // 8 bits of red, green and blue each
    section(&mut png, b"IHDR", &header);
    section(&mut png, b"IDAT", &stored(&pixels));
    section(&mut png, b"IEND", &[]);
    png
}

/// Returns a WAV with a tone for each word.
pub(crate) fn sound(words: &str) -> Vec<u8> {
    let mut samples = Vec::new();
    for word in words.split_whitespace().take(WORDS) {
        let pitch = 200.0 + f64::from(hash(word.as_bytes()) % 600);
        for at in 0..TONE {
            let turn = f64::from(at) / f64::from(RATE) * pitch * std::f64::consts::TAU;
            // Starts and ends in silence, so that nothing clicks.
            let loudness = (f64::from(at) / f64::from(TONE) * std::f64::consts::PI).sin();
            samples.extend(((turn.sin() * loudness * 8_000.0) as i16).to_le_bytes());
        }
    }
    let length = samples.len() as u32;
    let mut wav = b"RIFF".to_vec();
    wav.extend((36 + length).to_le_bytes());
    wav.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0"); // bare samples on one channel
    wav.extend(RATE.to_le_bytes());
    wav.extend((RATE * 2).to_le_bytes());
    wav.extend(b"\x02\0\x10\0data"); // of 16 bits each
    wav.extend(length.to_le_bytes());
    wav.extend(samples);
    wav
}

/// FNV-1a.
fn hash(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

/// A section of a PNG.
fn section(png: &mut Vec<u8>, name: &[u8; 4], data: &[u8]) {
    let named = [name, data].concat();
    png.extend((data.len() as u32).to_be_bytes());
    png.extend(&named);
    png.extend(crc32(&named).to_be_bytes());
}

/// Encodes data as zlib, without compression.
fn stored(data: &[u8]) -> Vec<u8> {
    let mut zlib = vec![0x78, 0x01];
    let blocks = data.chunks(0xFFFF);
    let last = blocks.len().saturating_sub(1);
    for (n, block) in blocks.enumerate() {
        let length = block.len() as u16;
        zlib.push(u8::from(n == last));
        zlib.extend(length.to_le_bytes());
        zlib.extend((!length).to_le_bytes());
        zlib.extend(block);
    }
    let (a, b) = data.iter().fold((1_u32, 0_u32), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65_521;
        (a, (b + a) % 65_521)
    });
    zlib.extend(((b << 16) | a).to_be_bytes());
    zlib
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 & 0_u32.wrapping_sub(crc & 1)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert!(stored(b"Wikipedia").ends_with(&0x11E6_0398_u32.to_be_bytes()));
    }

    #[test]
    fn pictures_and_sounds_depend_on_the_words() {
        let picture_of = |words| picture(words, 3);
        assert!(picture_of("a").starts_with(b"\x89PNG") && picture_of("a") != picture_of("b"));
        assert!(picture("a", 0) != picture("a", 1));
        let wav = sound("one two");
        assert_eq!((&wav[..4], wav.len()), (&b"RIFF"[..], 44 + 2 * 2 * TONE as usize));
        assert_eq!(sound("").len(), 44);
    }
}
