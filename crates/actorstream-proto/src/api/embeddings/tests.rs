use serde_json::{from_value, json, to_string, to_value};

use super::*;
use crate::endpoint::event::Event;

#[test]
fn every_field_of_the_api_is_typed_and_has_a_setter() {
    let all = json!({"model": "m", "input": ["a", "b"], "dimensions": 256, "encoding_format": "base64", "user": "u"});
    let request: EmbeddingRequest = from_value(all.clone()).unwrap();
    assert!(request.extra.is_empty());
    assert_eq!(to_value(&request).unwrap(), all);
    let built = EmbeddingRequest::new("m", ["a", "b"]).dimensions(256).encoding_format("base64").user("u");
    assert_eq!(built, request);
}

#[test]
fn a_small_request_is_small_and_a_further_field_replaces_its_own() {
    let request = EmbeddingRequest::new("m", "Hi").field("dimensions", "many").dimensions(3).field("seed", 7);
    assert_eq!(to_string(&request).unwrap(), r#"{"model":"m","input":"Hi","dimensions":"many","seed":7}"#);
}

#[test]
fn a_vector_is_numbers_however_it_is_sent() {
    let read = |vector| {
        let body =
            json!({"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": vector}]});
        let response = Answer::<EmbeddingResponse>::decode_whole(body.to_string().as_bytes()).unwrap();
        response.data[0].embedding.to_f32()
    };
    assert_eq!(read(json!([0.5, -1, 2.0])).unwrap(), [0.5, -1.0, 2.0]);
    assert_eq!(read(json!("AAAAPwAAgL8=")).unwrap(), [0.5, -1.0]);
    read(json!("?")).unwrap_err();
    assert_eq!(read(json!(null)).unwrap(), [0.0; 0]);
}

#[test]
fn what_is_no_list_of_embeddings_says_why() {
    let error = Answer::<EmbeddingResponse>::decode_whole(br#"{"object":"model","id":"x"}"#).unwrap_err();
    assert_eq!(
        error.0,
        "the answer is no list of embeddings: it has no `data`, and says that it is \"model\""
    );
}
