use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::*;

/// Returns the body, with each file as its path in angle brackets.
fn body(form: &Form) -> String {
    let mut body = String::new();
    for segment in form.encode("B").into_segments() {
        match segment {
            Segment::Bytes(bytes) => body.push_str(std::str::from_utf8(&bytes).unwrap()),
            Segment::File(path) => body.push_str(&format!("<{}>", path.display())),
        }
    }
    body
}

#[test]
fn a_form_on_the_wire() {
    let form = Form::new()
        .text("model", "whisper-1")
        .file("file", FilePart::from_path("talks/talk.mp3"))
        .file("image[]", FilePart::from_bytes("a.png", &b"PNG"[..]));
    assert_eq!(
        body(&form),
        "--B\r\n\
         Content-Disposition: form-data; name=\"model\"\r\n\
         \r\n\
         whisper-1\r\n\
         --B\r\n\
         Content-Disposition: form-data; name=\"file\"; filename=\"talk.mp3\"\r\n\
         Content-Type: audio/mpeg\r\n\
         \r\n\
         <talks/talk.mp3>\r\n\
         --B\r\n\
         Content-Disposition: form-data; name=\"image[]\"; filename=\"a.png\"\r\n\
         Content-Type: image/png\r\n\
         \r\n\
         PNG\r\n\
         --B--\r\n"
    );
    assert_eq!(body(&Form::new()), "--B--\r\n");
    assert_eq!(form.encode("x-1_").content_type(), "multipart/form-data; boundary=x-1_");
}

#[test]
fn a_form_encodes_the_same_each_time() {
    let form = Form::new().text("a", "1").file("f", FilePart::from_bytes("f", "bytes"));
    assert_eq!(form.encode("B"), form.encode("B"));
    assert_eq!(form.clone().encode("B"), form.encode("B"));
    // The bytes of a file are shared, not copied.
    let bytes = bytes::Bytes::from(vec![7; 1_000]);
    let encoded = Form::new().file("f", FilePart::from_bytes("f", bytes.clone())).encode("B");
    let Segment::Bytes(sent) = &encoded.segments()[1] else { panic!("a file of bytes") };
    assert_eq!(sent.as_ptr(), bytes.as_ptr());
}

#[test]
fn the_length_is_that_of_the_body() {
    let form = Form::new().text("ä", "ö\n").file("f", FilePart::from_path("f.wav"));
    let encoded = form.encode("B");
    let expected = body(&form).replace("<f.wav>", "").len() as u64 + 7;
    assert_eq!(encoded.len(|path| (path == Path::new("f.wav")).then_some(7)), Some(expected));
    assert_eq!(encoded.len(|_| None), None);
    assert_eq!(encoded.len(|_| Some(u64::MAX)), None);
    assert_eq!(Form::new().encode("B").len(|_| None), Some(7));
}

#[test]
fn nothing_in_a_name_or_type_can_end_a_header() {
    let nasty = "a\"; x=\"b\r\nEvil: 1\r\n\r\nbody";
    let form = Form::new()
        .text(nasty, "v")
        .file(nasty, FilePart::from_bytes(nasty, "").content_type("text/plain\r\nEvil: 1\r\n\r\nbody"));
    let escaped = "a%22; x=%22b%0D%0AEvil: 1%0D%0A%0D%0Abody";
    assert_eq!(
        body(&form),
        format!(
            "--B\r\nContent-Disposition: form-data; name=\"{escaped}\"\r\n\r\nv\r\n\
             --B\r\nContent-Disposition: form-data; name=\"{escaped}\"; filename=\"{escaped}\"\r\n\
             Content-Type: text/plainEvil: 1body\r\n\r\n\r\n--B--\r\n"
        )
    );
    // Nothing else is escaped, and values are not changed.
    let form = Form::new().text("ü %22 \\ '", "a\nb\r\"ü\"");
    assert!(body(&form).contains("name=\"ü %22 \\ '\"\r\n\r\na\nb\r\"ü\"\r\n--B--"));
}

#[test]
fn files_by_path_and_by_bytes() {
    let file = FilePart::from_path("dir/talk.WAV");
    assert_eq!((file.name.as_str(), file.media_type()), ("talk.WAV", "audio/wav"));
    assert_eq!(FilePart::from(Path::new("a/b.ogg")), FilePart::from_path("a/b.ogg"));
    assert_eq!(FilePart::from(PathBuf::from("a/b.ogg")), FilePart::from_path("a/b.ogg"));
    assert_eq!(FilePart::from_path("..").name, "file");
    let file = FilePart::from_bytes("blob", vec![1, 2, 3]);
    assert_eq!(file.media_type(), "application/octet-stream");
    assert_eq!(file.clone().name("blob.webp").media_type(), "image/webp");
    assert_eq!(file.clone().content_type("audio/L16").media_type(), "audio/L16");
    assert!(format!("{file:?}").contains("Bytes(3 bytes)"));
    assert!(format!("{:?}", Form::new().encode("B")).contains("Bytes(7 bytes)"));
}

