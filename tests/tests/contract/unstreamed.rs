//! Endpoints that do not stream: embeddings, moderations, models, files and input token counts.

use std::time::Duration;

use actorstream::proto::api::moderations::ModerationRequestInputItem;
use actorstream::{
    EmbeddingRequest, ErrorKind, FileListRequest, FilePart, FileRequest, InputTokenCountRequest, Limits,
    ModerationRequest, Timeout, Timeouts,
};
use actorstream_test::{Reply, Upstream};
use serde_json::{Value, json};

use crate::common::{client, within};

fn answering(answer: &Value) -> Upstream {
    Upstream::start(Reply::json(200, answer))
}

#[actix_rt::test]
async fn embeddings_are_vectors_and_a_stream_of_them_has_one_event() {
    let upstream = answering(
        &json!({"object": "list", "model": "m", "new": 1, "usage": {"prompt_tokens": 2, "total_tokens": 2},
        "data": [{"object": "embedding", "index": 0, "embedding": [0.5, -1]}]}),
    );
    let openai = client(&upstream.base_url());
    let request = EmbeddingRequest::new("m", ["Hi", "there"]).dimensions(2).field("input_type", "query");
    let finish = within(openai.embeddings().header("x-trace", "1").create(&request)).await.unwrap();
    assert_eq!(finish.response.data[0].embedding.to_f32().unwrap(), [0.5, -1.0]);
    assert_eq!((finish.response.usage.total_tokens, finish.response.extra.get("new")), (2, Some(&json!(1))));
    let sent = upstream.request(0).await;
    assert_eq!((sent.method.as_str(), sent.path.as_str()), ("POST", "/v1/embeddings"));
    assert_eq!(sent.header("x-trace"), Some("1"));
    assert_eq!(
        sent.json(),
        json!({"model": "m", "input": ["Hi", "there"], "dimensions": 2, "input_type": "query"})
    );
    let mut events = 0;
    let handle = openai.embeddings().stream_fn(&request, move |event| {
        if let actorstream::StreamEvent::Data(_) = event {
            events += 1;
            assert_eq!(events, 1);
        }
    });
    assert_eq!(within(handle).await.unwrap().response.data.len(), 1);
    assert!(upstream.request(1).await.json().get("stream").is_none());
}

#[actix_rt::test]
async fn a_moderation_has_every_category() {
    let verdict = json!({"flagged": true, "categories": {"violence": true, "self-harm/intent": false, "illicit": null},
        "category_scores": {"violence": 0.9}, "category_applied_input_types": {"violence": ["text", "image"]}});
    let upstream = answering(&json!({"id": "modr-1", "model": "m", "results": [verdict]}));
    let image = ModerationRequestInputItem::image("data:image/png;base64,AA==");
    let request = ModerationRequest::new(vec![image]).model("m");
    let finish = within(client(&upstream.base_url()).moderations().create(&request)).await.unwrap();
    let result = &finish.response.results[0];
    assert!(result.flagged && result.categories.violence && !result.categories.self_harm_intent);
    assert_eq!(result.category_scores.violence.as_ref().unwrap().as_f64(), Some(0.9));
    assert_eq!(serde_json::to_value(result).unwrap(), verdict);
    let sent = upstream.request(0).await;
    assert_eq!(sent.path, "/v1/moderations");
    let part = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}});
    assert_eq!(sent.json(), json!({"model": "m", "input": [part]}));
}

#[actix_rt::test]
async fn models_have_shutdown_dates() {
    let model =
        json!({"id": "a/b", "object": "model", "created": 1, "owned_by": "o", "shutdown_date": "2027-01-14"});
    let upstream = answering(&json!({"object": "list", "data": [model, {"id": "local"}]}));
    let models = client(&upstream.base_url()).models();
    let list = within(models.list()).await.unwrap().response;
    let dates: Vec<_> = list.data.iter().map(|model| (&*model.id, model.shutdown_date.as_deref())).collect();
    assert_eq!(dates, [("a/b", Some("2027-01-14")), ("local", None)]);
    let sent = upstream.request(0).await;
    assert_eq!((sent.method.as_str(), sent.path.as_str()), ("GET", "/v1/models"));

    let upstream = answering(&model);
    let got = within(client(&upstream.base_url()).models().get("a/b")).await.unwrap().response;
    assert_eq!(got.shutdown_date.as_deref(), Some("2027-01-14"));
    assert_eq!(upstream.request(0).await.path, "/v1/models/a%2Fb");
}

