use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, from_value, json, to_string, to_value};

use super::*;
use crate::request::multipart::{EntryValue, FilePart, RequestBody, ToRequestBody};

/// Returns every field of a generation that the API documents except `stream`, each with a value.
fn all_fields() -> Value {
    json!({
        "prompt": "An otter",
        "model": "gpt-image-1",
        "background": "transparent",
        "moderation": "low",
        "n": 2,
        "output_compression": 80,
        "output_format": "webp",
        "partial_images": 3,
        "quality": "high",
        "response_format": "b64_json",
        "size": "1536x1024",
        "style": "natural",
        "user": "u-1"
    })
}

/// Returns the same for an edit of images given by reference.
fn all_edit_fields() -> Value {
    json!({
        "prompt": "A hat",
        "images": [{"image_url": "https://a.example/x.png"}, {"file_id": "file-1"}],
        "mask": {"file_id": "file-2"},
        "model": "gpt-image-1",
        "background": "opaque",
        "input_fidelity": "high",
        "moderation": "low",
        "n": 2,
        "output_compression": 80,
        "output_format": "jpeg",
        "partial_images": 1,
        "quality": "low",
        "size": "1024x1024",
        "user": "u-1"
    })
}

fn edit() -> ImageEditRequest {
    ImageEditRequest::new("A hat")
        .model("gpt-image-1")
        .background("opaque")
        .input_fidelity("high")
        .moderation("low")
        .n(2)
        .output_compression(80)
        .output_format("jpeg")
        .partial_images(1)
        .quality("low")
        .size("1024x1024")
        .user("u-1")
}

fn json_body(request: &ImageEditRequest) -> Value {
    match request.to_request_body().unwrap() {
        RequestBody::Json(body) => to_value(&body).unwrap(),
        RequestBody::Multipart(form) => panic!("{form:?}"),
    }
}

/// Returns the fields of the form, each file as its name.
fn form_body(request: &ImageEditRequest) -> Vec<(String, String)> {
    let RequestBody::Multipart(form) = request.to_request_body().unwrap() else { panic!("a form") };
    let text = |value: &EntryValue| match value {
        EntryValue::Text(text) => text.clone(),
        EntryValue::File(file) => format!("<{}>", file.name),
    };
    form.entries().iter().map(|entry| (entry.name.clone(), text(&entry.value))).collect()
}

fn names(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn the_tables_list_the_documented_fields() {
    let documented = "prompt model background moderation n output_compression output_format partial_images quality \
                      response_format size style user";
    assert_eq!(names(&all_fields()), documented.split(' ').collect());
    let documented = "prompt images mask model background input_fidelity moderation n output_compression \
                      output_format partial_images quality size user";
    assert_eq!(names(&all_edit_fields()), documented.split(' ').collect());
}

#[test]
fn every_field_of_a_generation() {
    let request: ImageRequest = from_value(all_fields()).unwrap();
    assert_eq!(request.extra, Map::new());
    assert_eq!(to_value(&request).unwrap(), all_fields());
    let built = ImageRequest::new("An otter")
        .model("gpt-image-1")
        .background(ImageBackground::Transparent)
        .moderation("low")
        .n(2)
        .output_compression(80)
        .output_format("webp")
        .partial_images(3)
        .quality("high")
        .response_format("b64_json")
        .size(ImageSize::Size1536x1024)
        .style("natural")
        .user("u-1");
    assert_eq!(built, request);
}

#[test]
fn a_small_generation_is_small() {
    assert_eq!(to_string(&ImageRequest::new("Hi")).unwrap(), r#"{"prompt":"Hi"}"#);
    let request = ImageRequest::new("Hi").size("1536x864").n(3).field("n", -1).field("seed", 7);
    assert_eq!(to_string(&request).unwrap(), r#"{"prompt":"Hi","size":"1536x864","n":-1,"seed":7}"#);
    let read: ImageRequest = from_value(json!({"prompt": "Hi", "n": null, "style": null})).unwrap();
    assert_eq!(read, ImageRequest::new("Hi"));
}

#[test]
fn an_edit_of_references_is_json() {
    let request = edit()
        .image(InputImage::url("https://a.example/x.png"))
        .images([InputImage::file_id("file-1")])
        .mask(InputImage::file_id("file-2"));
    assert_eq!(json_body(&request), all_edit_fields());
    // The server, not the client, reports a missing image.
    assert_eq!(json_body(&ImageEditRequest::new("p")), json!({"prompt": "p", "images": []}));
    let request = ImageEditRequest::new("p").field("images", json!(["own"])).field("seed", 1);
    assert_eq!(json_body(&request), json!({"prompt": "p", "images": ["own"], "seed": 1}));
}

#[test]
fn an_edit_of_files_is_a_form() {
    let request = edit()
        .response_format("b64_json")
        .image(FilePart::from_bytes("a.png", "A"))
        .image(Path::new("dir/b.png"))
        .mask(PathBuf::from("mask.png"));
    let expected = [
        ("prompt", "A hat"),
        ("n", "2"),
        ("output_compression", "80"),
        ("partial_images", "1"),
        ("model", "gpt-image-1"),
        ("background", "opaque"),
        ("input_fidelity", "high"),
        ("output_format", "jpeg"),
        ("quality", "low"),
        ("response_format", "b64_json"),
        ("size", "1024x1024"),
        ("user", "u-1"),
        ("moderation", "low"),
        ("image[]", "<a.png>"),
        ("image[]", "<b.png>"),
        ("mask", "<mask.png>"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(form_body(&request), expected);
}

#[test]
fn one_file_has_the_name_without_brackets() {
    let request = ImageEditRequest::new("p")
        .n(1)
        .image(FilePart::from_path("a.png"))
        .field("n", Value::Null)
        .field("tags", json!(["x", "y"]));
    let expected = [("prompt", "p"), ("tags[]", "x"), ("tags[]", "y"), ("image", "<a.png>")];
    assert_eq!(form_body(&request), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[test]
fn files_and_references_do_not_mix() {
    let file = || FilePart::from_path("a.png");
    let by_url = || InputImage::url("https://a.example/x.png");
    for request in [
        ImageEditRequest::new("p").image(file()).image(by_url()),
        ImageEditRequest::new("p").image(file()).mask(by_url()),
        ImageEditRequest::new("p").image(by_url()).mask(file()),
    ] {
        assert!(request.to_request_body().is_err());
    }
}

#[test]
fn enums_have_every_documented_value() {
    fn known<T: for<'a> From<&'a str> + std::fmt::Debug>(values: &str) {
        for value in values.split(' ') {
            let read = format!("{:?}", T::from(value));
            assert!(!read.starts_with("Other"), "{read}");
        }
    }
    known::<ImageBackground>("transparent opaque auto");
    known::<ImageModeration>("low auto");
    known::<ImageFormat>("png jpeg webp");
    known::<ImageQuality>("standard hd low medium high xhigh max auto");
    known::<ImageResponseFormat>("url b64_json");
    known::<ImageSize>("auto 1024x1024 1536x1024 1024x1536 256x256 512x512 1792x1024 1024x1792");
    known::<ImageStyle>("vivid natural");
    known::<InputFidelity>("high low");
}
