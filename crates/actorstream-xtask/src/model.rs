//! The Rust types that the schemas come to.

/// A type.
#[derive(Debug, Clone, PartialEq)]
pub enum Type {
    /// `String`.
    String,
    /// `Text`, a string that is a slice of the event it came in.
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
    /// `f64`, which a request has for a number.
    F64,
    /// A file that is sent with a form.
    File,
    /// `serde_json::Value`.
    Value,
    /// `serde_json::Map`.
    FreeObject,
    /// `BTreeMap` of strings to a type.
    Map(Box<Type>),
    /// `Vec` of a type.
    List(Box<Type>),
    /// A type that is written by hand, by its path.
    External(&'static str),
    /// A type that is generated, by its place.
    Def(usize),
}

impl Type {
    /// The generated type in it.
    pub fn def(&self) -> Option<usize> {
        match self {
            Self::Def(def) => Some(*def),
            Self::Map(inner) | Self::List(inner) => inner.def(),
            _ => None,
        }
    }

    /// Whether it is an image of a request, which is a file or refers to one.
    pub fn is_image(&self) -> bool {
        matches!(self, Self::External(path) if path.ends_with("::InputImage"))
    }

    /// Changes the generated type in it.
    pub fn map_def(&mut self, change: &impl Fn(usize) -> usize) {
        match self {
            Self::Def(def) => *def = change(*def),
            Self::Map(inner) | Self::List(inner) => inner.map_def(change),
            _ => {}
        }
    }
}

/// A generated type.
#[derive(Debug, Clone)]
pub struct Def {
    /// Its name. One that holds only in one module has the module before it: `chat::Tool`.
    pub name: String,
    /// Where in the schemas it is described, each as `module:Name`, or `module:Name.field`.
    pub places: Vec<String>,
    /// Whether the name is a schema's.
    pub named: bool,
    /// What it is.
    pub kind: Kind,
}

/// What a generated type is.
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
    /// The only value it has.
    pub constant: Option<String>,
}

/// A variant of a union.
#[derive(Debug, Clone)]
pub struct Variant {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub r#type: Type,
    /// `string`, `number`, `bool` or `list`, or `object` for an object without a tag.
    pub shape: Option<&'static str>,
    /// The tags of the object.
    pub tags: Vec<String>,
    /// The field by which the object is known where it has no tag.
    pub key: Option<String>,
}

impl Def {
    /// Its name in Rust.
    pub fn ident(&self) -> &str {
        self.name.rsplit("::").next().unwrap_or_default()
    }
}

impl Kind {
    /// All the types in it.
    pub fn types(&self) -> Vec<&Type> {
        match self {
            Self::Struct(fields) | Self::Request(fields) => {
                fields.iter().map(|field| &field.r#type).collect()
            }
            Self::Strings(_) => Vec::new(),
            Self::Union(variants) => variants.iter().map(|variant| &variant.r#type).collect(),
        }
    }

    /// All the types in it, to change them.
    pub fn types_mut(&mut self) -> Vec<&mut Type> {
        match self {
            Self::Struct(fields) | Self::Request(fields) => {
                fields.iter_mut().map(|field| &mut field.r#type).collect()
            }
            Self::Strings(_) => Vec::new(),
            Self::Union(variants) => variants.iter_mut().map(|variant| &mut variant.r#type).collect(),
        }
    }

    /// The only value of a struct's field `type`, or all of them.
    pub fn tag(&self) -> Option<&str> {
        match self {
            Self::Struct(fields) => fields.iter().find(|field| field.name == "type")?.constant.as_deref(),
            _ => None,
        }
    }
}
