//! Schemas → Rust types.

use std::collections::HashMap;

use crate::json::Json;
use crate::model::{Def, Field, Kind, Type, Variant};
use crate::names;
use crate::schema::{Alternative, Object, Schemas};

/// Converts schemas to types.
#[derive(Debug)]
pub struct Lowerer<'a> {
    schemas: &'a Schemas,
    /// The types created so far.
    pub defs: Vec<Def>,
    by_name: HashMap<String, usize>,
}

/// The type of a field, and its constraints.
struct Lowered {
    r#type: Type,
    nullable: bool,
    constant: Option<String>,
}

impl<'a> Lowerer<'a> {
    /// Creates a converter without types.
    pub fn new(schemas: &'a Schemas) -> Self {
        Self { schemas, defs: Vec::new(), by_name: HashMap::new() }
    }

    /// Creates the type of a schema.
    ///
    /// # Panics
    /// If the schema does not become a named type in Rust.
    pub fn root(&mut self, name: &str) -> usize {
        let reference = Json::Object(vec![("$ref".into(), Json::String(format!("#/schemas/{name}")))]);
        let lowered = self.lower(&[reference], name, "", false);
        lowered.r#type.def().unwrap_or_else(|| panic!("{name} is not a named type"))
    }

    /// Returns the type of everything that `schemas` allow. `hint` names it if no schema does. In an `event`,
    /// strings are texts.
    fn lower(&mut self, schemas: &[Json], hint: &str, field: &str, event: bool) -> Lowered {
        let schema_name = self.schemas.name_of(schemas);
        let named = schema_name.is_some();
        let name = schema_name.unwrap_or_else(|| hint.to_owned());
        let (alternatives, nullable) = self.schemas.alternatives(schemas);
        let alternatives = unite(alternatives);
        let mut constant = None;
        let r#type = match &alternatives[..] {
            [] => Type::Value,
            [Alternative::String(Some(values))]
                if values.len() == 1 && !named && !names::is_growing(&name) =>
            {
                constant = Some(values[0].clone());
                if event { Type::Text } else { Type::String }
            }
            [one] => self.one(one, &name, named, field, event),
            many if many.iter().any(|alternative| matches!(alternative, Alternative::Any)) => Type::Value,
            many => self.union(many.to_vec(), &name, named, event),
        };
        Lowered { r#type, nullable, constant }
    }

