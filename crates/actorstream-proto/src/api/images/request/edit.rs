//! Declares requests that contain images, and encodes them.

use serde::Serialize;

use super::InputImage;
use crate::outcome::error::StreamError;
use crate::request::body::Body;
use crate::request::fields::{Fields, write_object};
use crate::request::multipart::{Form, RequestBody};

/// Declares requests like `request!`. They are sent as forms if their images are files, and as JSON otherwise; the
/// API cannot mix the two. `images` are lists that are always sent, and `masks` are optional.
macro_rules! edit_request {
    ($(
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            images { $(#[$images_meta:meta])* $images:ident, }
            masks { $( $(#[$mask_meta:meta])* $mask:ident, )* }
            required { $( $(#[$required_meta:meta])* $required:ident: $required_type:ty, )* }
            plain { $( $(#[$plain_meta:meta])* $plain:ident: $plain_type:ty, )* }
            optional { $( $(#[$optional_meta:meta])* $optional:ident: $optional_type:ty, )* }
            bare {}
            lists {}
            maps {}
        }
    )*) => {$(
        $(#[$meta])*
        ///
        /// A field that is `None` is not sent and the server uses its default.
        #[derive(Clone, Debug, Default, PartialEq)]
        $vis struct $name {
            $( $(#[$required_meta])* pub $required: $required_type, )*
            $(#[$images_meta])*
            pub $images: Vec<$crate::api::images::request::InputImage>,
            $( $(#[$mask_meta])* pub $mask: Option<$crate::api::images::request::InputImage>, )*
            $( $(#[$plain_meta])* pub $plain: Option<$plain_type>, )*
            $( $(#[$optional_meta])* pub $optional: Option<$optional_type>, )*
            /// Further fields. One with the name of a field above replaces it. In a form, a list is sent as one
            /// field per entry, with its name followed by `[]`.
            pub extra: serde_json::Map<String, serde_json::Value>,
        }

        impl $crate::request::fields::Fields for $name {
            fn extra(&self) -> &serde_json::Map<String, serde_json::Value> {
                &self.extra
            }

            fn write<M: serde::ser::SerializeMap>(
                &self,
                out: &mut $crate::request::fields::FieldWriter<'_, M>,
            ) -> Result<(), M::Error> {
                use $crate::api::images::request::InputImage;
                $( out.required(stringify!($required), &self.$required)?; )*
                let references: Vec<_> = self.$images.iter().filter_map(InputImage::reference).collect();
                out.required(stringify!($images), &references)?;
                $( out.optional(stringify!($mask), &self.$mask.as_ref().and_then(InputImage::reference))?; )*
                $( out.optional(stringify!($plain), &self.$plain)?; )*
                $( out.optional(stringify!($optional), &self.$optional)?; )*
                Ok(())
            }
        }

        impl $name {
            fn form(&self) -> $crate::request::multipart::Form {
                let mut out = $crate::request::multipart::FormWriter::new(&self.extra);
                $( out.required(stringify!($required), &self.$required); )*
                $( out.optional(stringify!($plain), &self.$plain); )*
                $( out.nested(stringify!($optional), &self.$optional); )*
                // Older servers accept a single image, under the name without brackets.
                let name = if self.$images.len() == 1 { "image" } else { "image[]" };
                let images = self.$images.iter().filter_map(|image| Some((name, image.file()?)));
                let masks = [$( (stringify!($mask), &self.$mask) ),*].into_iter();
                out.finish(images.chain(masks.filter_map(|(name, mask)| Some((name, mask.as_ref()?.file()?)))))
            }
        }

        $crate::request::multipart::request_body!($name, |request: &$name| {
            let inputs = request.$images.iter()$( .chain(&request.$mask) )*;
            $crate::api::images::request::edit::to_body(request, inputs, $name::form)
        });
        $crate::request::declare::setters!($name {
            plain { $($plain: $plain_type,)* }
            optional {
                $( $mask: $crate::api::images::request::InputImage, )*
                $( $optional: $optional_type, )*
            }
            lists { $images: $crate::api::images::request::InputImage, }
            maps {}
        });
    )*};
}
pub(crate) use edit_request;

/// The JSON of a request without files.
struct AsJson<'a, R>(&'a R);

impl<R: Fields> Serialize for AsJson<'_, R> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write_object(self.0, serializer)
    }
}

/// Returns the body of a request with these images.
pub(super) fn to_body<'a, R: Fields>(
    request: &'a R,
    images: impl Iterator<Item = &'a InputImage> + Clone,
    form: fn(&R) -> Form,
) -> Result<RequestBody, StreamError> {
    if images.clone().all(|image| image.file().is_none()) {
        return Body::new(&AsJson(request)).map(RequestBody::Json);
    }
    if images.clone().all(|image| image.file().is_some()) {
        return Ok(RequestBody::Multipart(form(request)));
    }
    Err(StreamError::config(
        "the images of one request must all be files, or all be named by URL or identifier",
    ))
}
