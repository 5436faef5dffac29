//! Calls of endpoints that do not stream and take no request body.
//!
//! They are inline because each runs a connector of its own type: only the programs that call it compile it.

use std::sync::Arc;

use actorstream_proto::api::files::{FileDeleted, FileList, FileListRequest, FileObject, Files};
use actorstream_proto::api::models::{Model, ModelList, Models};
use actorstream_proto::endpoint::Endpoint;
use actorstream_proto::endpoint::event::Event;
use bytes::Bytes;

use crate::client::Call;
use crate::stream::handle::ResponseFuture;

impl<P: Endpoint> Call<P> {
    /// Asks another endpoint, with the options of this call.
    fn ask<Q: Endpoint>(&self, endpoint: Q) -> ResponseFuture<<Q::Event as Event>::Response> {
        Call { client: self.client.clone(), endpoint, options: Arc::clone(&self.options), tools: None }
            .create(())
    }
}

impl Call<Models> {
    /// Lists the models of the server. `shutdown_date` is the day a model is shut down, if the server says so.
    #[inline]
    pub fn list(&self) -> ResponseFuture<ModelList> {
        self.create(())
    }

    /// Returns one model.
    #[inline]
    pub fn get(&self, id: &str) -> ResponseFuture<Model> {
        self.ask(Models::get(id))
    }
}

impl Call<Files> {
    /// Lists files, one page at a time; `FileListRequest::default()` is the first page of all files.
    #[inline]
    pub fn list(&self, request: &FileListRequest) -> ResponseFuture<FileList> {
        self.ask(Files::list(request))
    }

    /// Returns the properties of a file.
    #[inline]
    pub fn get(&self, id: &str) -> ResponseFuture<FileObject> {
        self.ask(Files::get(id))
    }

    /// Returns the content of a file. It may take the `lookup` timeout (30 s) in all and be as long as the limit `body`
    /// (64 MiB); set others on the call for larger files.
    #[inline]
    pub fn content(&self, id: &str) -> ResponseFuture<Bytes> {
        self.ask(Files::content(id))
    }

    /// Deletes a file.
    #[inline]
    pub fn delete(&self, id: &str) -> ResponseFuture<FileDeleted> {
        self.ask(Files::delete(id))
    }
}
