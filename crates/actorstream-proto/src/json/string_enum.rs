//! Enums whose wire form is a plain string and which accept values added to
//! the API later.

/// Declares an enum of the string values an API knows, plus `Other` for any
/// value it may add.
///
/// A known value is read and written without allocating. Attributes are passed
/// on, so `#[derive(Default)]` on the enum and `#[default]` on a variant work.
///
/// ```text
/// string_enum! {
///     /// How long the answer should be.
///     pub enum Verbosity {
///         /// Short answers.
///         Low = "low",
///         /// Long answers.
///         High = "high",
///     }
/// }
/// ```
macro_rules! string_enum {
    (
        $(#[$meta:meta])*
        $vis:vis enum $name:ident {
            $( $(#[$variant_meta:meta])* $variant:ident = $value:literal ),+ $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        $vis enum $name {
            $( $(#[$variant_meta])* $variant, )+
            /// Any other value, as the API spells it.
            Other(::std::string::String),
        }

        impl $name {
            /// The value as the API spells it.
            #[must_use]
            $vis fn as_str(&self) -> &str {
                match self {
                    $( Self::$variant => $value, )+
                    Self::Other(value) => value,
                }
            }

            fn known(value: &str) -> ::std::option::Option<Self> {
                match value {
                    $( $value => ::std::option::Option::Some(Self::$variant), )+
                    _ => ::std::option::Option::None,
                }
            }
        }

        impl ::std::convert::From<&str> for $name {
            fn from(value: &str) -> Self {
                Self::known(value).unwrap_or_else(|| Self::Other(value.to_owned()))
            }
        }

        impl ::std::convert::From<::std::string::String> for $name {
            fn from(value: ::std::string::String) -> Self {
                match Self::known(&value) {
                    ::std::option::Option::Some(known) => known,
                    ::std::option::Option::None => Self::Other(value),
                }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl ::std::cmp::PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                self.as_str() == other
            }
        }

        impl ::std::cmp::PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                self.as_str() == *other
            }
        }

        impl $crate::json::from_json::FromJson for $name {
            fn blank() -> Self {
                Self::Other(::std::string::String::new())
            }

            fn read(
                &mut self,
                reader: &mut $crate::json::reader::Reader<'_>,
            ) -> ::std::result::Result<(), $crate::json::reader::Wrong> {
                *self = Self::from(&*reader.string()?);
                ::std::result::Result::Ok(())
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S>(&self, serializer: S) -> ::std::result::Result<S::Ok, S::Error>
            where
                S: ::serde::Serializer,
            {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D>(deserializer: D) -> ::std::result::Result<Self, D::Error>
            where
                D: ::serde::Deserializer<'de>,
            {
                struct Visitor;

                impl ::serde::de::Visitor<'_> for Visitor {
                    type Value = $name;

                    fn expecting(
                        &self,
                        f: &mut ::std::fmt::Formatter<'_>,
                    ) -> ::std::fmt::Result {
                        f.write_str("a string")
                    }

                    fn visit_str<E>(self, value: &str) -> ::std::result::Result<$name, E>
                    where
                        E: ::serde::de::Error,
                    {
                        ::std::result::Result::Ok(value.into())
                    }

                    fn visit_string<E>(
                        self,
                        value: ::std::string::String,
                    ) -> ::std::result::Result<$name, E>
                    where
                        E: ::serde::de::Error,
                    {
                        ::std::result::Result::Ok(value.into())
                    }
                }

                deserializer.deserialize_str(Visitor)
            }
        }
    };
}

pub(crate) use string_enum;

#[cfg(test)]
mod tests {
    string_enum! {
        /// Colours.
        #[derive(Default)]
        enum Colour {
            /// Red.
            #[default]
            Red = "red",
            /// Dark blue.
            DarkBlue = "dark-blue",
        }
    }

    #[test]
    fn known_values_become_variants() {
        assert_eq!(Colour::from("dark-blue"), Colour::DarkBlue);
        assert_eq!(Colour::from("red".to_owned()), Colour::Red);
        assert_eq!(Colour::default(), Colour::Red);
        assert_eq!(Colour::DarkBlue.as_str(), "dark-blue");
        assert_eq!(format!("[{:>10}]", Colour::DarkBlue), "[ dark-blue]");
    }

    #[test]
    fn unknown_values_are_kept() {
        let green = Colour::from("green");
        assert_eq!(green, Colour::Other("green".into()));
        assert_eq!(Colour::from("green".to_owned()), green);
        assert_eq!(green.to_string(), "green");
        assert!(green == "green" && green == *"green" && green != "red");
    }

    #[test]
    fn the_wire_form_is_a_string() {
        for text in [r#""red""#, r#""dark-blue""#, r#""gr\u0065en""#] {
            let colour: Colour = serde_json::from_str(text).unwrap();
            let plain: String = serde_json::from_str(text).unwrap();
            assert_eq!(colour.as_str(), plain);
            assert_eq!(serde_json::to_value(&colour).unwrap(), plain.as_str());
            let owned: Colour = serde_json::from_value(plain.into()).unwrap();
            assert_eq!(owned, colour);
        }
        assert!(serde_json::from_str::<Colour>("1").is_err());
        assert!(serde_json::from_str::<Colour>("null").is_err());
    }
}
