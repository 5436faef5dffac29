//! The models of a server.

use actorstream_test::Reply;
use serde_json::json;

use crate::common::ask;

#[test]
fn models_are_listed_with_their_shutdown_dates() {
    let list = json!({"object": "list", "data": [
        {"id": "new", "object": "model", "created": 1, "owned_by": "o", "shutdown_date": null},
        {"id": "older", "object": "model", "created": 1, "owned_by": "o", "shutdown_date": "2027-01-14"},
        {"id": "local"}]});
    let (ran, upstream) = ask(Reply::json(200, &list), &["models"]);
    assert_eq!(
        (ran.status, ran.out.as_str(), ran.err.as_str()),
        (Some(0), "new\nolder  shut down on 2027-01-14\nlocal\n", "")
    );
    let request = &upstream.requests()[0];
    assert_eq!((request.method.as_str(), request.path.as_str()), ("GET", "/v1/models"));

    let (ran, _upstream) = ask(Reply::json(200, &list), &["models", "--jsonl"]);
    assert_eq!((ran.status, ran.records()), (Some(0), list["data"].as_array().unwrap().clone()));
}

#[test]
fn what_is_no_list_of_models_is_an_error() {
    let (ran, _upstream) = ask(Reply::json(200, &json!({"error": {"message": "down"}})), &["models"]);
    assert_eq!((ran.status, ran.out.as_str()), (Some(1), ""));
    assert!(ran.err.contains("down"), "{}", ran.err);
}

#[test]
fn a_model_that_is_not_there_leads_to_the_list_of_models() {
    let error = json!({"error": {"message": "The model `x` does not exist.", "type": "invalid_request_error",
        "param": null, "code": "model_not_found"}});
    let (ran, _upstream) = ask(Reply::json(404, &error), &["chat", "Hi", "--model", "x"]);
    assert_eq!((ran.status, ran.out.as_str()), (Some(1), ""));
    assert!(ran.err.contains("The model `x` does not exist."), "{}", ran.err);
    assert!(ran.err.contains("`actorstream models` lists the models"), "{}", ran.err);
}
