//! The service's own description, for `/swagger.json`. Pure.

use serde_json::{Value, json};

use crate::message::Schemas;

/// The description in a version (`2`, `3`, `3.1`; `2` when the caller names none).
///
/// # Errors
/// The message when there is no such version.
pub(crate) fn document(query: &str, name: &str, schemas: &Schemas) -> Result<Value, String> {
    let version = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("version="))
        .unwrap_or("2");
    let input = schemas
        .input
        .clone()
        .unwrap_or_else(|| json!({"type": "object", "example": {}}));
    let output = schemas
        .output
        .clone()
        .unwrap_or_else(|| json!({"type": "object"}));
    let info = json!({"title": name, "description": format!("Scoring service {name}"), "version": "1.0"});
    match version {
        "2" => Ok(version_2(&info, &input, &output)),
        "3" => Ok(version_3("3.0.3", &info, &input, &output)),
        "3.1" => Ok(version_3("3.1.0", &info, &input, &output)),
        other => Err(format!(
            "Swagger version [{other}] is not valid. Supported versions: [2, 3, 3.1]."
        )),
    }
}

fn version_2(info: &Value, input: &Value, output: &Value) -> Value {
    json!({
        "swagger": "2.0",
        "info": info,
        "consumes": ["application/json"],
        "produces": ["application/json"],
        "securityDefinitions": {"Bearer": {"type": "apiKey", "name": "Authorization", "in": "header"}},
        "paths": {
            "/": {"get": {
                "operationId": "ServiceHealthCheck",
                "description": "Whether the service is up.",
                "responses": {"200": {"description": "It is up.", "schema": {"type": "string"}}},
            }},
            "/score": {"post": {
                "operationId": "RunMLService",
                "description": "Calls run() of the entry script.",
                "security": [{"Bearer": []}],
                "parameters": [{
                    "name": "serviceInputPayload", "in": "body", "schema": {"$ref": "#/definitions/ServiceInput"},
                }],
                "responses": {"200": {
                    "description": "What run() returned.", "schema": {"$ref": "#/definitions/ServiceOutput"},
                }},
            }},
            "/swagger.json": itself(),
        },
        "definitions": {"ServiceInput": input, "ServiceOutput": output},
    })
}

fn version_3(version: &str, info: &Value, input: &Value, output: &Value) -> Value {
    let body = |name: &str| json!({"application/json": {"schema": {"$ref": format!("#/components/schemas/{name}")}}});
    json!({
        "openapi": version,
        "info": info,
        "security": [{"Bearer": []}],
        "paths": {
            "/": {"get": {
                "operationId": "ServiceHealthCheck",
                "description": "Whether the service is up.",
                "responses": {"200": {"description": "It is up."}},
            }},
            "/score": {"post": {
                "operationId": "RunMLService",
                "description": "Calls run() of the entry script.",
                "requestBody": {"required": true, "content": body("ServiceInput")},
                "responses": {"200": {"description": "What run() returned.", "content": body("ServiceOutput")}},
            }},
            "/swagger.json": itself(),
        },
        "components": {
            "securitySchemes": {"Bearer": {"type": "http", "scheme": "bearer"}},
            "schemas": {"ServiceInput": input, "ServiceOutput": output},
        },
    })
}

fn itself() -> Value {
    json!({"get": {
        "operationId": "GetSwagger",
        "description": "This description.",
        "responses": {"200": {"description": "The description."}},
    }})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        let schemas = Schemas {
            input: Some(json!({"type": "array"})),
            output: None,
        };
        let read = |query: &str| document(query, "iris", &schemas);
        for query in ["", "version=2", "a=b&version=2"] {
            let document = read(query).unwrap();
            assert_eq!(document["swagger"], "2.0", "{query}");
            assert_eq!(document["definitions"]["ServiceInput"]["type"], "array");
        }
        for (query, version) in [("version=3", "3.0.3"), ("version=3.1", "3.1.0")] {
            let document = read(query).unwrap();
            assert_eq!(document["openapi"], version);
            assert_eq!(document["components"]["schemas"]["ServiceInput"]["type"], "array");
        }
        assert!(read("version=9").unwrap_err().contains("[9]"));
    }
}