    fn one(&mut self, alternative: &Alternative, name: &str, named: bool, field: &str, event: bool) -> Type {
        match alternative {
            Alternative::Any => Type::Value,
            Alternative::Integer => integer(name, field),
            // One schema declares bytes as numbers.
            Alternative::Number if field == "bytes" => Type::U32,
            Alternative::Number => Type::Number,
            Alternative::Bool => Type::Bool,
            Alternative::File => Type::File,
            Alternative::FreeObject if names::is_json_schema(field) => Type::Value,
            Alternative::FreeObject => Type::FreeObject,
            Alternative::String(None) if event => Type::Text,
            Alternative::String(None) => Type::String,
            Alternative::String(Some(values)) => {
                let kind = Kind::Strings(values.clone());
                self.define(name, named, |_| kind)
            }
            Alternative::List(items) => {
                let lowered = self.lower(items, &format!("{name}*"), field, false);
                Type::List(Box::new(lowered.r#type))
            }
            Alternative::Map(values) => {
                let lowered = self.lower(std::slice::from_ref(values), &format!("{name}*"), field, false);
                Type::Map(Box::new(lowered.r#type))
            }
            Alternative::Object(object) => {
                let (name, named) = match &object.name {
                    Some(name) => (name.as_str(), true),
                    None => (name, named),
                };
                if let Some(path) = names::external(name) {
                    return Type::External(path);
                }
                self.define(name, named, |lowerer| lowerer.object(name, object))
            }
        }
    }

    fn define(&mut self, name: &str, named: bool, make: impl FnOnce(&mut Self) -> Kind) -> Type {
        if let Some(def) = self.by_name.get(name) {
            return Type::Def(*def);
        }
        let def = self.defs.len();
        self.by_name.insert(name.to_owned(), def);
        self.defs.push(Def {
            name: name.to_owned(),
            places: vec![name.to_owned()],
            named,
            kind: Kind::Strings(Vec::new()),
        });
        self.defs[def].kind = make(self);
        Type::Def(def)
    }

    fn object(&mut self, name: &str, object: &Object) -> Kind {
        let event = names::is_event(name);
        let mut fields = Vec::new();
        for (field, schemas) in &object.fields {
            let hint = format!("{name}.{field}");
            let mut lowered = self.lower(schemas, &hint, field, event);
            if names::is_secret(name, field) {
                match &mut lowered.r#type {
                    Type::Map(inner) => **inner = Type::External(names::SECRET),
                    r#type => *r#type = Type::External(names::SECRET),
                }
            }
            if names::is_deferred(name, field) {
                lowered.r#type = Type::Deferred(Box::new(lowered.r#type));
            }
            let optional = lowered.nullable
                || !object.required.contains(field)
                || lowered.r#type == Type::Number
                || names::is_left_out(name, field);
            let (r#type, constant) = (lowered.r#type, lowered.constant);
            fields.push(Field { name: field.clone(), r#type, optional, constant });
        }
        if names::is_obscured(name) && !object.fields.iter().any(|(field, _)| field == "obfuscation") {
            let name = "obfuscation".to_owned();
            fields.push(Field { name, r#type: Type::Text, optional: true, constant: None });
        }
        if names::is_request(name) {
            return Kind::Request(request(name, fields, object));
        }
        // The type of an object comes first in its JSON.
        fields.sort_by_key(|field| field.name != "type" || field.constant.is_none());
        assert!(fields.len() <= 64, "{name} has more fields than `Extra` has bits");
        Kind::Struct(fields)
    }

    fn union(&mut self, alternatives: Vec<Alternative>, name: &str, named: bool, event: bool) -> Type {
        if names::is_record(name) {
            let record = record(alternatives, name);
            return self.define(name, named, |lowerer| lowerer.object(name, &record));
        }
        self.define(name, named, |lowerer| {
            let (mut variants, mut objects) = (Vec::new(), Vec::new());
            for alternative in alternatives {
                let (variant, shape, hint) = match &alternative {
                    Alternative::Object(object) => {
                        objects.push(object.clone());
                        continue;
                    }
                    Alternative::String(None) => ("Text", "string", name.to_owned()),
                    Alternative::String(Some(_)) => ("Mode", "string", format!("{name}.mode")),
                    Alternative::Integer | Alternative::Number => ("Number", "number", name.to_owned()),
                    Alternative::Bool => ("Bool", "bool", name.to_owned()),
                    Alternative::List(_) => ("List", "list", format!("{name}.items")),
                    other => panic!("{name}: {other:?} in a union"),
                };
                let r#type = lowerer.one(&alternative, &hint, false, "", event);
                let variant = names::of_shape(name, variant).to_owned();
                let (tags, key) = (Vec::new(), None);
                variants.push(Variant { name: variant, r#type, shape: Some(shape), tags, key });
            }
            for (tags, object) in by_tags(objects, lowerer.schemas, name) {
                let hint = format!("{name}.{}", tags.first().map_or("object", String::as_str));
                let name = names::of_variant(&tags, object.name.as_deref());
                let optional_tag = !tags.is_empty() && !requires_tag(&object, lowerer.schemas);
                let key = optional_tag.then(|| {
                    object
                        .fields
                        .iter()
                        .map(|(name, _)| name)
                        .find(|name| *name != "type" && object.required.contains(name))
                });
                let key = key.flatten().cloned();
                let shape = tags.is_empty().then_some("object");
                let r#type = lowerer.one(&Alternative::Object(object), &hint, false, "", false);
                variants.push(Variant { name, r#type, shape, tags, key });
            }
            Kind::Union(variants)
        })
    }
}

/// Returns the fields of a request: the model first, then the required ones.
fn request(name: &str, mut fields: Vec<Field>, object: &Object) -> Vec<Field> {
    for field in &mut fields {
        field.optional = !object.required.contains(&field.name) || names::is_left_out(name, &field.name);
        if field.r#type == Type::Number {
            field.r#type = Type::F64;
        }
    }
    fields.sort_by_key(|field| (field.optional, field.name != "model"));
    fields
}

/// Returns an object with the fields of all these objects.
fn record(alternatives: Vec<Alternative>, name: &str) -> Object {
    let mut objects = alternatives.into_iter().map(|alternative| match alternative {
        Alternative::Object(object) => object,
        other => panic!("{name}: {other:?} in a record"),
    });
    let mut record = objects.next().unwrap_or_default();
    record.name = None;
    objects.for_each(|object| record.merge(object));
    record
}

/// Merges the alternatives that one Rust type can represent.
fn unite(alternatives: Vec<Alternative>) -> Vec<Alternative> {
    let mut united: Vec<Alternative> = Vec::new();
    for alternative in alternatives {
        let like = united.iter_mut().find(|other| {
            matches!(
                (&**other, &alternative),
                (Alternative::String(_), Alternative::String(_))
                    | (Alternative::List(_), Alternative::List(_))
                    | (Alternative::FreeObject, Alternative::FreeObject)
                    | (Alternative::Bool, Alternative::Bool)
                    | (
                        Alternative::Number | Alternative::Integer,
                        Alternative::Number | Alternative::Integer
                    )
            )
        });
        match (like, alternative) {
            (None, alternative) => united.push(alternative),
            // Enums are open: one of these values or any other string is an enum, unless the values are a list of
            // names.
            (Some(Alternative::String(values)), Alternative::String(more)) => {
                let mut all = values.take().unwrap_or_default();
                all.extend(more.unwrap_or_default());
                let mut seen = Vec::new();
                all.retain(|value| {
                    !seen.contains(value) && {
                        seen.push(value.clone());
                        true
                    }
                });
                *values = (!all.is_empty()).then_some(all);
            }
            (Some(Alternative::List(items)), Alternative::List(mut more)) => items.append(&mut more),
            (Some(number @ Alternative::Integer), Alternative::Number) => *number = Alternative::Number,
            (Some(_), _) => {}
        }
    }
    for alternative in &mut united {
        if let Alternative::String(values) = alternative
            && values
                .as_ref()
                .is_some_and(|values| values.len() > names::MOST_VALUES || names::are_models(values))
        {
            *values = None;
        }
    }
    united
}

/// Returns the values of an object's field `type`.
fn tags(object: &Object, schemas: &Schemas) -> Vec<String> {
    let Some((_, types)) = object.fields.iter().find(|(name, _)| name == "type") else { return Vec::new() };
    match &unite(schemas.alternatives(types).0)[..] {
        [Alternative::String(Some(values))] => values.clone(),
        _ => Vec::new(),
    }
}

fn requires_tag(object: &Object, schemas: &Schemas) -> bool {
    let nullable = object.fields.iter().any(|(name, types)| name == "type" && schemas.alternatives(types).1);
    object.required.iter().any(|name| name == "type") && !nullable
}

/// Returns the objects of a union by their tags; objects with the same tags are merged.
fn by_tags(objects: Vec<Object>, schemas: &Schemas, union: &str) -> Vec<(Vec<String>, Object)> {
    let mut by_tags: Vec<(Vec<String>, Object)> = Vec::new();
    let many = objects.len() > 1;
    for object in objects {
        let tags = tags(&object, schemas);
        assert!(!(many && tags.is_empty()), "{union}: cannot tell {:?} from others", object.name);
        match by_tags.iter_mut().find(|(known, _)| known.iter().any(|tag| tags.contains(tag))) {
            Some((known, other)) if *known == tags && other.name != object.name => {
                other.name = None;
                other.merge(object);
            }
            Some((known, other)) => assert!(*known == tags && other.name == object.name, "{union}: {tags:?}"),
            None => by_tags.push((tags, object)),
        }
    }
    by_tags
}

fn integer(name: &str, field: &str) -> Type {
    if field == "bytes" && name.ends_with('*') {
        // The bytes of a token, as in the chat API.
        Type::U32
    } else if names::is_signed(field) {
        Type::I64
    } else {
        Type::U64
    }
}
