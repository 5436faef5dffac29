//! Builders of the objects in a request, declared by generated code.

/// Declares the builders of objects: `new` takes the required fields, and each other field has a setter. A group
/// without fields is left out.
///
/// `constants` have the same value in each object. The `required` ones are arguments of `new`. Setters of `plain`
/// fields take the type itself, those of `optional` fields anything that converts into it, and those of `numbers`
/// anything that converts into an `f64`. Setters of `lists` and `maps` add to them.
macro_rules! builders {
    ($(
        $name:ident {
            $( constants { $( $constant:ident: $value:literal, )* } )?
            $( optional_constants { $( $optional_constant:ident: $optional_value:literal, )* } )?
            $( required { $( $required:ident: $required_type:ty, )* } )?
            $( required_plain { $( $required_plain:ident: $required_plain_type:ty, )* } )?
            $( required_lists { $( $required_list:ident: $required_item:ty, )* } )?
            $( plain { $( $plain:ident: $plain_type:ty, )* } )?
            $( numbers { $( $number:ident, )* } )?
            $( optional { $( $optional:ident: $optional_type:ty, )* } )?
            $( lists { $( $list:ident: $list_type:ty, )* } )?
            $( maps { $( $map:ident: $map_type:ty, )* } )?
        }
    )*) => {$(
        impl $name {
            /// Creates an object with the fields that the API requires.
            #[must_use]
            pub fn new(
                $($( $required: impl Into<$required_type>, )*)?
                $($( $required_plain: $required_plain_type, )*)?
                $($( $required_list: impl IntoIterator<Item: Into<$required_item>>, )*)?
            ) -> Self {
                Self {
                    $($( $constant: $value.into(), )*)?
                    $($( $optional_constant: Some($optional_value.into()), )*)?
                    $($( $required: Into::<$required_type>::into($required).into(), )*)?
                    $($( $required_plain, )*)?
                    $($( $required_list: $required_list.into_iter().map(Into::into).collect(), )*)?
                    ..Self::default()
                }
            }

            $($(
                /// Sets the field of this name.
                #[must_use]
                pub fn $plain(mut self, $plain: $plain_type) -> Self {
                    self.$plain = Some($plain);
                    self
                }
            )*)?
            $($(
                /// Sets the number of this name; removes it if it is not finite.
                #[must_use]
                pub fn $number(mut self, $number: impl Into<f64>) -> Self {
                    self.$number = serde_json::Number::from_f64($number.into());
                    self
                }
            )*)?
            $($(
                /// Sets the field of this name.
                #[must_use]
                pub fn $optional(mut self, $optional: impl Into<$optional_type>) -> Self {
                    self.$optional = Some(Into::<$optional_type>::into($optional).into());
                    self
                }
            )*)?
            $($(
                /// Adds to the list of this name.
                #[must_use]
                pub fn $list<T: Into<$list_type>>(mut self, $list: impl IntoIterator<Item = T>) -> Self {
                    self.$list.get_or_insert_default().extend($list.into_iter().map(Into::into));
                    self
                }
            )*)?
            $($(
                /// Adds an entry to the map of this name.
                #[must_use]
                pub fn $map(mut self, key: impl std::fmt::Display, value: impl Into<$map_type>) -> Self {
                    self.$map.get_or_insert_default().insert(key.to_string(), value.into());
                    self
                }
            )*)?

            /// Sets a field that this type does not have, or sends `value` in place of a field that it has.
            #[must_use]
            pub fn field(mut self, name: impl Into<String>, value: impl Into<serde_json::Value>) -> Self {
                self.extra.insert(name, value.into());
                self
            }
        }
    )*};
}

/// Declares conversions into unions: `texts` are the variants for strings, `lists` those for lists, and `values` the
/// types of other variants, without their box, if they have one.
macro_rules! conversions {
    ($(
        $name:ident {
            $( texts { $text:ident, } )?
            $( lists { $list:ident: $list_type:ty, } )?
            $( values { $( $variant:ident: $type:ty, )* } )?
        }
    )*) => {$(
        $(
            impl From<&str> for $name {
                fn from(text: &str) -> Self {
                    Self::$text(text.into())
                }
            }

            impl From<String> for $name {
                fn from(text: String) -> Self {
                    Self::$text(text.into())
                }
            }

            impl From<&String> for $name {
                fn from(text: &String) -> Self {
                    Self::$text(text.as_str().into())
                }
            }
        )?
        $(
            impl<T: Into<$list_type>> From<Vec<T>> for $name {
                fn from(list: Vec<T>) -> Self {
                    Self::$list(list.into_iter().map(Into::into).collect())
                }
            }

            impl<T: Into<$list_type>, const N: usize> From<[T; N]> for $name {
                fn from(list: [T; N]) -> Self {
                    Self::$list(list.into_iter().map(Into::into).collect())
                }
            }
        )?
        $($(
            impl From<$type> for $name {
                fn from(value: $type) -> Self {
                    Self::$variant(value.into())
                }
            }
        )*)?
    )*};
}

pub(crate) use {builders, conversions};
