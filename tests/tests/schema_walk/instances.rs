//! Instances of schemas.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

/// Objects and unions that are nested deeper have only their required fields.
const DEPTH: usize = 16;

/// The kinds of instances.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Mode {
    /// Every field is present.
    All,
    /// Only required fields are present.
    Required,
    /// Every field is present, as `null` if possible.
    Nulls,
    /// Every object has fields that are not in the schema.
    Extra,
    /// Every enum has a value that is not in the schema, except the types of objects.
    NewValues,
    /// Every object in a union has a type that is not in the schema.
    NewTypes,
}

pub(crate) const MODES: [Mode; 6] =
    [Mode::All, Mode::Required, Mode::Nulls, Mode::Extra, Mode::NewValues, Mode::NewTypes];

/// Creates instances.
pub(crate) struct Walk<'a> {
    pub(crate) schemas: &'a Value,
    pub(crate) mode: Mode,
    /// The values for numbers that need not be integers.
    pub(crate) numbers: &'a [Value],
    /// The variants to take of these unions; of others, the first is taken.
    pub(crate) picks: BTreeMap<String, usize>,
    /// The unions that occurred, and their numbers of variants.
    pub(crate) unions: BTreeMap<String, usize>,
    /// The schemas that occurred.
    pub(crate) met: BTreeSet<String>,
    /// The fields that occurred, as `Schema.field`.
    pub(crate) fields: BTreeSet<String>,
}

/// The position in a schema.
#[derive(Clone)]
pub(crate) struct Position {
    /// The schema's name, and the path from it.
    path: String,
    depth: usize,
    /// Whether the value is the discriminator of a union.
    tag: bool,
    /// Whether an object here is a variant of a union.
    in_union: bool,
}

impl Position {
    /// Returns the root of a schema.
    pub(crate) fn root(name: &str) -> Self {
        Self { path: name.into(), depth: 0, tag: false, in_union: false }
    }

    fn below(&self, step: &str) -> Self {
        Self { path: format!("{}/{step}", self.path), depth: self.depth + 1, tag: false, ..self.clone() }
    }
}

impl Walk<'_> {
    /// Returns an instance of the schema with this name.
    pub(crate) fn named(&mut self, name: &str, place: &Position) -> Value {
        self.met.insert(name.to_owned());
        let schema = &self.schemas[name];
        assert!(schema.is_object(), "no schema {name}");
        self.value(schema, &Position { path: name.to_owned(), ..place.clone() })
    }

    fn value(&mut self, schema: &Value, place: &Position) -> Value {
        if let Some(name) = schema["$ref"].as_str() {
            return self.named(name.rsplit('/').next().unwrap(), place);
        }
        if let Some(variants) = schema["anyOf"].as_array().or_else(|| schema["oneOf"].as_array()) {
            return self.union(variants, place);
        }
        match schema["type"].as_str() {
            Some("string") => match schema["enum"].as_array() {
                Some(_) if self.mode == Mode::NewValues && !place.tag => json!("a new value"),
                Some(values) => values[0].clone(),
                None => json!("text"),
            },
            Some("integer") => json!(7),
            // The transcription schema declares the bytes of a token as numbers.
            Some("number") if place.path.contains("/bytes/") => json!(7),
            Some("number") => self.numbers[place.path.len() % self.numbers.len()].clone(),
            Some("boolean") => json!(true),
            Some("array") => {
                if place.depth > DEPTH {
                    return json!([]);
                }
                json!([self.value(&schema["items"], &place.below("items"))])
            }
            _ if schema.get("properties").is_some() || schema.get("allOf").is_some() => {
                self.object(schema, place)
            }
            Some("object") => match schema.get("additionalProperties") {
                Some(values) if values.as_object().is_some_and(|values| !values.is_empty()) => {
                    json!({"name": self.value(values, &place.below("values"))})
                }
                _ => json!({"free": {"free": [1, 1.0, null, "free"]}}),
            },
            None => json!({"free": 1}),
            Some(other) => panic!("{}: {other}", place.path),
        }
    }

    fn union(&mut self, variants: &[Value], place: &Position) -> Value {
        let is_null = |variant: &&Value| variant["type"] == "null";
        let nullable = variants.iter().any(|variant| is_null(&variant));
        let variants: Vec<&Value> = variants.iter().filter(|variant| !is_null(variant)).collect();
        if nullable && self.mode == Mode::Nulls && place.depth > 0 {
            return Value::Null;
        }
        let mut picked = 0;
        if variants.len() > 1 {
            self.unions.insert(place.path.clone(), variants.len());
            picked = self.picks.get(&place.path).copied().unwrap_or(0);
        }
        let in_union = place.in_union || variants.len() > 1;
        self.value(variants[picked], &Position { in_union, ..place.below(&picked.to_string()) })
    }

    fn object(&mut self, schema: &Value, place: &Position) -> Value {
        let (mut properties, mut required) = (Map::new(), BTreeSet::new());
        self.parts(schema, &mut properties, &mut required);
        let few = self.mode == Mode::Required || place.depth > DEPTH;
        let mut object = Map::new();
        for (name, schema) in &properties {
            let tag = name == "type";
            self.fields.insert(format!("{}.{name}", place.path));
            if few && !required.contains(name) {
                continue;
            }
            let nullable = schema["nullable"] == true;
            let value = if nullable && self.mode == Mode::Nulls {
                Value::Null
            } else if tag && place.in_union && place.depth > 1 && self.mode == Mode::NewTypes {
                json!("a new type")
            } else {
                self.value(schema, &Position { tag, in_union: false, ..place.below(name) })
            };
            object.insert(name.clone(), value);
        }
        if self.mode == Mode::Extra {
            object.insert("unknown_text".into(), json!("x"));
            object.insert("unknown_object".into(), json!({"a": [1, 1.0, null, {"b": "c"}]}));
            object.insert("unknown_null".into(), Value::Null);
        }
        Value::Object(object)
    }

    /// Returns the fields of an object, including those of `allOf`.
    fn parts(
        &mut self,
        schema: &Value,
        properties: &mut Map<String, Value>,
        required: &mut BTreeSet<String>,
    ) {
        if let Some(name) = schema["$ref"].as_str() {
            let name = name.rsplit('/').next().unwrap();
            self.met.insert(name.to_owned());
            let schemas = self.schemas;
            return self.parts(&schemas[name], properties, required);
        }
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.parts(part, properties, required);
        }
        for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
            properties.insert(name.clone(), schema.clone());
        }
        let names = schema["required"].as_array().into_iter().flatten();
        required.extend(names.map(|name| name.as_str().unwrap().to_owned()));
    }
}