#[actix_rt::test]
async fn a_file_is_uploaded_listed_read_and_deleted() {
    let file = json!({"id": "file-1", "object": "file", "bytes": 5_000_000_000_u64, "created_at": 1, "filename": "a.txt",
        "purpose": "user_data", "status": "processed"});
    let upstream = answering(&file);
    let request =
        FileRequest::new("user_data", FilePart::from_bytes("a.txt", "Hello")).expires_in(3600).field("x", 1);
    let got = within(client(&upstream.base_url()).files().create(&request)).await.unwrap().response;
    assert_eq!((got.id.as_str(), got.bytes, got.purpose.as_str()), ("file-1", 5_000_000_000, "user_data"));
    let sent = upstream.request(0).await;
    assert_eq!((sent.method.as_str(), sent.path.as_str()), ("POST", "/v1/files"));
    for (name, text) in [
        ("purpose", "user_data"),
        ("expires_after[anchor]", "created_at"),
        ("expires_after[seconds]", "3600"),
        ("x", "1"),
    ] {
        assert_eq!(sent.part(name).unwrap().text(), text, "{name}");
    }
    assert_eq!(sent.part("file").unwrap().file_name.as_deref(), Some("a.txt"));
    assert!(sent.part("expires_after").is_none());

    let upstream =
        answering(&json!({"object": "list", "data": [file], "has_more": true, "last_id": "file-1"}));
    let files = client(&upstream.base_url()).files();
    let page = FileListRequest::default().limit(1).order("asc").after("file 0");
    let list = within(files.list(&page)).await.unwrap().response;
    assert_eq!((list.data.len(), list.has_more, list.last_id.as_deref()), (1, Some(true), Some("file-1")));
    within(files.list(&FileListRequest::default())).await.unwrap();
    let sent = upstream.request(0).await;
    assert_eq!(
        (sent.path.as_str(), sent.query.as_deref()),
        ("/v1/files", Some("limit=1&after=file%200&order=asc"))
    );
    assert_eq!(upstream.request(1).await.path, "/v1/files");

    // The content is passed on verbatim, whatever it is.
    let upstream = answering(&json!({"error": {"message": "a line of a batch"}}));
    let content = within(client(&upstream.base_url()).files().content("../x")).await.unwrap().response;
    assert_eq!(&content[..], br#"{"error":{"message":"a line of a batch"}}"#);
    assert_eq!(upstream.request(0).await.path, "/v1/files/..%2Fx/content");

    let upstream = answering(&json!({"id": "file-1", "object": "file", "deleted": true}));
    assert!(within(client(&upstream.base_url()).files().delete("file-1")).await.unwrap().response.deleted);
    let sent = upstream.request(0).await;
    assert_eq!((sent.method.as_str(), sent.path.as_str()), ("DELETE", "/v1/files/file-1"));
}

#[actix_rt::test]
async fn timeouts_and_limits_hold_and_another_answer_says_what_it_is() {
    tokio::time::pause();
    let upstream = Upstream::spawn(Reply::raw().hold());
    let models = client(&upstream.base_url()).models();
    let error = models.list().await.unwrap_err();
    assert_eq!(error.timeout(), Some(Timeout::Lookup));
    let timeouts = Timeouts::default().total(Duration::from_secs(5));
    let error = models.timeouts(timeouts).get("x").await.unwrap_err();
    assert_eq!(error.timeout(), Some(Timeout::Total));
    tokio::time::resume();

    let upstream = answering(&json!({"object": "list", "data": [{"id": "x".repeat(1000)}]}));
    let models = client(&upstream.base_url()).models();
    let error =
        within(models.clone().limits(Limits { body: 100, ..Limits::default() }).list()).await.unwrap_err();
    assert_eq!(error.kind.name(), "limit");
    let error = within(models.get("x")).await.unwrap_err();
    let ErrorKind::Malformed { detail, .. } = &error.kind else { panic!("{error:?}") };
    assert!(detail.contains("the answer is no model: it has no `id`"), "{detail}");
}

#[actix_rt::test]
async fn input_tokens_are_counted() {
    let upstream = answering(&json!({"object": "response.input_tokens", "input_tokens": 11}));
    let request = InputTokenCountRequest::new("m", "Hi").instructions("Be brief.").field("seed", 7);
    let finish = within(client(&upstream.base_url()).input_tokens().create(&request)).await.unwrap();
    assert_eq!(finish.response.input_tokens, 11);
    let sent = upstream.request(0).await;
    assert_eq!((sent.method.as_str(), sent.path.as_str()), ("POST", "/v1/responses/input_tokens"));
    assert_eq!(sent.json(), json!({"model": "m", "input": "Hi", "instructions": "Be brief.", "seed": 7}));
}