#[test]
fn the_usual_extensions_are_known() {
    for (extensions, kind) in [
        ("aac aif aiff flac m4a mp3 mpga oga ogg opus wav", "audio/"),
        ("mp4 mpeg mpg webm", "video/"),
        ("bmp gif heic jpeg jpg png tif tiff webp", "image/"),
        ("pdf json exe", "application/octet-stream"),
    ] {
        for extension in extensions.split(' ') {
            let file = FilePart::from_bytes(format!("a.b.{extension}"), "");
            assert!(file.media_type().starts_with(kind), "{extension}");
        }
    }
    assert_eq!(FilePart::from_bytes("mp3", "").media_type(), "application/octet-stream");
}

#[test]
fn fields_are_set_before_the_files() {
    let file = FilePart::from_bytes("f", "");
    let mut form = Form::new().text("a", "1").file("f", file.clone()).text("b", "2").text("b", "3");
    form.set("stream", &true);
    form.set("b", "x");
    form.set("gone", &None::<u32>);
    let same = Form::new().text("a", "1").text("stream", "true").file("f", file.clone()).text("b", "x");
    assert_eq!(form, same);
    assert_eq!(form.get::<bool>("stream"), Some(true));
    assert_eq!(form.get::<u32>("a"), Some(1));
    assert_eq!(form.get::<String>("a"), Some("1".into()));
    assert_eq!(form.get::<String>("b"), Some("x".into()));
    assert_eq!(form.get::<u32>("b"), None);
    assert_eq!(form.get::<String>("f"), None);
    form.set("a", &Value::Null);
    form.remove("b");
    form.set("f", &1.5_f32);
    assert_eq!(form, Form::new().text("stream", "true").text("f", "1.5"));
    form.set("stream", "\"quoted\"");
    assert_eq!(form.entries()[0].value, EntryValue::Text("\"quoted\"".into()));
}

#[test]
fn further_fields_replace_typed_ones() {
    let Value::Object(extra) = json!({"b": null, "c[]": ["x", 1], "d": {"k": [1]}, "f": "text", "e": [2]})
    else {
        panic!("an object")
    };
    let file = FilePart::from_bytes("f", "");
    let mut out = FormWriter::new(&extra);
    out.required("a", "1");
    out.required("b", "1");
    out.optional("d", &Some(1));
    out.optional("g", &None::<u32>);
    out.list("c", &["1"]);
    out.list("h", &["1", "2"]);
    let form = out.finish([("f", &file), ("i[]", &file)]);
    let same = Form::new()
        .text("a", "1")
        .text("h[]", "1")
        .text("h[]", "2")
        .text("c[]", "x")
        .text("c[]", "1")
        .text("d", r#"{"k":[1]}"#)
        .text("f", "text")
        .text("e[]", "2")
        .file("i[]", file.clone());
    assert_eq!(form, same);
    assert_eq!(FormWriter::new(&Map::new()).finish([]), Form::new());
}

#[test]
fn every_request_says_what_body_it_has() {
    let mut body = json!({"model": "m"}).to_request_body().unwrap();
    body.set("stream", &true);
    assert_eq!(body.get::<bool>("stream"), Some(true));
    body.remove("model");
    assert!(matches!(&body, RequestBody::Json(body) if body.to_bytes() == r#"{"stream":true}"#));

    let form = Form::new().text("model", "m");
    let mut body = form.to_request_body().unwrap();
    assert!(matches!((&&form).to_request_body().unwrap(), RequestBody::Multipart(_)));
    body.set("stream", &true);
    body.remove("model");
    assert_eq!(body.get::<bool>("stream"), Some(true));
    assert!(matches!(&body, RequestBody::Multipart(form) if form.entries().len() == 1));

    assert!(
        matches!(body.to_request_body().unwrap(), RequestBody::Multipart(same) if same.entries().len() == 1)
    );

    assert!(json!([1]).to_request_body().is_err());
    assert!("x".to_request_body().is_err());
}

#[test]
fn a_count_is_a_number_however_it_is_written() {
    for (n, count) in [
        (json!(2), 2),
        (json!(2.0), 2),
        (json!(2e0), 2),
        (json!(0), 0),
        (json!(2.5), 1),
        (json!(-1), 1),
        (json!(null), 1),
        (json!("two"), 1),
    ] {
        assert_eq!(json!({ "n": n }).to_request_body().unwrap().count("n"), count, "{n}");
    }
    for (n, count) in [("3", 3), ("3.0", 3), ("x", 1)] {
        assert_eq!(Form::new().text("n", n).to_request_body().unwrap().count("n"), count, "{n}");
    }
    assert_eq!(json!({}).to_request_body().unwrap().count("n"), 1);
}
