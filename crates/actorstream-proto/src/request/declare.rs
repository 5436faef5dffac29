//! Request types, declared by generated code.

/// Declares requests: a struct with a public field for each field of the API, setters, a method `field` for any
/// other field, and the serialization as JSON. For forms, see `form_request!`.
///
/// `required` fields are always sent. `plain` and `optional` fields are `Option`s; the setters of the former take
/// the type itself, those of the latter anything that converts into it. `bare` fields have no setter. `lists` and
/// `maps` are sent if they are not empty, and their setters add to them. An unset field after `null` is sent as
/// `null` while another field has a certain value.
macro_rules! request {
    ($(
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            required { $( $(#[$required_meta:meta])* $required:ident: $required_type:ty, )* }
            plain { $( $(#[$plain_meta:meta])* $plain:ident: $plain_type:ty, )* }
            optional { $( $(#[$optional_meta:meta])* $optional:ident: $optional_type:ty, )* }
            bare { $( $(#[$bare_meta:meta])* $bare:ident: $bare_type:ty $(= $rename:literal)?, )* }
            lists { $( $(#[$list_meta:meta])* $list:ident: $list_type:ty, )* }
            maps { $( $(#[$map_meta:meta])* $map:ident: $map_type:ty, )* }
            $( null { $null:ident where $tag:ident = $value:literal } )?
        }
    )*) => {$(
        $(#[$meta])*
        ///
        /// A field that is `None`, or an empty list or map, is not sent and the server uses its default.
        #[derive(Clone, Debug, Default, PartialEq, serde::Deserialize)]
        $vis struct $name {
            $( $(#[$required_meta])* #[serde(default)] pub $required: $required_type, )*
            $( $(#[$plain_meta])* #[serde(default)] pub $plain: Option<$plain_type>, )*
            $( $(#[$optional_meta])* #[serde(default)] pub $optional: Option<$optional_type>, )*
            $( $(#[$bare_meta])* #[serde(default)] pub $bare: Option<$bare_type>, )*
            $(
                $(#[$list_meta])*
                #[serde(default, deserialize_with = "crate::request::fields::null_as_default")]
                pub $list: Vec<$list_type>,
            )*
            $(
                $(#[$map_meta])*
                #[serde(default, deserialize_with = "crate::request::fields::null_as_default")]
                pub $map: std::collections::BTreeMap<String, $map_type>,
            )*
            /// Further fields. One with the name of a field above replaces it.
            #[serde(flatten)]
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
                $( out.required(stringify!($required), &self.$required)?; )*
                $( out.optional(stringify!($plain), &self.$plain)?; )*
                $( out.optional(stringify!($optional), &self.$optional)?; )*
                $( out.optional($crate::object!(@name $bare $($rename)?), &self.$bare)?; )*
                $( out.non_empty(stringify!($list), &self.$list)?; )*
                $( out.non_empty(stringify!($map), &self.$map)?; )*
                $(
                    if self.$null.is_none() && self.$tag == $value {
                        out.required(stringify!($null), &())?;
                    }
                )?
                Ok(())
            }
        }

        $crate::request::fields::serialize_fields!($name);
        $crate::request::declare::setters!($name {
            plain { $($plain: $plain_type,)* } optional { $($optional: $optional_type,)* } lists { $($list: $list_type,)* }
            maps { $($map: $map_type,)* }
        });
    )*};
}

/// Declares requests that are sent as forms, like `request!`. `files` are required, and sent after all other fields.
macro_rules! form_request {
    ($(
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            files { $( $(#[$file_meta:meta])* $file:ident, )* }
            required { $( $(#[$required_meta:meta])* $required:ident: $required_type:ty, )* }
            plain { $( $(#[$plain_meta:meta])* $plain:ident: $plain_type:ty, )* }
            optional { $( $(#[$optional_meta:meta])* $optional:ident: $optional_type:ty, )* }
            bare {}
            lists { $( $(#[$list_meta:meta])* $list:ident: $list_type:ty, )* }
            maps {}
        }
    )*) => {$(
        $(#[$meta])*
        ///
        /// It is sent as a form. A field that is `None`, or an empty list, is not sent and the server uses its default.
        #[derive(Clone, Debug, PartialEq)]
        $vis struct $name {
            $( $(#[$file_meta])* pub $file: $crate::request::multipart::FilePart, )*
            $( $(#[$required_meta])* pub $required: $required_type, )*
            $( $(#[$plain_meta])* pub $plain: Option<$plain_type>, )*
            $( $(#[$optional_meta])* pub $optional: Option<$optional_type>, )*
            $( $(#[$list_meta])* pub $list: Vec<$list_type>, )*
            /// Further fields. One with the name of a field above replaces it. A list is sent as one field per
            /// entry, with its name followed by `[]`, an object as its JSON, and `null` not at all.
            pub extra: serde_json::Map<String, serde_json::Value>,
        }

        impl $name {
            pub(crate) fn of_files($($file: $crate::request::multipart::FilePart),*) -> Self {
                Self {
                    $( $file, )*
                    $( $required: Default::default(), )*
                    $( $plain: None, )*
                    $( $optional: None, )*
                    $( $list: Vec::new(), )*
                    extra: serde_json::Map::new(),
                }
            }

            /// Returns the request as a form.
            #[must_use]
            pub fn form(&self) -> $crate::request::multipart::Form {
                let mut out = $crate::request::multipart::FormWriter::new(&self.extra);
                $( out.required(stringify!($required), &self.$required); )*
                $( out.optional(stringify!($plain), &self.$plain); )*
                $( out.optional(stringify!($optional), &self.$optional); )*
                $( out.list(stringify!($list), &self.$list); )*
                out.finish([$( (stringify!($file), &self.$file) ),*])
            }
        }

        $crate::request::multipart::request_body!($name, |request: &$name| {
            Ok($crate::request::multipart::RequestBody::Multipart(request.form()))
        });
        $crate::request::declare::setters!($name {
            plain { $($plain: $plain_type,)* } optional { $($optional: $optional_type,)* } lists { $($list: $list_type,)* }
            maps {}
        });
    )*};
}

/// Declares the setters of a request.
macro_rules! setters {
    ($name:ident {
        plain { $($plain:ident: $plain_type:ty,)* }
        optional { $($optional:ident: $optional_type:ty,)* }
        lists { $($list:ident: $list_type:ty,)* }
        maps { $($map:ident: $map_type:ty,)* }
    }) => {
        impl $name {
            $(
                #[doc = concat!("Sets [`", stringify!($plain), "`](field@Self::", stringify!($plain), ").")]
                #[must_use]
                pub fn $plain(mut self, $plain: $plain_type) -> Self {
                    self.$plain = Some($plain);
                    self
                }
            )*
            $(
                #[doc = concat!("Sets [`", stringify!($optional), "`](field@Self::", stringify!($optional), ").")]
                #[must_use]
                pub fn $optional(mut self, $optional: impl Into<$optional_type>) -> Self {
                    self.$optional = Some($optional.into());
                    self
                }
            )*
            $(
                #[doc = concat!("Adds to [`", stringify!($list), "`](field@Self::", stringify!($list), ").")]
                #[must_use]
                pub fn $list<T: Into<$list_type>>(mut self, $list: impl IntoIterator<Item = T>) -> Self {
                    self.$list.extend($list.into_iter().map(Into::into));
                    self
                }
            )*
            $(
                #[doc = concat!("Adds an entry to [`", stringify!($map), "`](field@Self::", stringify!($map), ").")]
                #[must_use]
                pub fn $map(mut self, key: impl std::fmt::Display, value: impl Into<$map_type>) -> Self {
                    self.$map.insert(key.to_string(), value.into());
                    self
                }
            )*

            /// Sets a field this type does not have, or sends `value` in place of the field it has.
            #[must_use]
            pub fn field(mut self, name: impl Into<String>, value: impl Into<serde_json::Value>) -> Self {
                self.extra.insert(name.into(), value.into());
                self
            }
        }
    };
}

pub(crate) use {form_request, request, setters};
