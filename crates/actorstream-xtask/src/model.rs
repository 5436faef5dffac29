//! The Rust types that the schemas become.

/// A type.
#[derive(Debug, Clone, PartialEq)]
pub enum Type {
    /// `String`.
    String,
    /// `Text`, a string that is a slice of its event.
    Text,
    /// `bool`.
    Bool,
    /// `u64`.
    U64,
    /// `u32`.
    U32,
    /// `i64`.
    I64,
    /// `serde_json::Number`.
    Number,
    /// `f64`, for numbers in requests.
    F64,
    /// A file sent with a form.
    File,
    /// `serde_json::Value`.
    Value,
    /// `serde_json::Map`.
    FreeObject,
    /// `BTreeMap` of strings to a type.
    Map(Box<Type>),
    /// `Vec` of a type.
    List(Box<Type>),
    /// `Deferred`: a list that is read when it is looked at.
    Deferred(Box<Type>),
    /// A handwritten type, by its path.
    External(&'static str),
    /// A generated type, by its index.
    Def(usize),
}

impl Type {
    /// Returns the generated type in it.
    pub fn def(&self) -> Option<usize> {
        match self {
            Self::Def(def) => Some(*def),
            Self::Map(inner) | Self::List(inner) | Self::Deferred(inner) => inner.def(),
            _ => None,
        }
    }

    /// Returns whether it is an image of a request, which is a file or refers to one.
    pub fn is_image(&self) -> bool {
        matches!(self, Self::External(path) if path.ends_with("::InputImage"))
    }

    /// Changes the generated type in it.
    pub fn map_def(&mut self, change: &impl Fn(usize) -> usize) {
        match self {
            Self::Def(def) => *def = change(*def),
            Self::Map(inner) | Self::List(inner) | Self::Deferred(inner) => inner.map_def(change),
            _ => {}
        }
    }
}

/// A generated type.
#[derive(Debug, Clone)]
pub struct Def {
    /// Its name. A name that is valid only in one module has the module as a prefix: `chat::Tool`.
    pub name: String,
    /// The places in the schemas that describe it, each as `module:Name` or `module:Name.field`.
    pub places: Vec<String>,
    /// Whether the name is that of a schema.
    pub named: bool,
    /// Its kind.
    pub kind: Kind,
}

/// The kind of a generated type.
#[derive(Debug, Clone)]
pub enum Kind {
    /// A struct.
    Struct(Vec<Field>),
    /// A request: a struct that is built field by field.
    Request(Vec<Field>),
    /// An open enum of these strings.
    Strings(Vec<String>),
    /// A union.
    Union(Vec<Variant>),
}

/// A field of a struct.
#[derive(Debug, Clone)]
pub struct Field {
    /// Its name in the API.
    pub name: String,
    /// Its type, without `Option`.
    pub r#type: Type,
    /// Whether it may be missing or `null`.
    pub optional: bool,
    /// Its only value.
    pub constant: Option<String>,
}

/// A variant of a union.
#[derive(Debug, Clone)]
pub struct Variant {
    /// Its name.
    pub name: String,
    /// Its content.
    pub r#type: Type,
    /// `string`, `number`, `bool` or `list`, or `object` for an object without a tag.
    pub shape: Option<&'static str>,
    /// The tags of the object.
    pub tags: Vec<String>,
    /// The field that identifies an object without a tag.
    pub key: Option<String>,
}

impl Def {
    /// Returns its name in Rust.
    pub fn ident(&self) -> &str {
        self.name.rsplit("::").next().unwrap_or_default()
    }
}

impl Kind {
    /// Returns all types in it.
    pub fn types(&self) -> Vec<&Type> {
        match self {
            Self::Struct(fields) | Self::Request(fields) => {
                fields.iter().map(|field| &field.r#type).collect()
            }
            Self::Strings(_) => Vec::new(),
            Self::Union(variants) => variants.iter().map(|variant| &variant.r#type).collect(),
        }
    }

    /// Returns all types in it, mutably.
    pub fn types_mut(&mut self) -> Vec<&mut Type> {
        match self {
            Self::Struct(fields) | Self::Request(fields) => {
                fields.iter_mut().map(|field| &mut field.r#type).collect()
            }
            Self::Strings(_) => Vec::new(),
            Self::Union(variants) => variants.iter_mut().map(|variant| &mut variant.r#type).collect(),
        }
    }

    /// Returns the only value of a struct's field `type`, if it has one.
    pub fn tag(&self) -> Option<&str> {
        match self {
            Self::Struct(fields) => fields.iter().find(|field| field.name == "type")?.constant.as_deref(),
            _ => None,
        }
    }
}
