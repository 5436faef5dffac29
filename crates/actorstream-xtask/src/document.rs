//! The checked-in schemas, with additions for behaviour of the API that the package does not describe.

use crate::json::Json;
use crate::schema::Schemas;

/// Reads the schemas of `schemas.json`, changed by `additions.json`: schemas that are added or replaced,
/// alternatives that are added to a schema, fields that are added, replaced or (if `null`) removed, and fields that
/// are required.
///
/// # Errors
/// If either is not JSON.
pub fn read(schemas: &str, additions: &str) -> serde_json::Result<Schemas> {
    let document: Json = serde_json::from_str(schemas)?;
    let additions: Json = serde_json::from_str(additions)?;
    let mut schemas: Vec<(String, Json)> = fields(&document, "schemas").to_vec();
    for (name, schema) in fields(&additions, "schemas") {
        match schemas.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => known.clone_from(schema),
            None => schemas.push((name.clone(), schema.clone())),
        }
    }
    for (name, more) in fields(&additions, "alternatives") {
        let schema = schemas.iter_mut().find(|(known, _)| known == name);
        if let (Some((_, Json::Object(fields))), Json::List(more)) = (schema, more) {
            for (_, list) in fields.iter_mut().filter(|(field, _)| field == "anyOf") {
                if let Json::List(list) = list {
                    list.extend(more.iter().cloned());
                }
            }
        }
    }
    for (name, more) in fields(&additions, "fields") {
        let properties = schemas
            .iter_mut()
            .find(|(known, _)| known == name)
            .and_then(|(_, schema)| schema.get_mut("properties"));
        let Some(Json::Object(properties)) = properties else { continue };
        for (field, schema) in more.fields() {
            properties.retain(|(known, _)| known != field || *schema != Json::Other);
            match properties.iter_mut().find(|(known, _)| known == field) {
                Some((_, known)) => known.clone_from(schema),
                None if *schema != Json::Other => properties.push((field.clone(), schema.clone())),
                None => {}
            }
        }
    }
    for (name, more) in fields(&additions, "required") {
        let required = schemas
            .iter_mut()
            .find(|(known, _)| known == name)
            .and_then(|(_, schema)| schema.get_mut("required"));
        if let (Some(Json::List(required)), Json::List(more)) = (required, more) {
            required.extend(more.iter().cloned());
        }
    }
    Ok(Schemas::new(Json::Object(schemas)))
}

fn fields<'a>(document: &'a Json, name: &str) -> &'a [(String, Json)] {
    document.get(name).map_or(&[], Json::fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn additions_add_schemas_replace_them_and_add_alternatives() {
        let schemas = r##"{"schemas": {"a:One": {"type": "string"}, "a:Union": {"anyOf": [{"$ref": "#/schemas/a:One"}]}}}"##;
        let additions = r##"{
            "schemas": {"a:One": {"type": "integer"}, "a:Two": {"type": "boolean"}},
            "alternatives": {"a:Union": [{"$ref": "#/schemas/a:Two"}]}
        }"##;
        let schemas = read(schemas, additions).unwrap();
        assert_eq!(schemas.get("a:One").str("type"), Some("integer"));
        assert_eq!(schemas.get("a:Two").str("type"), Some("boolean"));
        let union: Vec<_> =
            schemas.get("a:Union").list("anyOf").iter().map(|schema| schema.str("$ref")).collect();
        assert_eq!(union, [Some("#/schemas/a:One"), Some("#/schemas/a:Two")]);
    }
}
