//! The alternatives that a schema allows, as a flat list: references are followed, and `anyOf` is flattened.

use crate::json::Json;

/// The schemas, by name.
#[derive(Debug)]
pub struct Schemas(Json);

/// An alternative that a schema allows.
#[derive(Debug, Clone)]
pub enum Alternative {
    /// Anything.
    Any,
    /// A string; one of these, if not `None`.
    String(Option<Vec<String>>),
    /// An integer.
    Integer,
    /// A number.
    Number,
    /// A boolean.
    Bool,
    /// A file.
    File,
    /// A list whose items are described by any of the schemas.
    List(Vec<Json>),
    /// An object with any fields.
    FreeObject,
    /// An object with any names, and values described by the schema.
    Map(Json),
    /// An object with these fields.
    Object(Object),
}

/// An object.
#[derive(Debug, Clone, Default)]
pub struct Object {
    /// The schema's name, if it has one.
    pub name: Option<String>,
    /// The fields, each described by any of the schemas.
    pub fields: Vec<(String, Vec<Json>)>,
    /// The required fields.
    pub required: Vec<String>,
}

impl Object {
    /// Merges another object with the same tag. A field is required if both require it.
    pub fn merge(&mut self, other: Self) {
        for (name, mut schemas) in other.fields {
            match self.fields.iter_mut().find(|(known, _)| *known == name) {
                Some((_, known)) => known.append(&mut schemas),
                None => self.fields.push((name, schemas)),
            }
        }
        self.required.retain(|name| other.required.contains(name));
    }
}

/// Returns the name that a `$ref` refers to.
pub fn referred(schema: &Json) -> Option<&str> {
    schema.str("$ref").map(|path| path.rsplit('/').next().unwrap_or(path))
}

impl Schemas {
    /// Creates the schemas from an object that contains them by name.
    pub fn new(schemas: Json) -> Self {
        Self(schemas)
    }

    /// Returns the schema with this name.
    ///
    /// # Panics
    /// If there is none.
    pub fn get(&self, name: &str) -> &Json {
        self.0.get(name).unwrap_or_else(|| panic!("there is no schema {name}"))
    }

    /// Returns the name of the schema, if these are a reference to one.
    pub fn name_of(&self, schemas: &[Json]) -> Option<String> {
        let [schema] = schemas else { return None };
        if let Some(name) = referred(schema) {
            return Some(name.to_owned());
        }
        let alternatives = schema.list("anyOf").iter();
        let not_null: Vec<Json> =
            alternatives.filter(|schema| schema.str("type") != Some("null")).cloned().collect();
        self.name_of(&not_null)
    }

    /// Returns the alternatives of all schemas, and whether `null` is allowed.
    pub fn alternatives(&self, schemas: &[Json]) -> (Vec<Alternative>, bool) {
        let (mut found, mut nullable) = (Vec::new(), false);
        for schema in schemas {
            self.collect(schema, None, &mut found, &mut nullable);
        }
        (found, nullable)
    }

    fn collect(&self, schema: &Json, name: Option<&str>, found: &mut Vec<Alternative>, nullable: &mut bool) {
        if let Some(name) = referred(schema) {
            return self.collect(self.get(name), Some(name), found, nullable);
        }
        let alternatives = schema.list("anyOf");
        if !alternatives.is_empty() {
            for schema in alternatives {
                self.collect(schema, None, found, nullable);
            }
            return;
        }
        match schema.str("type") {
            Some("null") => *nullable = true,
            Some("string") if schema.str("format") == Some("binary") => found.push(Alternative::File),
            Some("string") => {
                let values = schema.strings("enum");
                found.push(Alternative::String((!values.is_empty()).then_some(values)));
            }
            Some("integer") => found.push(Alternative::Integer),
            Some("number") => found.push(Alternative::Number),
            Some("boolean") => found.push(Alternative::Bool),
            Some("array") => {
                found.push(Alternative::List(schema.get("items").cloned().into_iter().collect()));
            }
            Some("object") if schema.get("properties").is_some() => {
                found.push(Alternative::Object(object(schema, name)));
            }
            Some("object") => found.push(match schema.get("additionalProperties") {
                Some(values) if !values.fields().is_empty() => Alternative::Map(values.clone()),
                _ => Alternative::FreeObject,
            }),
            Some(other) => panic!("unknown type {other}"),
            None => found.push(Alternative::Any),
        }
    }
}

fn object(schema: &Json, name: Option<&str>) -> Object {
    let fields = schema.get("properties").map_or(&[][..], Json::fields).iter();
    Object {
        name: name.map(str::to_owned),
        fields: fields.map(|(name, schema)| (name.clone(), vec![schema.clone()])).collect(),
        required: schema.strings("required"),
    }
}
